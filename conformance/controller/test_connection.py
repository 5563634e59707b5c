# SPDX-License-Identifier: GPL-2.0-or-later
"""What the controller does with a remote node that speaks the protocol well, and a little less."""

from __future__ import annotations

import time

import pytest

from conformance.deviation import check
from containers.cluster import Cluster
from fixtures.peers import EndingKind
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
#: Seconds between two monitors of a connection, as ``cib.remote`` configures it.
MONITOR_INTERVAL = 5.0


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


@pytest.mark.requirement("REC-008")
async def test_connection_is_poked_at_its_interval_and_never_made_anew(
    cluster: Cluster, fake_node: FakeHost
) -> None:
    fake = fake_node.fake
    times = []
    for _ in range(3):
        await fake.next_request(Poke, timeout=SOON)
        times.append(time.monotonic())
    # The first poke may have waited for this test; the later ones are awaited.
    elapsed = times[2] - times[1]
    check(
        abs(elapsed - MONITOR_INTERVAL) <= 1,
        expected=f"a poke each {MONITOR_INTERVAL:.0f} s (1 s more or less)",
        actual=f"{elapsed:.1f} s between two",
    )
    registered = [asked for asked in fake.requests if isinstance(asked.request, RegisterRequest)]
    check(
        len(registered) == 1 and fake.refused == [],
        expected="one connection in all that time",
        actual=f"{len(registered)} sessions, {len(fake.refused)} failed handshakes",
    )


@pytest.mark.requirement("CNS-013")
async def test_resource_is_probed_and_then_started_on_the_fake_remote(
    loaded_node: FakeHost,
) -> None:
    executed = [
        (asked.request.action, asked.request.interval_ms)
        for asked in loaded_node.fake.requests
        if isinstance(asked.request, Exec) and asked.request.resource_id == "p1"
    ]
    check(
        executed == [("monitor", 0), ("start", 0)] and loaded_node.fake.running == {"p1"},
        expected="a probe of p1, then its start, and nothing else",
        actual=f"{executed}; running: {set(loaded_node.fake.running)}",
    )


@pytest.mark.requirement("SHD-013")
async def test_shutdown_request_is_acknowledged_and_the_node_drained(
    cluster: Cluster, loaded_node: FakeHost
) -> None:
    fake = loaded_node.fake
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
        client.ending is not None and client.ending.kind is not EndingKind.LOCAL,
        expected="the controller ends its connection",
        actual=f"{client.ending}",
    )
