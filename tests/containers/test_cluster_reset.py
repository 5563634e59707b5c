# SPDX-License-Identifier: GPL-2.0-or-later
"""Back to the seed: what a test left behind goes, in an order that disturbs nothing."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fake_cluster import Beside, Daemon, Member, World
from fake_power import Line

from containers.cluster import FENCING, Cluster
from containers.errors import WaitTimeout
from containers.fencing import FenceRecord
from containers.images import ImagePair

CLEAN = [
    "n1: cibadmin --query",
    "n1: cibadmin --replace -o configuration --xml-file /tmp/change.xml",
    "n1: crmadmin --status n1",
    "n1: rm -f /var/lib/pacemaker-conformance/witness.log",
    "n2: rm -f /var/lib/pacemaker-conformance/witness.log",
]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def cluster(world: World, lines: list[Line]) -> Cluster:
    """A cluster of two that runs, as its seed left it."""
    cluster = Cluster(ImagePair("node", "remote"), ImagePair("n", "r"), b"key")
    for name in ("n1", "n2"):
        node = Member(name, world=world)
        cluster.nodes[name] = node
        cluster.power.plug(node)
        cluster.power.connect(node)
    return cluster


@pytest.fixture
def remote(cluster: Cluster, world: World) -> Beside:
    """A remote node with a resource on it, beside the cluster."""
    node = Beside("r1")
    node.start_daemon()
    cluster.remotes["r1"] = node
    cluster.power.plug(node)
    world.nodes["r1"] = "remote"
    world.resources |= {"r1": "n1", "p1": "r1"}
    return node


def member(cluster: Cluster, name: str) -> Member:
    node = cluster.nodes[name]
    assert isinstance(node, Member)
    return node


def fence(cluster: Cluster, target: str) -> None:
    cluster.power.records.append(FenceRecord("n1", "reboot", target, "harness", 1.0, 2.0))


def index(world: World, words: str) -> int:
    """Where among the commands the one stands that begins so."""
    (found,) = (i for i, command in enumerate(world.commands) if command.startswith(words))
    return found


def test_clean_cluster_only_gets_its_seed_again(cluster: Cluster, world: World) -> None:
    cluster.reset()

    assert world.commands == CLEAN
    ((how, xml),) = world.loaded
    assert how == "--replace"
    assert [item.get("id") for item in xml.iterfind("resources/*")] == [FENCING]
    assert cluster.history == []


def test_seed_keeps_the_nodes_that_the_cluster_found(cluster: Cluster, world: World) -> None:
    cluster.reset()

    ((_, xml),) = world.loaded
    assert [node.get("uname") for node in xml.iterfind("nodes/node")] == ["n1", "n2"]


def test_remote_node_is_forgotten_when_its_resources_have_stopped(
    cluster: Cluster, world: World, remote: Beside, lines: list[Line]
) -> None:
    cluster.reset()

    assert index(world, "n1: cibadmin --replace") < index(world, "n1: crm_node --force --remove r1")
    assert set(world.nodes) == {"n1", "n2"}
    assert (cluster.remotes, remote.life[-1]) == ({}, "remove")
    assert lines[0].ask("17 status r1 harness") == ("17", 2, "off")


def test_remote_hosts_stay_until_the_cluster_is_done_with_them(
    cluster: Cluster, world: World, remote: Beside
) -> None:
    looks: list[bool] = []
    world.before_look = lambda: looks.append("remove" in remote.life)

    cluster.reset()

    assert looks
    assert not any(looks)


def test_failures_are_cleaned_up(cluster: Cluster, world: World) -> None:
    world.failures = ["p1_monitor_5000"]

    cluster.reset()

    assert world.failures == []
    assert index(world, "n1: crm_resource --cleanup") > index(world, "n1: cibadmin --replace")


def test_fencing_is_forgotten_by_cluster_and_switch(cluster: Cluster, world: World) -> None:
    fence(cluster, "r1")

    cluster.reset()

    assert index(world, "n1: stonith_admin --cleanup --history *")
    assert cluster.power.records == []


def test_node_that_is_down_is_booted_connected_and_awaited(
    cluster: Cluster, world: World, lines: list[Line]
) -> None:
    node = member(cluster, "n1")
    node.up = False
    world.down = {"n1"}
    world.dc = "n2"
    looks = iter(range(10))

    def come_back() -> None:
        if next(looks) == 3:
            world.down.clear()

    world.before_look = come_back
    cluster.reset()

    assert node.life == ["boot"]
    assert [line.node.name for line in lines] == ["n1", "n2", "n1"]
    assert lines[0].closed
    assert next(looks) > 4  # the seed was not loaded before it was back


def test_dead_daemon_of_a_remote_host_is_started_again(cluster: Cluster, remote: Beside) -> None:
    assert isinstance(remote.process, Daemon)
    remote.process.running = False

    cluster.reset()

    assert remote.life == ["start_daemon", "start_daemon", "remove"]


@pytest.mark.parametrize("state", ["running", "powered off", "never started"])
def test_daemons_of_other_remote_hosts_are_left_alone(
    cluster: Cluster, remote: Beside, state: str
) -> None:
    remote.life.clear()
    if state == "powered off":
        remote.up = False
        remote.process = cast(Any, Daemon(running=False))
    elif state == "never started":
        remote.process = None

    cluster.reset()

    assert remote.life == ["remove"]


def test_fencing_under_way_comes_to_its_end_before_anything_is_changed(
    cluster: Cluster, world: World, remote: Beside
) -> None:
    world.unclean = {"r1"}
    looks: list[int] = []

    def fencing_ends() -> None:
        looks.append(len(world.commands))
        if len(looks) == 4:
            world.unclean.clear()

    world.before_look = fencing_ends
    cluster.reset()

    assert looks[:4] == [0, 0, 0, 0]


@pytest.mark.parametrize("trouble", ["resource", "unclean", "busy", "failure", "node"])
def test_cluster_that_cannot_be_cleaned_is_a_timeout(
    cluster: Cluster, world: World, trouble: str
) -> None:
    awaited = {
        "resource": "every resource but the fence device stopped",
        "unclean": "no node unclean",
    }.get(trouble, "a cluster with its own nodes only")
    if trouble == "resource":
        world.resources["p1"] = "n1"
        world.stubborn = {"p1"}
    elif trouble == "unclean":
        world.unclean = {"n2"}
    elif trouble == "busy":
        world.answers["crmadmin"] = "Status: S_TRANSITION_ENGINE (ok)"
    elif trouble == "failure":
        world.before_look = lambda: world.failures.extend([] if world.failures else ["p1_stop_0"])
    else:
        world.before_look = lambda: world.nodes.update(r1="remote")

    with pytest.raises(WaitTimeout, match=awaited):
        cluster.reset()


def test_fence_device_must_run_again(cluster: Cluster, world: World) -> None:
    world.resources[FENCING] = None

    with pytest.raises(WaitTimeout, match="every resource but the fence device stopped"):
        cluster.reset()
