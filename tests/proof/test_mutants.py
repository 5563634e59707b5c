# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the daemon suite against each fake daemon and compares what failed with what should.

Against a wrong daemon it runs the tests that look for what is wrong, and all must fail. With
``--whole`` it runs all tests, which takes much longer, and no others may fail.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Set
from contextlib import contextmanager

import pytest

from fixtures.peers import RELEASES
from reports.proof import DEAD
from reports.record import Run
from reports.store import EVIDENCE_NAME
from reports.verdict import Verdict

from .mutants import BROAD, BUGS, target
from .warm import ROOT, Warm

#: Below it each run leaves its record, for ``python -m reports proof``.
RESULTS = ROOT / "results" / "proof"


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    with Warm() as process:
        yield process


@contextmanager
def suite_run(warm: Warm, spec: str, name: str, bug: str | None = None) -> Iterator[Run]:
    """The record of the daemon suite on a target, to be judged within; *name* is its directory's.

    Evidence of a run that was judged to be right goes: of so many there is far too much.
    """
    directory = RESULTS / name
    shutil.rmtree(directory, ignore_errors=True)
    run = warm.run(spec, directory, bug)
    assert not run.errors, "\n".join(run.errors)
    yield run
    shutil.rmtree(directory / EVIDENCE_NAME, ignore_errors=True)


def ended_in(run: Run, verdicts: Set[Verdict]) -> set[str]:
    return {test.nodeid for test in run.tests if test.verdict in verdicts}


@pytest.mark.parametrize("release", RELEASES)
def test_all_pass_against_a_well_behaved_daemon(release: str, warm: Warm) -> None:
    with suite_run(warm, f"fake@{release}", f"well-behaved-{release}") as run:
        assert ended_in(run, DEAD | {Verdict.KNOWN}) == set()
        # The others are about later releases, or beyond a fake.
        assert len(ended_in(run, {Verdict.PASSED})) > len(run.tests) / 3
        unknown = {bug for test in run.tests for bug in test.killed_by} - set(BUGS)
        assert not unknown, "marks name misbehaviours that do not exist"


@pytest.mark.parametrize("bug", BUGS)
def test_exactly_the_tests_that_look_for_it_fail(
    bug: str, warm: Warm, pytestconfig: pytest.Config
) -> None:
    whole = pytestconfig.getoption("--whole")
    with suite_run(warm, target(bug), bug, None if whole else bug) as run:
        asked = [test for test in run.tests if test.verdict is not Verdict.UNSUPPORTED]
        wanted = {test.nodeid for test in asked if bug in test.killed_by}
        assert wanted, "no test looks for it"
        dead = ended_in(run, DEAD)
        if bug in BROAD:
            assert wanted - dead == set()
        else:
            assert dead == wanted
        for test in asked:
            if test.failure is not None:
                assert all(name in test.failure.requirement for name in test.requirements)
