# SPDX-License-Identifier: GPL-2.0-or-later
"""The proof that tests can fail: which wrong daemon made which test fail, by requirement.

It is made from the records of many runs of the same tests: against a fake daemon that behaves well
(target ``fake@RELEASE``), and against fake daemons with one bug each (``fake:BUG@RELEASE``), called
mutants. Each test names the bugs that must make it fail (``Test.killed_by``).

A mutant is *killed* by a test that fails against it and passes against the well-behaved daemon of
the same release. It *survives* a test that names it and does not fail. All else is *not shown*:
the mutant was not run, its release cannot be asked, or the test fails anyway. A requirement is
proved if a test that names it killed a mutant. Of the others that tests name, nobody has seen yet
that their tests can fail: they are unproved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reports.record import Ending, RecordError, Requirement, Run, Test, load
from reports.store import RECORD_NAME
from reports.text import one_line
from reports.verdict import ExitCode, Verdict

DEAD = frozenset({Verdict.FAILED, Verdict.INCONCLUSIVE})
"""What a test that a bug kills may end in: what it waits for in its set-up may not come."""

LEVELS = ("MUST", "SHOULD", "MAY")

_FAKE = "fake"


class Result(StrEnum):
    """What became of a mutant that a test names."""

    KILLED = "killed"
    SURVIVED = "survived"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True)
class Trial:
    """A requirement, a test that names it, and a mutant that the test names."""

    requirement: Requirement
    nodeid: str
    mutant: str
    """The bug, with ``@RELEASE`` if the target named one."""
    result: Result
    why: str
    """Why it is not shown; else empty."""


@dataclass(frozen=True)
class Unproved:
    """A requirement that tests name, none of which killed a mutant."""

    requirement: Requirement
    nodeids: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Proof:
    """All that the records show."""

    harnesses: tuple[str, ...]
    """The suite's version and commit; several if the records are not of one."""
    mutants: tuple[str, ...]
    well_behaved: tuple[str, ...]
    """Releases of the well-behaved daemons."""
    trials: tuple[Trial, ...]
    """By requirement, then by test and mutant."""
    unsought: tuple[str, ...]
    """Mutants that no test names."""
    named: tuple[Requirement, ...]
    """The requirements that tests name."""
    unproved: tuple[Unproved, ...]
    """MUSTs first."""

    def results(self) -> dict[Result, int]:
        """How many pairs of test and mutant ended in which result.

        A test that names two requirements is one pair for each mutant; what is shown for one of
        the requirements counts.
        """
        order = list(Result)
        pairs: dict[tuple[str, str], Result] = {}
        for trial in self.trials:
            pair = (trial.nodeid, trial.mutant)
            pairs[pair] = min(pairs.get(pair, trial.result), trial.result, key=order.index)
        return {result: list(pairs.values()).count(result) for result in Result}

    def totals(self) -> dict[str, tuple[int, int]]:
        """By level: how many requirements are proved, of how many that tests name."""
        unproved = [entry.requirement.level for entry in self.unproved]
        named = [requirement.level for requirement in self.named]
        return {
            level: (named.count(level) - unproved.count(level), named.count(level))
            for level in LEVELS
            if level in named
        }

    def exit_code(self) -> ExitCode:
        """A deviation if a mutant lives that a test, or none, should have killed."""
        lives = any(trial.result is Result.SURVIVED for trial in self.trials)
        return ExitCode.DEVIATION if lives or self.unsought else ExitCode.CONFORMANT


def read(directory: Path) -> Proof:
    """The proof that the records ``*/run.json`` below the directory make.

    Raises:
        RecordError: there is none, or one of them cannot be read, is not of a fake daemon, or is of
            a run in which not all tests ran, from which nothing follows.
    """
    runs = []
    for path in sorted(directory.glob(f"*/{RECORD_NAME}")):
        run = load(path)
        if run.target.spec.partition(":")[0].partition("@")[0] != _FAKE:
            raise RecordError(f"{path} is of target {run.target.spec}, which is no fake daemon.")
        if run.ending is not Ending.COMPLETE or run.errors:
            why = one_line("; ".join((str(run.ending), *run.errors)))
            raise RecordError(f"{path} is of a run that did not go well: {why}.")
        runs.append(run)
    if not runs:
        raise RecordError(f"{directory} holds no records: */{RECORD_NAME}.")
    return prove(runs)


def prove(runs: Sequence[Run]) -> Proof:
    """What these runs against fake daemons show."""
    mutants = {name: run for run in runs if (name := _mutant(run))}
    well_behaved = {run.target.daemon_version: _by_id(run) for run in runs if not _mutant(run)}
    rows = {row.id: row for run in runs for row in run.requirements}
    tests = {test.nodeid: test for run in runs for test in run.tests}
    trials = sorted(
        (
            trial
            for test in tests.values()
            for bug in test.killed_by
            for trial in _trials(test, bug, mutants, well_behaved, rows)
        ),
        key=lambda trial: (trial.requirement.id, trial.nodeid, trial.mutant),
    )
    named = sorted({name for test in tests.values() for name in test.requirements})
    sought = {bug for test in tests.values() for bug in test.killed_by}
    harnesses = {f"{run.harness.version} at {run.harness.commit}" for run in runs}
    return Proof(
        harnesses=tuple(sorted(harnesses)),
        mutants=tuple(mutants),
        well_behaved=tuple(str(version) for version in well_behaved),
        trials=tuple(trials),
        unsought=tuple(name for name in mutants if _bug(name) not in sought),
        named=tuple(rows[name] for name in named),
        unproved=tuple(_unproved([rows[name] for name in named], tests.values(), trials, runs)),
    )


def _mutant(run: Run) -> str:
    """``BUG`` or ``BUG@RELEASE``; empty for a well-behaved daemon."""
    return run.target.spec.partition(":")[2]


def _bug(mutant: str) -> str:
    return mutant.partition("@")[0]


def _by_id(run: Run) -> dict[str, Test]:
    return {test.nodeid: test for test in run.tests}


def _trials(
    test: Test,
    bug: str,
    mutants: dict[str, Run],
    well_behaved: dict[str | None, dict[str, Test]],
    rows: dict[str, Requirement],
) -> Iterable[Trial]:
    shown = [(name, run) for name, run in mutants.items() if _bug(name) == bug]
    for named in test.requirements:
        for mutant, run in shown:
            right = well_behaved.get(run.target.daemon_version, {}).get(test.nodeid)
            result, why = _judge(_by_id(run).get(test.nodeid), right, named)
            yield Trial(rows[named], test.nodeid, mutant, result, why)
        if not shown:
            yield Trial(rows[named], test.nodeid, bug, Result.NOT_SHOWN, "the mutant was not run")


def _judge(mutated: Test | None, right: Test | None, named: str) -> tuple[Result, str]:
    """What a test's end against a mutant, and against the same daemon without the bug, mean."""
    if mutated is None:
        return Result.NOT_SHOWN, "the test was not run against the mutant"
    if mutated.verdict is Verdict.UNSUPPORTED or named in mutated.beyond_version:
        return Result.NOT_SHOWN, "the mutant's release cannot be asked"
    if mutated.verdict not in DEAD:
        return Result.SURVIVED, ""
    if right is None:
        return Result.NOT_SHOWN, "the test was not run against a well-behaved daemon"
    if right.verdict is not Verdict.PASSED:
        return Result.NOT_SHOWN, f"the test is {right.verdict} against a well-behaved daemon"
    return Result.KILLED, ""


def _unproved(
    named: Iterable[Requirement],
    tests: Iterable[Test],
    trials: Iterable[Trial],
    runs: Iterable[Run],
) -> list[Unproved]:
    proved = {trial.requirement.id for trial in trials if trial.result is Result.KILLED}
    asked = {
        test.nodeid for run in runs for test in run.tests if test.verdict is not Verdict.UNSUPPORTED
    }
    found = []
    for row in named:
        if row.id in proved:
            continue
        speakers = sorted(
            (test for test in tests if row.id in test.requirements), key=lambda test: test.nodeid
        )
        mine = [trial for trial in trials if trial.requirement.id == row.id]
        reasons = [trial.why or f"{trial.mutant} survived" for trial in mine]
        for test in speakers:
            if test.nodeid not in asked:
                reasons.append("no fake daemon can be asked")
            elif not test.killed_by:
                reasons.append("no mutant is named")
        why = "; ".join(dict.fromkeys(reasons))
        found.append(Unproved(row, tuple(test.nodeid for test in speakers), why))
    # A level that is not ours comes last.
    order = {level: number for number, level in enumerate(LEVELS)}
    return sorted(found, key=lambda entry: order.get(entry.requirement.level, len(order)))
