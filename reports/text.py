# SPDX-License-Identifier: GPL-2.0-or-later
"""The record as plain text, for terminals and logs.

A deviation always begins with the same three lines: what is required, what was expected here,
what was seen. Each stays on one line, however long the text was, so that a log can be searched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath

from reports.coverage import count
from reports.record import Ending, Run, Test
from reports.verdict import Verdict

LINE_LIMIT = 600
"""Characters of a text that a single line shows; the record keeps the whole."""


def one_line(text: str) -> str:
    """The text on a single line, cut with an ellipsis at :data:`LINE_LIMIT` characters."""
    joined = " ".join(text.split())
    return joined if len(joined) <= LINE_LIMIT else joined[: LINE_LIMIT - 1] + "…"


def case_lines(test: Test, directory: str = "") -> Iterator[str]:
    """A test that did not pass: what was wrong, where to look, how to run it again.

    ``directory`` is the way to the record's directory, put before the paths of evidence. The
    traceback is not part of it; see ``Test.detail``.
    """
    if test.failure is not None:
        yield f"requirement: {one_line(test.failure.requirement)}"
        yield f"expected: {one_line(test.failure.expected)}"
        yield f"actual: {one_line(test.failure.actual)}"
    if test.reason is not None:
        yield f"reason: {one_line(test.reason)}"
    if test.evidence:
        yield f"evidence: {' '.join(str(PurePath(directory, path)) for path in test.evidence)}"
    for note in test.notes:
        yield f"note: {one_line(note)}"
    yield f"again: {test.again}"


def verdict_counts(run: Run) -> str:
    """``3 passed, 1 failed, …`` for all verdicts; those that did not occur are left out."""
    counter = Counter(test.verdict for test in run.tests)
    parts = [f"{counter[verdict]} {verdict}" for verdict in Verdict if counter[verdict]]
    return ", ".join(parts) or "no test ran"


def coverage_line(run: Run) -> str:
    """``requirements: 12 proved, … of 500``; outcomes that did not occur are left out."""
    counts = count(requirement.outcome for requirement in run.requirements)
    parts = [f"{number} {outcome}" for outcome, number in counts.items() if number]
    return f"requirements: {', '.join(parts)}; {len(run.requirements)} in the catalogue"


def summary_lines(run: Run) -> Iterator[str]:
    """The run on a screen: counts, every test to act on, unsupported ones by reason, coverage."""
    yield f"target: {target_line(run)}"
    yield f"{verdict_counts(run)} in {run.duration:.1f} s{_cut_short(run)}"
    for verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.KNOWN):
        for test in run.tests:
            if test.verdict is verdict:
                yield f"{verdict}: {test.nodeid}: {one_line(_headline(test))}"
    reasons = Counter(
        test.reason for test in run.tests if test.verdict is Verdict.UNSUPPORTED and test.reason
    )
    for reason, number in reasons.most_common():
        yield f"unsupported: {number} {'test' if number == 1 else 'tests'}: {one_line(reason)}"
    for error in run.errors:
        yield f"error: {one_line(error)}"
    yield coverage_line(run)


def target_line(run: Run) -> str:
    """The target on one line, with the versions that are known."""
    target = run.target
    versions = [
        f"{side} {version}"
        for side, version in (
            ("daemon", target.daemon_version),
            ("cluster", target.cluster_version),
        )
        if version is not None
    ]
    facts = [fact for fact in (target.description, *versions, target.engine) if fact]
    return f"{target.spec} ({', '.join(facts)})" if facts else target.spec


def _cut_short(run: Run) -> str:
    missing = run.selected - len(run.tests)
    if run.ending is Ending.COMPLETE and missing <= 0:
        return ""
    return f"; {run.ending}, {len(run.tests)} of {run.selected} tests ran"


def _headline(test: Test) -> str:
    ids = ", ".join(test.requirements)
    if test.verdict is Verdict.FAILED and test.failure is not None:
        return f"{ids}: {test.failure.actual}"
    return f"{ids}: {test.reason}"
