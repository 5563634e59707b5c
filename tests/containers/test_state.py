# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading what a cluster says of itself."""

from __future__ import annotations

import pytest
from crm_mon_samples import (
    DC,
    NAMELESS_DC,
    NO_DC,
    REPORTS,
    current_dc,
    failure,
    node,
    report,
    resource,
    unclean,
)

from containers.errors import EnvironmentProblem
from containers.state import ClusterState, FailedAction, NodeState, ResourceState


@pytest.fixture(params=sorted(REPORTS))
def real(request: pytest.FixtureRequest) -> ClusterState:
    """What a real version printed of the situation in ``crm_mon/cib.xml``."""
    return ClusterState.parse(REPORTS[request.param].read_bytes())


# --- Real reports


def test_samples_of_real_versions_are_there() -> None:
    assert set(REPORTS) == {"2.0.5", "2.1.5", "3.0.0"}


def test_quorum_and_dc(real: ClusterState) -> None:
    assert (real.quorate, real.dc) == (True, "n1")


def test_kinds_of_nodes(real: ClusterState) -> None:
    assert {node.name: node.kind for node in real.nodes.values()} == {
        "n1": "member",
        "n2": "member",
        "n3": "member",
        "r1": "remote",
        "r2": "remote",
        "r3": "remote",
        "g1": "guest",
    }


def test_conditions_of_nodes(real: ClusterState) -> None:
    fine = NodeState("n1", "member", True, False, False, False, True)
    assert real.nodes["n1"] == fine
    assert real.nodes["n2"] == NodeState("n2", "member", True, False, True, False, False)
    assert real.nodes["n3"] == NodeState("n3", "member", False, True, False, False, False)


def test_conditions_of_resources(real: ClusterState) -> None:
    def conditions(name: str) -> tuple[str, bool, bool, bool, bool, tuple[str, ...]]:
        item = real.resources[name]
        return item.role, item.active, item.failed, item.blocked, item.managed, item.nodes

    assert conditions("fencing") == ("Started", True, False, False, True, ("n1",))
    assert conditions("r3") == ("Stopped", False, False, False, True, ())
    assert conditions("web_db") == ("Started", True, True, False, True, ("n1",))
    assert conditions("loose") == ("Started", True, False, False, False, ("n1",))
    assert conditions("stuck") == ("Started", True, True, True, False, ("n1",))


def test_agents_are_told_as_the_version_tells_them(real: ClusterState) -> None:
    # 2.0.5 doubles the colon before a provider.
    assert real.resources["r1"].agent.replace("::", ":") == "ocf:pacemaker:remote"
    assert real.resources["fencing"].agent == "stonith:fence_xvm"


def test_connection_that_is_being_tried_is_not_yet_online(real: ClusterState) -> None:
    assert real.nodes["r1"].online
    assert real.resources["r1"].role == "Starting"
    assert not real.online("r1")
    assert real.running_on("r1") == ()


def test_guest_is_online_with_its_implicit_connection(real: ClusterState) -> None:
    assert real.online("g1")
    assert real.running_on("g1") == real.running_on("vm1") == ("n1",)


def test_a_clone_runs_wherever_one_of_its_instances_does(real: ClusterState) -> None:
    assert sorted(real.running_on("ping")) == ["n1", "n2"]
    active = [item for item in real.resources.values() if item.name == "ping" and item.active]
    assert len(active) == 2


def test_failed_actions(real: ClusterState) -> None:
    assert [(item.operation, item.node, item.exit_reason, item.call) for item in real.failures] == [
        ("r2_migrate_to_0", "n1", "no way", "9"),
        ("web_db_monitor_10000", "n1", "none", "8"),
        ("stuck_stop_0", "n1", "none", "11"),
    ]
    assert [item.exit_status.lower() for item in real.failures][1] == "not running"


@pytest.mark.parametrize("name", ["r2", "web_db", "stuck"])
def test_failures_belong_to_their_resource(real: ClusterState, name: str) -> None:
    (failed,) = real.failures_of(name)
    assert failed.operation.startswith(f"{name}_")


@pytest.mark.parametrize("name", ["r1", "web", "r2_migrate", "r2_migrate_to", "db"])
def test_failures_belong_to_no_other_resource(real: ClusterState, name: str) -> None:
    assert real.failures_of(name) == []


# --- Single situations


def test_what_is_not_known_is_not_online() -> None:
    state = ClusterState.parse(report(nodes=node("n1")))

    assert state.online("n1")
    assert not state.online("n2")
    assert state.running_on("p1") == ()


@pytest.mark.parametrize(
    ("nodes", "resources", "online"),
    [
        (node("r1", "remote"), resource("r1", "Started", "n1"), True),
        (node("r1", "remote"), resource("r1", "Starting", "n1"), False),
        (node("r1", "remote"), resource("r1", "Stopped"), False),
        (node("r1", "remote"), resource("r1", "Stopping", "n1"), False),
        (unclean("r1", "remote", online=True), resource("r1", "Started", "n1"), False),
        (node("r1", "remote", online=False), resource("r1", "Started", "n1"), False),
        (node("n2"), "", True),
        (unclean("n2", online=True), "", False),
        (node("n2", online=False), "", False),
    ],
)
def test_online_is_known_clean_and_connected(nodes: str, resources: str, online: bool) -> None:
    state = ClusterState.parse(report(nodes=nodes, resources=resources))
    (name,) = state.nodes

    assert state.online(name) is online


def test_resource_being_started_or_inactive_runs_nowhere() -> None:
    inactive = resource("p2", "Stopped", "n1").replace('active="true"', 'active="false"')
    state = ClusterState.parse(report(resources=resource("p1", "Starting", "n1") + inactive))

    assert (state.running_on("p1"), state.running_on("p2")) == ((), ())


def test_resource_active_on_two_nodes_runs_on_both() -> None:
    state = ClusterState.parse(report(resources=resource("p1", "Started", "n1", "r1")))

    assert state.running_on("p1") == ("n1", "r1")


def test_clone_with_one_instance_started_and_one_starting_runs_where_it_is_started() -> None:
    instances = (
        resource("c1", "Starting", "n1")
        + resource("c1", "Started", "n2")
        + resource("c1", "Stopped")
    )
    state = ClusterState.parse(report(resources=f'<clone id="c">{instances}</clone>'))

    assert state.running_on("c1") == ("n2",)
    assert set(state.resources) == {"c1", "c1:1", "c1:2"}
    assert {item.name for item in state.resources.values()} == {"c1"}


def test_members_of_groups_are_resources() -> None:
    members = resource("a", "Started", "n1") + resource("b", "Stopped")
    state = ClusterState.parse(report(resources=f'<group id="g">{members}</group>'))

    assert set(state.resources) == {"a", "b"}


def test_failure_without_operation_key_is_named_by_its_id() -> None:
    state = ClusterState.parse(report(failures=failure("p1_last_failure_0", key="id")))

    assert state.failures[0].operation == "p1_last_failure_0"


@pytest.mark.parametrize("action", ["start_0", "monitor_5000", "migrate_to_0", "migrate_from_0"])
def test_failures_are_found_whatever_the_operation(action: str) -> None:
    state = ClusterState.parse(report(failures=failure(f"my_vm_{action}", "r1")))

    assert state.failures_of("my_vm") == [
        FailedAction(f"my_vm_{action}", "r1", "error", "none", "4")
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (DC, (True, "n1")),
        (current_dc("n2", quorate=False), (False, "n2")),
        (NAMELESS_DC, (True, "")),
        (NO_DC, (False, "")),
        ("", (False, "")),
    ],
)
def test_dc_tells_of_quorum(told: str, expected: tuple[bool, str]) -> None:
    state = ClusterState.parse(report(dc=told))

    assert (state.quorate, state.dc) == expected


def test_nothing_is_the_state_of_a_cluster_that_does_not_answer() -> None:
    state = ClusterState.nothing()

    assert (state.quorate, state.dc, state.nodes, state.resources) == (False, "", {}, {})
    assert not state.online("n1")


@pytest.mark.parametrize(
    "printed",
    [
        b"",
        b"crm_mon: Connection to cluster failed",
        b"<pacemaker-result><summary>",
        b'<html lang="en"/>',
    ],
)
def test_what_crm_mon_never_prints_is_an_environment_problem(printed: bytes) -> None:
    with pytest.raises(EnvironmentProblem, match="crm_mon printed"):
        ClusterState.parse(printed)


# --- As text, for histories and errors


def test_state_as_text() -> None:
    state = ClusterState.parse(
        report(
            nodes=node("n1", dc=True) + unclean("r1", "remote"),
            resources=resource("r1", "Stopped") + resource("p1", "Started", "n1", "n2"),
            failures=failure("r1_monitor_5000"),
        )
    )

    assert str(state) == (
        "quorate; n1(member: online, dc); r1(remote: offline, unclean); r1=Stopped; "
        "p1=Started@n1+n2; failed: r1_monitor_5000 on n1: error (none)"
    )


def test_resource_as_text_names_its_troubles() -> None:
    item = ResourceState("p1", "ocf:heartbeat:Dummy", "Started", True, True, True, False, ("n1",))

    assert str(item) == "p1=Started@n1 failed blocked unmanaged"


def test_state_without_quorum_says_so_first() -> None:
    assert str(ClusterState.nothing()).startswith("no quorum")
