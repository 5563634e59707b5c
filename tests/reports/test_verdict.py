# SPDX-License-Identifier: GPL-2.0-or-later
"""The exit code of a run, from its verdicts."""

from __future__ import annotations

import itertools

import pytest

from reports.verdict import ExitCode, Verdict, exit_code

P, F, K, U, I = Verdict  # noqa: E741 - in the order of their definition


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], ExitCode.NOTHING_RAN),
        ([U], ExitCode.NOTHING_RAN),
        ([P], ExitCode.CONFORMANT),
        ([K], ExitCode.CONFORMANT),
        ([P, K, U], ExitCode.CONFORMANT),
        ([F], ExitCode.DEVIATION),
        ([I], ExitCode.HARNESS),
        ([U, I], ExitCode.HARNESS),
        ([P, K, I], ExitCode.HARNESS),
        ([P, F, K, U, I], ExitCode.DEVIATION),
    ],
)
def test_exit_code(verdicts: list[Verdict], code: ExitCode) -> None:
    for order in itertools.permutations(verdicts):
        assert exit_code(order) is code


def test_codes_are_what_scripts_rely_on() -> None:
    assert [(code.name, code.value) for code in ExitCode] == [
        ("CONFORMANT", 0),
        ("DEVIATION", 1),
        ("USAGE", 2),
        ("HARNESS", 3),
        ("NOTHING_RAN", 4),
    ]
