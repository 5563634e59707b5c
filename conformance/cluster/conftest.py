# SPDX-License-Identifier: GPL-2.0-or-later
"""The arrangements that cluster tests begin from. What fails here is inconclusive, not a verdict.

Remote hosts belong to the cluster: its reset after each test removes them.
"""

from __future__ import annotations

import pytest

from containers import cib
from containers.cluster import Cluster
from containers.node import Process, RemoteNode


@pytest.fixture
def remote_host(cluster: Cluster) -> RemoteNode:
    """A host ``r1`` with the cluster's key and a listening daemon, not yet a node."""
    node = cluster.remote_host("r1")
    node.boot()
    return node


@pytest.fixture
def remote_node(cluster: Cluster, remote_host: RemoteNode) -> RemoteNode:
    """``r1`` integrated as a remote node, online, its connection monitored."""
    cluster.create(cib.remote("r1", server=remote_host.address))
    cluster.wait_online("r1")
    cluster.wait_idle()
    return remote_host


@pytest.fixture
def loaded_node(cluster: Cluster, remote_node: RemoteNode) -> RemoteNode:
    """The remote node ``r1`` with the resource ``p1`` running on it by preference."""
    cluster.create(cib.witness("p1"), constraints=(cib.location("p1", "r1"),))
    cluster.wait_running("p1", "r1")
    cluster.wait_idle()
    return remote_node


def running_daemon(node: RemoteNode) -> Process:
    """The daemon that runs on *node* now; fencing and restarts make another one."""
    assert node.process is not None, f"no daemon was ever started on {node.name}"
    return node.process
