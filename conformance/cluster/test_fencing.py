# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is fenced, by whom, and what follows. The power switch's own record decides."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from containers.cluster import Cluster
from containers.node import RemoteNode

#: Seconds from the loss of a connection to the end of recovery; measured at about three.
RECOVERY = 30.0


@pytest.mark.requirement("FEN-001", "FEN-005", "LIM-003", "FEN-029")
def test_killed_remote_is_fenced_once_by_a_cluster_node_and_rejoins(
    cluster: Cluster, loaded_node: RemoteNode
) -> None:
    loaded_node.power_off()
    cluster.wait("a fence request for r1", lambda _: bool(cluster.power.of("r1")), RECOVERY)
    cluster.wait_running("p1", "r1", RECOVERY)
    records = cluster.power.records
    check(
        [(record.action, record.target, record.error) for record in records]
        == [("reboot", "r1", "")],
        expected="exactly one request: reboot r1, successful",
        actual=f"{records}",
    )
    check(
        records[0].executor in cluster.nodes,
        expected="a cluster node runs the fence agent",
        actual=f"{records[0].executor} ran it",
    )


@pytest.mark.requirement("FEN-002")
def test_lost_remote_is_fenced_although_nothing_runs_on_it(
    cluster: Cluster, remote_node: RemoteNode
) -> None:
    remote_node.power_off()
    cluster.wait("a fence request for r1", lambda _: bool(cluster.power.of("r1")), RECOVERY)
    cluster.wait_online("r1", RECOVERY)
    check(
        {record.target for record in cluster.power.records} == {"r1"},
        expected="r1 is fenced, and nobody else",
        actual=f"{cluster.power.records}",
    )


@pytest.mark.requirement("FEN-009")
def test_fencing_is_recorded_and_erases_the_nodes_history(
    cluster: Cluster, loaded_node: RemoteNode
) -> None:
    loaded_node.power_off()
    cluster.wait("a fence request for r1", lambda _: bool(cluster.power.of("r1")), RECOVERY)
    cluster.wait_running("p1", "r1", RECOVERY)
    history = cluster.query("/cib/status/node_state[@uname='r1']//lrm_rsc_op[@operation='monitor']")
    probes = [operation for operation in history if operation.get("interval") == "0"]
    starts = cluster.query("/cib/status/node_state[@uname='r1']//lrm_rsc_op[@operation='start']")
    check(
        bool(probes or starts) and len(history) + len(starts) > 0,
        expected="p1's history on r1 begins anew after the fencing",
        actual=f"{len(history)} monitors, {len(starts)} starts",
    )
