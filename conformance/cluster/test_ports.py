# SPDX-License-Identifier: GPL-2.0-or-later
"""The port must be the same on both ends: 3121 unless both are told otherwise."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from containers import cib
from containers.cluster import Cluster
from containers.node import RemoteNode

CUSTOM_PORT = 3999
#: Start time-out of the connection in tests where it must fail: short, so that it fails soon.
#: The controller gives up when less than 3 s of it remain.
SHORT_START = {
    "start": {"timeout": "6s"},
    "monitor": {"interval": "5s", "timeout": "10s"},
}


@pytest.mark.requirement("PRT-001")
def test_default_port_on_both_ends(cluster: Cluster, remote_host: RemoteNode) -> None:
    check(
        remote_host.listening() == [3121],
        expected="the daemon listens on 3121 only",
        actual=f"ports {remote_host.listening()}",
    )
    cluster.create(cib.remote("r1", server=remote_host.address))
    cluster.wait_online("r1")


@pytest.mark.requirement("PRT-002", "PRT-004")
def test_custom_port_on_both_ends(cluster: Cluster) -> None:
    host = cluster.remote_host("r1", {"PCMK_remote_port": str(CUSTOM_PORT)})
    host.boot()
    check(
        host.listening() == [CUSTOM_PORT],
        expected=f"the daemon listens on {CUSTOM_PORT} only",
        actual=f"ports {host.listening()}",
    )
    cluster.create(cib.remote("r1", server=host.address, port=str(CUSTOM_PORT)))
    cluster.wait_online("r1")


@pytest.mark.requirement("PRT-003")
def test_port_changed_on_the_remote_only_cannot_connect(cluster: Cluster) -> None:
    # A node never seen is fenced when its first start fails (S-08); that is not the subject here.
    cluster.set_property("startup-fencing", "false")
    host = cluster.remote_host("r1", {"PCMK_remote_port": str(CUSTOM_PORT)})
    host.boot()
    cluster.create(cib.remote("r1", server=host.address, operations=SHORT_START))
    state = cluster.wait(
        "a failed start of the connection", lambda seen: bool(seen.failures_of("r1")), 30
    )
    check(
        not state.online("r1") and state.failures_of("r1")[0].operation == "r1_start_0",
        expected="r1_start_0 fails and r1 is not online",
        actual=str(state),
    )
    # It was the port and nothing else: told of it, the cluster connects.
    cluster.delete_resource("r1")
    cluster.create(cib.remote("r1", server=host.address, port=str(CUSTOM_PORT)))
    cluster.wait_online("r1")
