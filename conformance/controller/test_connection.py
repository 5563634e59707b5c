# SPDX-License-Identifier: GPL-2.0-or-later
"""What the controller does with a remote node that speaks the protocol well, and a little less."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from containers import cib
from containers.cluster import Cluster
from fixtures.wire import (
    Exec,
    NewClientNotify,
    Poke,
    ProxyForward,
    ProxyOp,
    RegisterRequest,
)

from .conftest import FakeHost, meanwhile

#: Seconds for anything that the controller does without having to wait for a timer.
SOON = 20.0


@pytest.mark.requirement("TLS-019", "REG-012")
async def test_controller_registers_as_provider_under_the_identity_lrmd(
    cluster: Cluster, fake_host: FakeHost
) -> None:
    await meanwhile(cluster.create, fake_host.resource())
    asked = await fake_host.fake.next_request(RegisterRequest, timeout=SOON)
    identity = asked.client.info.identity if asked.client.info else None
    check(identity == b"lrmd", expected="PSK identity lrmd", actual=repr(identity))
    request = asked.request
    expected = f"pacemaker-remote-{fake_host.address}:{fake_host.port}"
    check(
        request.is_ipc_provider and request.client_name == expected,
        expected=f"an IPC provider called {expected}",
        actual=str(request),
    )


@pytest.mark.requirement("REC-001", "REC-008")
async def test_fake_remote_comes_online_and_is_poked_over_one_connection(
    cluster: Cluster, fake_node: FakeHost
) -> None:
    state = await meanwhile(cluster.state)
    check(
        state.nodes["f1"].kind == "remote",
        expected="f1 is an online remote node",
        actual=str(state),
    )
    for _ in range(2):
        await fake_node.fake.next_request(Poke, timeout=SOON)
    clients = fake_node.fake.clients
    check(len(clients) == 1, expected="one connection for all of it", actual=f"{len(clients)}")


@pytest.mark.requirement("TRM-005", "EXE-007")
async def test_resource_runs_on_the_fake_remote(cluster: Cluster, fake_node: FakeHost) -> None:
    resource = cib.primitive("p1", "ocf:pacemaker:Dummy")
    await meanwhile(cluster.create, resource, constraints=(cib.location("p1", "f1"),))
    await meanwhile(cluster.wait_running, "p1", "f1")
    check(
        fake_node.fake.running == {"p1"},
        expected="p1 was started through the protocol",
        actual=f"running on the fake: {fake_node.fake.running}",
    )
    probe = await fake_node.fake.next_request(Exec, lambda asked: asked.action == "monitor")
    check(
        probe.request.interval_ms == 0,
        expected="a probe of p1 came before its start",
        actual=str(probe.request),
    )


@pytest.mark.requirement("SHD-013")
async def test_shutdown_request_is_acknowledged_and_the_node_drained(
    cluster: Cluster, fake_node: FakeHost
) -> None:
    resource = cib.primitive("p1", "ocf:pacemaker:Dummy")
    await meanwhile(cluster.create, resource, constraints=(cib.location("p1", "f1"),))
    await meanwhile(cluster.wait_running, "p1", "f1")
    fake = fake_node.fake
    fake.terminate()
    await fake.next_request(
        ProxyForward, lambda asked: asked.ipc_op == ProxyOp.SHUTDOWN_ACK, timeout=SOON
    )
    status = await fake.wait_exited(SOON)
    check(
        status == 0 and fake.running == frozenset(),
        expected="p1 is stopped, then the connection closed, so that the daemon exits 0",
        actual=f"exit status {status}, still running: {fake.running}",
    )
    check(
        cluster.power.records == [],
        expected="nobody is fenced",
        actual=f"fenced: {cluster.power.records}",
    )


@pytest.mark.requirement("NTF-006")
async def test_unexpected_new_client_makes_the_controller_disconnect(
    cluster: Cluster, fake_node: FakeHost
) -> None:
    fake = fake_node.fake
    (client,) = fake.clients
    # That it stays connected without this notify is what the other tests here show.
    fake.broadcast(NewClientNotify(client_name="usurper", client_id="0"))
    await fake.until(lambda: client.ending is not None, "end of the connection", SOON)
    check(
        client.ending is not None,
        expected="the controller gives up its connection",
        actual=f"{client.ending}",
    )
