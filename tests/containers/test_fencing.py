# SPDX-License-Identifier: GPL-2.0-or-later
"""The power switch: what it does, what it answers, and what it remembers."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from docker.errors import APIError
from fake_power import Host, Line

from containers.fencing import FenceRecord, PowerSwitch
from containers.node import ClusterNode


class Clustered(ClusterNode):
    """A cluster node without a container."""

    @property
    def powered(self) -> bool:
        return True

    def power_off(self) -> None:
        pass

    def boot(self) -> None:
        pass


class Vanished:
    """A host of which nobody can say whether it is powered."""

    name = "r1"

    @property
    def powered(self) -> bool:
        raise APIError("no such container")

    def power_off(self) -> None:
        pass

    def boot(self) -> None:
        pass


def clustered(name: str) -> Clustered:
    return Clustered(name, image="", network=cast(Any, None), address="")


@pytest.fixture
def switch() -> PowerSwitch:
    return PowerSwitch()


@pytest.fixture
def line(switch: PowerSwitch, lines: list[Line]) -> Line:
    """The line to the fence agents on n1."""
    switch.connect(clustered("n1"))
    return lines[0]


@pytest.mark.parametrize(
    ("action", "done"),
    [("off", ["power_off"]), ("on", ["boot"]), ("reboot", ["power_off", "boot"])],
)
def test_node_is_switched_as_asked(
    switch: PowerSwitch, line: Line, action: str, done: list[str]
) -> None:
    host = Host("r1")
    switch.plug(host)

    assert line.ask(f"17 {action} r1 harness") == ("17", 0, "")
    assert host.done == done


def test_request_is_recorded_with_who_when_and_whom(switch: PowerSwitch, line: Line) -> None:
    switch.plug(Host("r1"))

    before = time.monotonic()
    line.ask("17 reboot r1 second-device")
    after = time.monotonic()

    (record,) = switch.records
    assert (record.executor, record.action, record.target, record.device, record.error) == (
        "n1",
        "reboot",
        "r1",
        "second-device",
        "",
    )
    assert before <= record.requested <= record.finished <= after


def test_record_is_there_when_the_agent_hears_of_it(
    switch: PowerSwitch, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch.plug(Host("r1"))
    seen: list[int] = []
    monkeypatch.setattr(line, "answer", lambda *_: seen.append(len(switch.records)))

    line.serve(line, ["17", "off", "r1", "harness"])

    assert seen == [1]


def test_node_that_is_not_on_the_switch_is_refused_and_recorded(
    switch: PowerSwitch, line: Line
) -> None:
    switch.plug(Host("r1"))
    gone = Host("r2")
    switch.plug(gone)
    switch.unplug(gone)

    answer = line.ask("17 reboot r2 harness")

    assert answer == ("17", 1, "r2 is not on this power switch")
    assert [(record.target, record.error) for record in switch.records] == [("r2", answer[2])]
    assert gone.done == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (APIError("the engine said no\nand why"), "the engine said no"),
        (RuntimeError("\nbroken"), "broken"),
        (TimeoutError(), "TimeoutError"),
        (ValueError(" "), "ValueError"),
    ],
)
def test_agent_hears_of_every_error_in_one_line(
    switch: PowerSwitch, line: Line, error: Exception, message: str
) -> None:
    switch.plug(Host("r1", error=error))

    assert line.ask("17 off r1 harness") == ("17", 1, message)
    assert [record.error for record in switch.records] == [message]


def test_reboot_that_fails_half_way_is_an_error(switch: PowerSwitch, line: Line) -> None:
    class Broken(Host):
        def boot(self) -> None:
            raise RuntimeError("no boot device")

    switch.plug(Broken("r1"))

    assert line.ask("17 reboot r1 harness") == ("17", 1, "no boot device")


@pytest.mark.parametrize(("powered", "answer"), [(True, (0, "on")), (False, (2, "off"))])
def test_status_is_the_power_and_no_record(
    switch: PowerSwitch, line: Line, powered: bool, answer: tuple[int, str]
) -> None:
    switch.plug(Host("r1", powered=powered))

    assert line.ask("17 status r1 harness") == ("17", *answer)
    assert switch.records == []


def test_unknown_node_has_no_power(line: Line) -> None:
    assert line.ask("17 status nobody harness") == ("17", 2, "off")


def test_status_that_cannot_be_found_out_is_answered(switch: PowerSwitch, line: Line) -> None:
    switch.plug(Vanished())

    assert line.ask("17 status r1 harness") == ("17", 1, "no such container")
    assert switch.records == []


@pytest.mark.parametrize(
    ("request_", "answered"),
    [("17 explode r1 harness", "17"), ("17 off r1", "17"), ("17 off r1 a b", "17"), ("", "-")],
)
def test_what_is_not_understood_is_answered_and_switches_nothing(
    switch: PowerSwitch, line: Line, request_: str, answered: str
) -> None:
    host = Host("r1")
    switch.plug(host)

    assert line.ask(request_) == (answered, 1, "request not understood")
    assert (host.done, switch.records) == ([], [])


def test_records_can_be_asked_by_node_and_forgotten(switch: PowerSwitch, line: Line) -> None:
    for name in ("r1", "r2"):
        switch.plug(Host(name))
    for request in ("1 off r1 harness", "2 off r2 harness", "3 on r1 harness"):
        line.ask(request)

    def actions(records: list[FenceRecord]) -> list[str]:
        return [record.action for record in records]

    assert actions(switch.of("r1")) == ["off", "on"]
    assert actions(switch.of("r2")) == ["off"]
    switch.clear()
    assert (switch.records, switch.of("r1")) == ([], [])


def test_restarted_node_gets_a_new_line_in_place_of_the_old_one(
    switch: PowerSwitch, lines: list[Line]
) -> None:
    node = clustered("n1")
    switch.connect(node)
    switch.connect(node)

    assert [line.closed for line in lines] == [True, False]


@pytest.mark.parametrize("action", ["reboot", "on"])
def test_fenced_cluster_node_is_connected_again(
    switch: PowerSwitch, lines: list[Line], action: str
) -> None:
    for name in ("n1", "n2"):
        node = clustered(name)
        switch.plug(node)
        switch.connect(node)

    lines[0].ask(f"17 {action} n2 harness")

    assert [line.node.name for line in lines] == ["n1", "n2", "n2"]
    assert [line.closed for line in lines] == [False, True, False]


def test_fenced_remote_node_gets_no_line(
    switch: PowerSwitch, lines: list[Line], line: Line
) -> None:
    switch.plug(Host("r1"))

    line.ask("17 reboot r1 harness")

    assert lines == [line]


def test_closing_the_switch_closes_every_line(switch: PowerSwitch, lines: list[Line]) -> None:
    for name in ("n1", "n2"):
        switch.connect(clustered(name))

    switch.close()

    assert all(line.closed for line in lines)
