# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the daemon suite against each fake daemon and compares what failed with what should."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from fixtures.peers import RELEASES, Misbehaviour
from reports.record import Run, load
from reports.verdict import Verdict

from .mutants import ALL, KILLED, WITHOUT_MESSAGES

ROOT = Path(__file__).parents[2]


def run_suite(target: str, directory: Path) -> Run:
    """The record of the daemon suite on *target*, run in a process of its own."""
    command = [sys.executable, "-m", "pytest", "conformance/daemon", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", "--target", target, "--report-dir", str(directory)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    record = directory / "run.json"
    assert record.exists(), ran.stdout + ran.stderr
    return load(record)


def names(run: Run, *verdicts: Verdict) -> set[str]:
    """The test functions, parameters cut off, of which a case had one of the verdicts."""
    found = (test.nodeid for test in run.tests if test.verdict in verdicts)
    return {nodeid.rpartition("::")[2].partition("[")[0] for nodeid in found}


@pytest.mark.parametrize("release", RELEASES)
def test_all_pass_against_a_well_behaved_daemon(release: str, tmp_path: Path) -> None:
    run = run_suite(f"fake@{release}", tmp_path)
    assert names(run, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.KNOWN) == set()
    assert len(names(run, Verdict.PASSED)) > 20


@pytest.mark.parametrize("target", KILLED)
def test_exactly_the_tests_that_look_for_it_fail(target: str, tmp_path: Path) -> None:
    run = run_suite(target, tmp_path)
    if KILLED[target] is ALL:
        assert names(run, Verdict.PASSED) == WITHOUT_MESSAGES
    else:
        assert names(run, Verdict.FAILED, Verdict.INCONCLUSIVE) == KILLED[target]
    for test in run.tests:
        if test.failure is not None:
            assert all(name in test.failure.requirement for name in test.requirements)


def test_every_misbehaviour_kills_something() -> None:
    used = {target.partition(":")[2].partition("@")[0] for target in KILLED}
    assert used == {field.name for field in fields(Misbehaviour)}
    assert all(KILLED.values())
