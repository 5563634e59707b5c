# SPDX-License-Identifier: GPL-2.0-or-later
"""When and how the cluster comes back to a remote node whose connection broke."""

from __future__ import annotations

import time

import pytest

from conformance.deviation import check
from containers import cib
from containers.cluster import Cluster
from containers.node import RemoteNode
from containers.witness import acts_on

from .conftest import running_daemon

#: Seconds; the configured wait, and how late the reconnect may be seen: the rounding of the
#: failure's time to whole seconds, one recheck, a start, and the look.
RECONNECT_INTERVAL = 8
LATE = 5.0
RECHECK_INTERVAL = "2s"
#: Seconds in which a connection that was closed must be missed, the look included.
NOTICED = 2.0


@pytest.mark.requirement("REC-011")
def test_closed_connection_is_noticed_at_once(cluster: Cluster) -> None:
    # No monitor comes in time to notice it instead.
    host = cluster.remote_host("r1")
    host.boot()
    seldom = {"monitor": {"interval": "60s", "timeout": "60s"}}
    cluster.create(cib.remote("r1", server=host.address, operations=seldom))
    cluster.wait_online("r1")
    cluster.wait_idle()
    running_daemon(host).signal("KILL")
    killed = time.monotonic()
    cluster.wait("a failed monitor of r1", lambda seen: bool(seen.failures_of("r1")), 10)
    elapsed = time.monotonic() - killed
    check(elapsed < NOTICED, expected=f"within {NOTICED} s", actual=f"after {elapsed:.1f} s")


@pytest.mark.requirement("FEN-004")
def test_without_fencing_the_connection_is_recovered_and_p1_stays(
    cluster: Cluster, loaded_node: RemoteNode
) -> None:
    cluster.set_property("stonith-enabled", "false")
    cluster.wait_idle()
    daemon = running_daemon(loaded_node)
    daemon.signal("KILL")
    daemon.wait(5)
    loaded_node.start_daemon()
    loaded_node.wait_listening()
    cluster.wait(
        "the loss recorded as a failed monitor of r1, and r1 online again",
        lambda seen: bool(seen.failures_of("r1")) and seen.online("r1"),
        20,
    )
    cluster.wait_idle()
    acts = {node.name: len(acts_on(node, "p1")) for node in (loaded_node, *cluster.nodes.values())}
    check(
        acts == {"r1": 1, "n1": 0, "n2": 0},
        expected="p1 was started once, on r1, and neither stopped nor moved",
        actual=f"starts and stops of p1 by host: {acts}",
    )
    check(
        cluster.power.records == [],
        expected="nobody is fenced, as fencing is disabled",
        actual=f"fenced: {cluster.power.records}",
    )


@pytest.mark.requirement("REC-015")
def test_reconnect_interval_is_waited_out_and_then_honoured(
    cluster: Cluster, remote_host: RemoteNode
) -> None:
    # Before 3.0.0 only a recheck ends the wait (REC-018), so rechecks are made frequent.
    cluster.set_property("cluster-recheck-interval", RECHECK_INTERVAL)
    # With a resource on it: the fencing of an idle node is lost now and then (FEN-002).
    cluster.create(
        cib.remote("r1", server=remote_host.address, reconnect_interval=f"{RECONNECT_INTERVAL}s"),
        cib.witness("p1"),
        constraints=(cib.location("p1", "r1"),),
    )
    cluster.wait_running("p1", "r1")
    cluster.wait_idle()
    severed = time.monotonic()
    running_daemon(remote_host).signal("KILL")
    cluster.wait("r1 lost", lambda seen: not seen.online("r1"), 10)
    cluster.wait_online("r1", RECONNECT_INTERVAL + 20)
    elapsed = time.monotonic() - severed
    # The fence device restarts the host within a second, so only the interval holds r1 back.
    check(
        [record.target for record in cluster.power.records] == ["r1"],
        expected="r1 fenced once before it is reconnected",
        actual=f"fenced: {cluster.power.records}",
    )
    check(
        RECONNECT_INTERVAL - 1 <= elapsed <= RECONNECT_INTERVAL + LATE,
        expected=f"r1 online {RECONNECT_INTERVAL} s after the loss (-1 s, +{LATE:.0f} s)",
        actual=f"after {elapsed:.1f} s",
    )
