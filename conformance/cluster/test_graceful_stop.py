# SPDX-License-Identifier: GPL-2.0-or-later
"""Stopping pacemaker_remote moves the node's resources away first (seed section 9.4.8)."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from containers.cluster import Cluster
from containers.node import RemoteNode
from containers.witness import acts_on

from .conftest import running_daemon

#: Seconds for one resource to stop here and start there; measured at about one.
DRAIN = 20.0
#: Seconds for what the cluster does by itself, without waiting for a timer.
AT_ONCE = 10.0


@pytest.mark.requirement("SHD-001", "SHD-002")
@pytest.mark.decided_by("daemon")
def test_sigterm_drains_the_node_before_the_daemon_exits(
    cluster: Cluster, loaded_node: RemoteNode
) -> None:
    daemon = running_daemon(loaded_node)
    daemon.signal("TERM")
    status = daemon.wait(DRAIN)
    record = [seen.action for seen in acts_on(loaded_node, "p1")]
    check(
        record == ["start", "stop"],
        expected="p1 is stopped on r1 before the daemon exits",
        actual=f"the daemon exited with {status} and left p1 stranded; p1's record: {record}",
    )
    cluster.wait(
        "p1 running on a cluster node",
        lambda seen: seen.running_on("p1") in (("n1",), ("n2",)),
        DRAIN,
    )
    check(status == 0, expected="the daemon exits 0", actual=f"it exited {status}")
    check(
        cluster.power.records == [],
        expected="nobody is fenced",
        actual=f"fenced: {cluster.power.records}",
    )


@pytest.mark.requirement("SHD-017", "SHD-018")
def test_cluster_reconnects_at_once_after_the_stop(
    cluster: Cluster, loaded_node: RemoteNode
) -> None:
    running_daemon(loaded_node).signal("TERM")
    cluster.wait(
        "r1 disconnected and p1 elsewhere",
        lambda seen: (
            bool(cluster.power.records)
            or (
                "r1" in seen.resources
                and seen.resources["r1"].role == "Stopped"
                and seen.running_on("p1") in (("n1",), ("n2",))
            )
        ),
        DRAIN,
    )
    check(
        cluster.power.records == [],
        expected="r1 is disconnected without being fenced",
        actual=f"fenced: {cluster.power.records}",
    )
    loaded_node.start_daemon()
    loaded_node.wait_listening()
    cluster.wait(
        "r1 connected again within seconds, with no help from anybody, and p1 back on it",
        lambda seen: seen.online("r1") and seen.running_on("p1") == ("r1",),
        AT_ONCE,
    )
