# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the time of a run went."""

from __future__ import annotations

import dataclasses

from reports.record import Run
from reports.timing import SLOWEST, timing_lines

CASE = "conformance/daemon/test_tls.py::"


def test_wall_time_verdicts_phases_and_tests(run: Run) -> None:
    lines = list(timing_lines(run))

    assert lines[:3] == [
        "target: debian:trixie (Debian 13, daemon 3.0.0, docker 20.10)",
        "5 tests in 60.2 s: 1 passed, 1 failed, 1 known, 1 unsupported, 1 inconclusive",
        "tests' own time: setup 2.5 s, call 5.0 s, teardown 0.0 s; "
        "0.0 s of it waiting that requirements impose",
    ]
    assert len(lines) == 3 + 5


def test_slowest_come_first_and_only_they(run: Run) -> None:
    tests = tuple(
        dataclasses.replace(run.tests[0], nodeid=f"{CASE}test_{number}", duration=float(number))
        for number in range(SLOWEST + 2)
    )

    lines = list(timing_lines(dataclasses.replace(run, tests=tests)))[3:]

    assert lines[0] == f"{SLOWEST + 1:8.2f} s  {CASE}test_{SLOWEST + 1}"
    assert lines[-1] == f"    2.00 s  {CASE}test_2"


def test_waiting_is_told_and_never_exceeds_what_a_test_took(run: Run) -> None:
    waited = dataclasses.replace(run.tests[0], duration=11.0, waits=10.0)
    unsupported = dataclasses.replace(run.tests[3], duration=0.5, waits=10.0)

    lines = list(timing_lines(dataclasses.replace(run, tests=(unsupported, waited))))

    assert lines[2].endswith("; 10.5 s of it waiting that requirements impose")
    assert lines[3] == f"   11.00 s  {CASE}test_passed (waits 10 s)"
