# SPDX-License-Identifier: GPL-2.0-or-later
"""Bringing a cluster up: addresses, files, and when it is ready."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from fake_cluster import Beside, Daemon, Member, World
from fake_power import Line
from lxml import etree

from containers.cluster import FENCING, Cluster
from containers.errors import EnvironmentProblem, WaitTimeout
from containers.images import ImagePair
from containers.owner import RUN_ENVIRONMENT

KEY = bytes(range(256)) * 2


@pytest.fixture
def world() -> World:
    return World()


def cluster_of_three() -> Cluster:
    return Cluster(ImagePair("node", "remote"), ImagePair("n", "r"), KEY, size=3)


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch, world: World, lines: list[Line]) -> Cluster:
    """A cluster of three that can be started."""
    world.nodes = {f"n{i}": "member" for i in (1, 2, 3)}
    config = {"Subnet": "172.30.4.0/24", "Gateway": "172.30.4.1"}
    removed: list[str] = []

    def create_network(name: str) -> Any:
        return SimpleNamespace(
            name=name,
            attrs={"IPAM": {"Config": [config]}},
            removed=removed,
            remove=lambda: removed.append(name),
        )

    def create_member(*made_of: Any) -> Member:
        return Member(*made_of, world=world)

    monkeypatch.setattr("containers.cluster.create_network", create_network)
    monkeypatch.setattr("containers.cluster.ClusterNode", create_member)
    monkeypatch.setattr("containers.cluster.RemoteNode", Beside)
    monkeypatch.setenv(RUN_ENVIRONMENT, "cafe0001")
    return cluster_of_three()


def test_cluster_starts_with_addresses_that_the_engine_does_not_give_out(
    starting: Cluster,
) -> None:
    starting.start()

    assert [node.address for node in starting.nodes.values()] == [
        "172.30.4.10",
        "172.30.4.11",
        "172.30.4.12",
    ]
    assert starting.remote_host("r1").address == "172.30.4.13"
    assert starting.gateway == "172.30.4.1"
    assert str(starting.network.name).startswith("pcmk-cafe0001-")


def test_every_node_gets_keys_configuration_and_the_first_cib(starting: Cluster) -> None:
    starting.start()

    for node in starting.nodes.values():
        assert isinstance(node, Member)
        assert node.life == ["create", "boot"]
        files = node.files
        assert files["/etc/pacemaker/authkey"].content == KEY
        assert files["/etc/pacemaker/authkey"].mode & 0o007 == 0
        assert len(files["/etc/corosync/authkey"].content) == 128
        assert b"172.30.4.12" in files["/etc/corosync/corosync.conf"].content
        seed = etree.fromstring(files["/var/lib/pacemaker/cib/seed.xml"].content)
        assert [item.get("id") for item in seed.iter("primitive")] == [FENCING]
        assert 'name="dc-deadtime" value="2s"' in etree.tostring(seed, encoding="unicode")


def test_two_clusters_of_one_run_have_two_networks(starting: Cluster) -> None:
    starting.start()
    other = cluster_of_three()
    other.start()

    assert starting.network.name != other.network.name


@pytest.mark.parametrize("missing", ["quorum", "dc", "node", "fencing"])
def test_start_waits_for_quorum_dc_nodes_and_the_fence_device(
    starting: Cluster, world: World, missing: str
) -> None:
    if missing == "quorum":
        world.quorate = False
    elif missing == "dc":
        world.dc = ""
    elif missing == "node":
        world.down = {"n3"}
    else:
        world.resources = {FENCING: None}

    with pytest.raises(WaitTimeout, match="a quorate cluster with a DC and all nodes online"):
        starting.start()


def test_node_that_ends_while_starting_is_told_with_corosyncs_last_words(
    starting: Cluster, world: World
) -> None:
    def die() -> None:
        starting.nodes["n2"].process = cast(Any, Daemon(running=False))

    world.before_look = die
    world.answers["tail"] = "parse error in config"

    with pytest.raises(EnvironmentProblem, match="n2 ended while starting:\nparse error in config"):
        starting.start()


def test_remote_host_has_the_clusters_key_its_own_files_and_a_plug(
    starting: Cluster, lines: list[Line]
) -> None:
    starting.start()
    own = {"/etc/a": starting.nodes["n1"].files["/etc/pacemaker/authkey"]}
    node = starting.remote_host("r1", {"PCMK_debug": "yes"}, own)

    assert isinstance(node, Beside)
    assert (node.image, node.life) == ("r", ["create"])
    assert node.files["/etc/pacemaker/authkey"].content == KEY
    assert "/etc/a" in node.files
    assert node.environment == {"PCMK_debug": "yes"}
    assert starting.remotes == {"r1": node}
    assert lines[0].ask("17 status r1 harness") == ("17", 0, "on")


def test_discarded_remote_host_is_gone_from_everywhere(
    starting: Cluster, lines: list[Line]
) -> None:
    starting.start()
    node = starting.remote_host("r1")
    starting.discard(node)

    assert isinstance(node, Beside)
    assert (node.life[-1], starting.remotes) == ("remove", {})
    assert lines[0].ask("17 status r1 harness") == ("17", 2, "off")
