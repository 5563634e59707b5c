# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the time of a run went, as plain text.

A test's waiting is what its requirement imposes (a time-out that must pass); the rest is work, and
worth making faster. With several workers the tests' times add up to more than the run's.
"""

from __future__ import annotations

from collections.abc import Iterator

from reports.record import Run, Test
from reports.text import target_line, verdict_counts

#: How many of the slowest tests are told.
SLOWEST = 10


def timing_lines(run: Run) -> Iterator[str]:
    """Wall time, verdicts, the tests' time by phase and by waiting, and the slowest tests."""
    yield f"target: {target_line(run)}"
    yield f"{len(run.tests)} tests in {run.duration:.1f} s: {verdict_counts(run)}"
    phases = ", ".join(
        f"{phase} {sum(test.phases.get(phase, 0.0) for test in run.tests):.1f} s"
        for phase in ("setup", "call", "teardown")
    )
    waits = sum(_waited(test) for test in run.tests)
    yield f"tests' own time: {phases}; {waits:.1f} s of it waiting that requirements impose"
    slowest = sorted(run.tests, key=lambda test: test.duration, reverse=True)[:SLOWEST]
    for test in slowest:
        waited = f" (waits {test.waits:g} s)" if test.waits else ""
        yield f"{test.duration:8.2f} s  {test.nodeid}{waited}"


def _waited(test: Test) -> float:
    """An unsupported test, or one that failed early, did not wait as long as it might have."""
    return min(test.waits, test.duration)
