# SPDX-License-Identifier: GPL-2.0-or-later
"""The record as one HTML page that needs nothing else: no network, no other file but evidence.

The page is ``templates/run.html``; style and script are put into it. All texts of the record are
escaped by the template engine, as they may hold whatever a hostile peer sent. Evidence is linked
relative to where the page will lie, so record, page and evidence can be moved together.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reports import text
from reports.coverage import count
from reports.record import Outcome, Requirement, Run, Test
from reports.templating import quote_path, template
from reports.verdict import ExitCode, Verdict

# What the reader must act on comes first.
_ORDER = (
    Verdict.FAILED,
    Verdict.INCONCLUSIVE,
    Verdict.KNOWN,
    Verdict.PASSED,
    Verdict.UNSUPPORTED,
)

_MEANING = {
    ExitCode.CONFORMANT: "No deviation found",
    ExitCode.DEVIATION: "Deviations found",
    ExitCode.USAGE: "Not started",
    ExitCode.HARNESS: "Not conclusive",
    ExitCode.NOTHING_RAN: "Nothing ran",
}


@dataclass(frozen=True)
class _Area:
    """How far one area of the catalogue was covered."""

    name: str
    total: int
    counts: dict[Outcome, int]


def render(run: Run, evidence_root: str = "") -> str:
    """The page.

    ``evidence_root`` is the path from the page's directory to the record's, for links; empty if
    they are the same.
    """
    return template("run.html").render(
        run=run,
        title=f"{_MEANING[ExitCode(run.exit_code)]}: {run.target.spec}",
        conclusion=_MEANING[ExitCode(run.exit_code)],
        target_line=text.target_line(run),
        verdicts=_verdict_counts(run.tests),
        outcomes=count(requirement.outcome for requirement in run.requirements),
        areas=_areas(run.requirements),
        tests=sorted(run.tests, key=lambda test: (_ORDER.index(test.verdict), test.nodeid)),
        sentences={requirement.id: requirement.sentence for requirement in run.requirements},
        tests_of=_tests_by_requirement(run.tests),
        link=lambda path: quote_path(str(PurePosixPath(evidence_root, path))),
    )


def evidence_root(page: Path, record: Path) -> str:
    """The way from the page to the record's directory, as a relative URL path."""
    return Path(os.path.relpath(record.parent.resolve(), page.parent.resolve())).as_posix()


def _verdict_counts(tests: Sequence[Test]) -> dict[Verdict, int]:
    counter = Counter(test.verdict for test in tests)
    return {verdict: counter[verdict] for verdict in Verdict}


def _areas(requirements: Sequence[Requirement]) -> list[_Area]:
    names = dict.fromkeys(requirement.area for requirement in requirements)
    areas = []
    for name in names:
        found = [requirement.outcome for requirement in requirements if requirement.area == name]
        areas.append(_Area(name, len(found), count(found)))
    return areas


def _tests_by_requirement(tests: Sequence[Test]) -> dict[str, list[Test]]:
    result: dict[str, list[Test]] = {}
    for test in tests:
        for named in test.requirements:
            result.setdefault(named, []).append(test)
    return result
