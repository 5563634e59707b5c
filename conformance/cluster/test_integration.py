# SPDX-License-Identifier: GPL-2.0-or-later
"""A host without corosync becomes a node and runs resources."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from containers import cib
from containers.cluster import Cluster
from containers.node import Node, RemoteNode
from containers.witness import acts_on


@pytest.mark.requirement("TRM-001", "LIM-012")
def test_host_without_corosync_joins_and_runs_a_resource(
    cluster: Cluster, remote_host: RemoteNode
) -> None:
    cluster.create(
        cib.remote("r1", server=remote_host.address),
        cib.witness("p1"),
        constraints=(cib.location("p1", "r1"),),
    )
    state = cluster.wait_running("p1", "r1")
    check(
        state.nodes["r1"].kind == "remote" and state.online("r1"),
        expected="r1 is listed as an online remote node",
        actual=str(state.nodes.get("r1")),
    )
    corosync = remote_host.run("pgrep -x corosync", check=False)
    check(corosync.exit_code == 1, expected="no corosync on r1", actual=f"pids {corosync.output}")


@pytest.mark.requirement("TRM-005")
def test_resource_runs_on_the_remote_host_itself(cluster: Cluster, loaded_node: RemoteNode) -> None:
    hosts = {node.name for node in (loaded_node, *cluster.nodes.values()) if ran_on(node)}
    check(hosts == {"r1"}, expected="p1 was started on r1 only", actual=f"started on {hosts}")


def ran_on(node: Node) -> bool:
    return any(seen.action == "start" for seen in acts_on(node, "p1"))


@pytest.mark.requirement("TRM-002")
def test_node_is_named_after_its_resource(cluster: Cluster, remote_host: RemoteNode) -> None:
    cluster.create(cib.remote("db9", server=remote_host.address))
    state = cluster.wait_online("db9")
    check(
        "r1" not in state.nodes and remote_host.address not in state.nodes,
        expected="a node db9, named after the resource, and none named after the host",
        actual=str(state),
    )


@pytest.mark.requirement("TRM-006")
def test_remote_host_runs_only_the_remote_daemon(loaded_node: RemoteNode) -> None:
    daemons = loaded_node.run("ps -eo comm= | grep -E '^(pacemaker|corosync)' | sort -u").output
    check(
        daemons.split() == ["pacemaker-remot"],  # the kernel's fifteen characters of the name
        expected="pacemaker-remoted and no other daemon of the cluster",
        actual=daemons,
    )


@pytest.mark.requirement("NOD-001")
def test_node_state_says_remote_and_present(cluster: Cluster, loaded_node: RemoteNode) -> None:
    (status,) = cluster.query("/cib/status/node_state[@uname='r1']")
    # "true", "1" or, in newer versions, the epoch seconds since when the node is a member.
    present = status.get("in_ccm") not in (None, "false", "0")
    check(
        status.get("remote_node") == "true" and present,
        expected="node_state with remote_node=true and in_ccm true or since when",
        actual=", ".join(f"{name}={value}" for name, value in status.attrib.items()),
    )


@pytest.mark.requirement("NOD-002", "NOD-003")
def test_permanent_attribute_makes_an_entry_of_type_remote(
    cluster: Cluster, remote_node: RemoteNode
) -> None:
    # An entry in "nodes" appears with the first permanent attribute, not with the node.
    node = cluster.admin()
    node.run(["crm_attribute", "--node", "r1", "--name", "rack", "--update", "7"])
    (entry,) = cluster.query("/cib/configuration/nodes/node[@uname='r1']")
    check(entry.get("type") == "remote", expected="type=remote", actual=str(dict(entry.attrib)))
    value = node.run(["crm_attribute", "--node", "r1", "--name", "rack", "--query", "--quiet"])
    check(value.output.strip() == "7", expected="rack is 7", actual=value.output.strip())
