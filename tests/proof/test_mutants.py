# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the daemon suite against each fake daemon and compares what failed with what should."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Set
from pathlib import Path

import pytest

from fixtures.peers import RELEASES
from reports.record import Run, load
from reports.verdict import Verdict

from .mutants import BROAD, BUGS, target

ROOT = Path(__file__).parents[2]
#: What a test that a bug kills may end in: what it waits for in its set-up may not come.
DEAD = frozenset({Verdict.FAILED, Verdict.INCONCLUSIVE})


def run_suite(spec: str, directory: Path) -> Run:
    """The record of the daemon suite on a target, run in a process of its own."""
    command = [sys.executable, "-m", "pytest", "conformance/daemon", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", "--target", spec, "--report-dir", str(directory)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    record = directory / "run.json"
    assert record.exists(), ran.stdout + ran.stderr
    return load(record)


def ended_in(run: Run, verdicts: Set[Verdict]) -> set[str]:
    return {test.nodeid for test in run.tests if test.verdict in verdicts}


@pytest.mark.parametrize("release", RELEASES)
def test_all_pass_against_a_well_behaved_daemon(release: str, tmp_path: Path) -> None:
    run = run_suite(f"fake@{release}", tmp_path)
    assert ended_in(run, DEAD | {Verdict.KNOWN}) == set()
    # The others are about later releases, or beyond a fake.
    assert len(ended_in(run, {Verdict.PASSED})) > len(run.tests) / 3
    unknown = {bug for test in run.tests for bug in test.killed_by} - set(BUGS)
    assert not unknown, "marks name misbehaviours that do not exist"


@pytest.mark.parametrize("bug", BUGS)
def test_exactly_the_tests_that_look_for_it_fail(bug: str, tmp_path: Path) -> None:
    run = run_suite(target(bug), tmp_path)
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
