# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster that runs: looking at it, changing it, removing it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from docker.errors import APIError, NotFound
from fake_cluster import Beside, Member, World
from fake_power import Line
from lxml import etree

from containers import cib
from containers.cluster import FENCING, Cluster, fence_device, running
from containers.errors import EnvironmentProblem, WaitTimeout
from containers.images import ImagePair
from containers.node import CommandFailed


class Network:
    def __init__(self, told: list[str], error: Exception | None = None) -> None:
        self.told = told
        self.error = error

    def remove(self) -> None:
        self.told.append("network")
        if self.error is not None:
            raise self.error


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def cluster(world: World) -> Cluster:
    """A cluster of two that runs."""
    cluster = Cluster(ImagePair("node", "remote"), ImagePair("n", "r"), b"key")
    cluster.nodes |= {name: Member(name, world=world) for name in ("n1", "n2")}
    return cluster


def member(cluster: Cluster, name: str) -> Member:
    node = cluster.nodes[name]
    assert isinstance(node, Member)
    return node


# --- Looking


def test_state_is_what_the_first_node_says(cluster: Cluster) -> None:
    state = cluster.state()

    assert (state.dc, state.running_on(FENCING)) == ("n1", ("n1",))


def test_node_that_is_down_is_passed_over(cluster: Cluster, world: World) -> None:
    member(cluster, "n1").up = False
    world.dc = "n2"

    assert cluster.state().dc == "n2"


def test_node_whose_daemons_do_not_answer_is_passed_over(cluster: Cluster, world: World) -> None:
    world.failing = {("n1", "crm_mon")}

    assert cluster.state().dc == "n1"


def test_cluster_that_does_not_answer_has_no_state(cluster: Cluster, world: World) -> None:
    world.failing = {("n1", "crm_mon"), ("n2", "crm_mon")}

    assert str(cluster.state()) == "no quorum; "


def test_history_holds_every_change_once(cluster: Cluster, world: World) -> None:
    for place in ("n1", "n1", "n2", "n2", "n1"):
        world.resources["p1"] = place
        cluster.state()

    told = [state.rpartition("; ")[2] for _, state in cluster.history]
    assert told == ["p1=Started@n1", "p1=Started@n2", "p1=Started@n1"]
    times = [at for at, _ in cluster.history]
    assert times == sorted(times)


def test_wait_looks_until_the_state_is_there(cluster: Cluster, world: World) -> None:
    moves = iter([None, None, "n1", "n2"])

    def move() -> None:
        world.resources["p1"] = next(moves)

    world.before_look = move

    assert cluster.wait_running("p1", "n2", 10).running_on("p1") == ("n2",)


def test_node_is_awaited_online(cluster: Cluster, world: World) -> None:
    world.nodes["r1"] = "remote"
    world.resources["r1"] = "n1"

    assert cluster.wait_online("r1", 1).online("r1")
    world.down = {"r1"}
    with pytest.raises(WaitTimeout, match="node r1 online: not seen"):
        cluster.wait_online("r1", 1)


def test_timeout_tells_the_state_and_the_dcs_log(cluster: Cluster, world: World) -> None:
    world.dc = "n2"
    with pytest.raises(WaitTimeout) as caught:
        cluster.wait_running("p1", "n1", 5)

    assert "resource p1 running on n1: not seen within 5.0 s" in str(caught.value)
    assert "last seen: quorate; n1(member: online)" in str(caught.value)
    assert "last words of n2" in str(caught.value)


def test_timeout_without_a_dc_says_so(cluster: Cluster, world: World) -> None:
    world.dc = ""
    with pytest.raises(WaitTimeout, match=r"\(no DC\)"):
        cluster.wait_running("p1", "n1", 5)


def test_idle_is_awaited_from_the_controller(cluster: Cluster, world: World) -> None:
    answers = iter(["S_POLICY_ENGINE", "S_TRANSITION_ENGINE", "S_IDLE"])

    def answer() -> None:
        world.answers["crmadmin"] = f"Status of crmd@n1: {next(answers)} (ok)"

    world.before_look = answer
    cluster.wait_idle(10)

    assert world.commands == ["n1: crmadmin --status n1"] * 3


def test_administration_is_done_on_a_node_that_is_up(cluster: Cluster) -> None:
    member(cluster, "n1").up = False
    assert cluster.admin() is cluster.nodes["n2"]

    member(cluster, "n2").up = False
    with pytest.raises(EnvironmentProblem, match="no cluster node is up"):
        cluster.admin()


def test_query_selects_elements_of_the_live_cib(cluster: Cluster) -> None:
    assert [node.get("uname") for node in cluster.query("//node")] == ["n1", "n2"]
    assert cluster.query("//primitive") == []


# --- Changing


def test_resources_and_constraints_are_added_in_one_change(cluster: Cluster, world: World) -> None:
    cluster.create(cib.remote("r1"), cib.witness("w1"), constraints=(cib.location("w1", "r1"),))

    ((how, xml),) = world.loaded
    assert how == "--modify"
    assert [item.get("id") for item in xml.iterfind("resources/*")] == ["r1", "w1"]
    assert [item.get("rsc") for item in xml.iterfind("constraints/*")] == ["w1"]
    assert world.commands == [
        "n1: cibadmin --modify -o configuration --xml-file /tmp/change.xml --allow-create"
    ]


def test_change_that_the_cluster_refuses_is_told(cluster: Cluster, world: World) -> None:
    world.failing = {("n1", "cibadmin")}

    with pytest.raises(CommandFailed, match="on n1, 'cibadmin --modify"):
        cluster.create(cib.witness("w1"))


def test_property_is_set_with_pacemakers_own_tool(cluster: Cluster, world: World) -> None:
    cluster.set_property("no-quorum-policy", "ignore")

    assert world.commands == ["n1: crm_attribute --type crm_config -n no-quorum-policy -v ignore"]


def test_fence_device_asks_no_agent_which_nodes_it_can_fence() -> None:
    device = etree.fromstring(fence_device())

    assert (device.get("id"), device.get("class")) == (FENCING, "stonith")
    pairs = {pair.get("name"): pair.get("value") for pair in device.iter("nvpair")}
    assert pairs["pcmk_host_check"] == "none"


# --- Removing


@pytest.fixture
def closing(cluster: Cluster, lines: list[Line]) -> Cluster:
    """A cluster with everything that can be removed."""
    cluster.remotes["r1"] = Beside("r1")
    cluster.power.connect(cluster.nodes["n1"])
    return cluster


def removed(cluster: Cluster) -> list[str]:
    """Names of the nodes whose containers were removed."""
    everything: list[Any] = [*cluster.nodes.values(), *cluster.remotes.values()]
    return [node.name for node in everything if "remove" in node.life]


def test_closing_removes_nodes_then_network_and_hangs_up(
    closing: Cluster, lines: list[Line]
) -> None:
    seen_by_network: list[str] = []

    class Last(Network):
        def remove(self) -> None:
            seen_by_network.extend(removed(closing))

    closing._network = cast(Any, Last([]))
    closing.close()

    assert seen_by_network == removed(closing) == ["n1", "n2", "r1"]
    assert lines[0].closed


def test_one_node_that_cannot_be_removed_keeps_nothing_else(
    closing: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    closing._network = cast(Any, Network(told))

    def refuse() -> None:
        raise APIError("refused")

    monkeypatch.setattr(closing.remotes["r1"], "remove", refuse)

    with pytest.raises(APIError, match="refused"):
        closing.close()
    assert removed(closing) == ["n1", "n2"]
    assert told == ["network"]


def test_network_that_is_gone_already_is_no_error(closing: Cluster) -> None:
    told: list[str] = []
    closing._network = cast(Any, Network(told, NotFound("gone")))

    closing.close()

    assert told == ["network"]


def test_cluster_that_was_never_started_is_closed_without_ado() -> None:
    cluster = Cluster(ImagePair("node", "remote"), ImagePair("n", "r"), b"key")

    cluster.close()

    with pytest.raises(RuntimeError, match="the cluster was not started"):
        _ = cluster.network


@pytest.mark.parametrize("fails_in", ["start", "block"])
def test_cluster_is_gone_after_its_block_whatever_happened(
    closing: Cluster, monkeypatch: pytest.MonkeyPatch, fails_in: str
) -> None:
    def start() -> None:
        if fails_in == "start":
            raise ZeroDivisionError

    monkeypatch.setattr(closing, "start", start)

    with pytest.raises(ZeroDivisionError), running(closing):
        raise ZeroDivisionError
    assert removed(closing) == ["n1", "n2", "r1"]
