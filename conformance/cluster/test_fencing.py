# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is fenced, by whom, and what follows. The power switch's own record decides."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from conformance.deviation import check
from containers.cluster import Cluster
from containers.node import RemoteNode
from containers.state import ClusterState
from containers.witness import acts_on

#: Seconds from the loss of a connection to the end of recovery; measured at about three.
RECOVERY = 30.0


def recovered(cluster: Cluster) -> Callable[[ClusterState], bool]:
    """r1 was fenced and is back. The request is on record before its success is known."""
    return lambda seen: bool(cluster.power.of("r1")) and seen.online("r1")


@pytest.mark.requirement("FEN-001", "FEN-005", "FEN-029")
def test_killed_remote_is_fenced_once_and_rejoins(
    cluster: Cluster, loaded_node: RemoteNode
) -> None:
    loaded_node.power_off()
    cluster.wait("r1 fenced and online again", recovered(cluster), RECOVERY)
    cluster.wait_running("p1", "r1", RECOVERY)
    cluster.wait_idle()
    records = [(seen.action, seen.target, seen.error) for seen in cluster.power.records]
    check(
        records == [("reboot", "r1", "")],
        expected="exactly one request: reboot r1, successful",
        actual=f"{records}",
    )
    acts = [act.action for act in acts_on(loaded_node, "p1")]
    check(
        acts == ["start", "start"],
        expected="p1 was started on r1 before its death and again after it",
        actual=f"{acts}",
    )


@pytest.mark.requirement("FEN-002")
def test_lost_remote_is_fenced_although_nothing_runs_on_it(
    cluster: Cluster, remote_node: RemoteNode
) -> None:
    remote_node.power_off()
    cluster.wait("r1 fenced and online again", recovered(cluster), RECOVERY)
    check(
        {record.target for record in cluster.power.records} == {"r1"},
        expected="r1 is fenced, and nobody else",
        actual=f"{cluster.power.records}",
    )


@pytest.mark.requirement("LIM-003")
def test_fencing_history_names_a_cluster_node_as_executor(
    cluster: Cluster, remote_node: RemoteNode
) -> None:
    cluster.admin().run(["stonith_admin", "--reboot", "r1", "--timeout", "30"])
    history = cluster.admin().run(["stonith_admin", "--history", "r1", "--output-as=xml"]).output
    events = etree.fromstring(history.encode()).findall(".//fence_event[@target='r1']")
    delegates = {str(event.get("delegate")) for event in events}
    check(
        bool(delegates) and delegates <= set(cluster.nodes),
        expected="the fencing was delegated to a cluster node",
        actual=f"delegates: {delegates or 'none recorded'}",
    )


@pytest.mark.requirement("FEN-009")
def test_fencing_erases_the_nodes_history(cluster: Cluster, loaded_node: RemoteNode) -> None:
    operations = "/cib/status/node_state[@uname='r1']//lrm_resource[@id='p1']/lrm_rsc_op"
    before = {str(operation.get("transition-key")) for operation in cluster.query(operations)}
    assert before
    loaded_node.power_off()
    cluster.wait("r1 fenced and online again", recovered(cluster), RECOVERY)
    cluster.wait_running("p1", "r1", RECOVERY)
    cluster.wait_idle()
    after = {str(operation.get("transition-key")) for operation in cluster.query(operations)}
    check(
        bool(after) and not (before & after),
        expected="none of the operations of p1 from before the fencing is left",
        actual=f"left: {before & after}, of {len(before)} before and {len(after)} after",
    )
