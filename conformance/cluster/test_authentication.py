# SPDX-License-Identifier: GPL-2.0-or-later
"""Both sides must hold the same key."""

from __future__ import annotations

import secrets

import pytest

from conformance.deviation import check
from containers import cib
from containers.cluster import Cluster
from containers.node import AUTHKEY, File

from .conftest import running_daemon
from .test_ports import SHORT_START


@pytest.mark.requirement("TLS-007")
def test_remote_with_another_key_is_not_integrated(cluster: Cluster) -> None:
    cluster.set_property("startup-fencing", "false")
    host = cluster.remote_host("r1", files={AUTHKEY: File(secrets.token_bytes(4096), 0o640)})
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
    # It was the key and nothing else: given the right one, the cluster connects.
    daemon = running_daemon(host)
    daemon.signal("TERM")
    daemon.wait(5)
    host.write(AUTHKEY, File(cluster.authkey, 0o640))
    host.start_daemon()
    host.wait_listening()
    cluster.delete_resource("r1")
    cluster.create(cib.remote("r1", server=host.address))
    cluster.wait_online("r1")
