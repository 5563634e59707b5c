# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests say about requirements."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from reports.coverage import count, outcomes
from reports.record import Outcome, Run
from reports.verdict import Verdict

P, F, K, U, I = Verdict  # noqa: E741 - in the order of their definition


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        ([], Outcome.NOT_REACHED),
        ([P], Outcome.PROVED),
        ([U], Outcome.UNSUPPORTED),
        ([P, U], Outcome.PROVED),
        ([P, K, U], Outcome.KNOWN),
        ([P, K, U, I], Outcome.INCONCLUSIVE),
        ([P, K, U, I, F], Outcome.FAILED),
    ],
)
def test_worst_news_decides(run: Run, verdicts: list[Verdict], outcome: Outcome) -> None:
    by_verdict = {test.verdict: test for test in run.tests}
    for order in itertools.permutations(verdicts):
        tests = [
            dataclasses.replace(by_verdict[verdict], requirements=("TLS-001",)) for verdict in order
        ]
        assert outcomes(["TLS-001"], tests) == {"TLS-001": outcome}


@pytest.mark.parametrize("verdict", [P, I])
def test_test_says_nothing_on_what_is_beyond_the_version(run: Run, verdict: Verdict) -> None:
    test = dataclasses.replace(
        run.tests[0],
        verdict=verdict,
        requirements=("TLS-001", "TLS-002"),
        beyond_version=("TLS-002",),
    )
    assert outcomes(["TLS-001", "TLS-002"], [test])["TLS-002"] is Outcome.UNSUPPORTED


def test_count_names_every_outcome() -> None:
    counts = count([Outcome.PROVED, Outcome.PROVED])
    assert counts[Outcome.PROVED] == 2
    assert sum(counts.values()) == 2
    assert set(counts) == set(Outcome)
