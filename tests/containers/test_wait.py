# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting with a deadline, and what is said when it passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_clock import Clock

from containers.errors import EnvironmentProblem, WaitTimeout
from containers.wait import wait_for


def counter() -> Callable[[], int]:
    """A look that sees 1, then 2, and so on."""
    seen = iter(range(1, 100))
    return lambda: next(seen)


def test_what_satisfies_at_once_is_returned_without_waiting(clock: Clock) -> None:
    started = clock.now

    assert wait_for(counter(), lambda n: n == 1, "a number", 10) == 1
    assert clock.now == started


def test_between_two_looks_the_interval_passes(clock: Clock) -> None:
    started = clock.now

    assert wait_for(counter(), lambda n: n == 4, "a number", 10, interval=0.5) == 4
    assert clock.now - started == 1.5


def test_last_look_is_taken_when_the_deadline_has_come(clock: Clock) -> None:
    assert wait_for(counter(), lambda n: n == 3, "a number", 1.0, interval=0.5) == 3

    with pytest.raises(WaitTimeout, match="last seen: 3"):
        wait_for(counter(), lambda n: n == 4, "a number", 1.0, interval=0.5)


@pytest.mark.parametrize("timeout", [-1.0, 0.0, 0.001])
def test_two_looks_are_taken_however_short_the_time(timeout: float) -> None:
    assert wait_for(counter(), lambda n: n == 2, "a number", timeout) == 2

    with pytest.raises(WaitTimeout, match=r"last seen: 2$"):
        wait_for(counter(), lambda n: n == 3, "a number", timeout)


def test_a_look_that_outlasts_the_deadline_gets_a_second_one(clock: Clock) -> None:
    answers = iter(["late", "there"])

    def slow_look() -> str:
        clock.now += 60
        return next(answers)

    assert wait_for(slow_look, lambda seen: seen == "there", "an answer", 10) == "there"


def test_error_says_what_was_awaited_seen_and_logged_and_what_to_do() -> None:
    with pytest.raises(WaitTimeout) as caught:
        wait_for(
            lambda: 7,
            lambda _: False,
            "r1 online",
            2.5,
            describe=lambda n: f"r1 offline, try {n}",
            log=lambda: "one\ntwo",
            hint="is the port open?",
        )

    assert str(caught.value).splitlines() == [
        "r1 online: not seen within 2.5 s",
        "last seen: r1 offline, try 7",
        "recent log:",
        "    one",
        "    two",
        "hint: is the port open?",
    ]
    assert (caught.value.awaited, caught.value.last) == ("r1 online", "r1 offline, try 7")
    assert isinstance(caught.value, EnvironmentProblem)


def test_error_without_log_and_hint_leaves_them_out() -> None:
    with pytest.raises(WaitTimeout) as caught:
        wait_for(lambda: "nothing", lambda _: False, "r1 online", 0)

    assert str(caught.value).splitlines() == [
        "r1 online: not seen within 0.0 s",
        "last seen: nothing",
    ]


def test_log_is_fetched_once_and_only_when_the_deadline_has_passed() -> None:
    fetched: list[str] = []

    def log() -> str:
        fetched.append("log")
        return "line"

    wait_for(counter(), lambda n: n == 3, "a number", 10, log=log)
    assert not fetched

    with pytest.raises(WaitTimeout):
        wait_for(counter(), lambda n: False, "a number", 3, log=log)
    assert len(fetched) == 1


def test_error_of_a_look_is_not_swallowed() -> None:
    def broken_look() -> int:
        raise EnvironmentProblem("the engine is gone")

    with pytest.raises(EnvironmentProblem, match="the engine is gone"):
        wait_for(broken_look, lambda _: True, "a number", 10)
