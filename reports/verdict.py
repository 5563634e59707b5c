# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be said about a test, and what that means for a run.

A test ends in exactly one verdict:

``passed``
    The requirement was exercised and held.
``failed``
    The target deviates from the requirement. A known issue that no longer shows is a failure too:
    the list of known issues is then wrong, and a wrong list hides the next deviation.
``known``
    The target deviates exactly as a known issue of its version says.
``unsupported``
    The target's version lacks what the test needs, so the test was not run. Never a pass.
``inconclusive``
    The harness or its environment broke down before the question was answered. Never a pass, and
    never a deviation either.

A run ends in one exit code, decided from its verdicts in this order: a failed test is a deviation
(1); else an inconclusive test is a harness or environment error (3); else a run in which no test
reached the target is "nothing ran" (4); else the target conforms (0). An interrupted or incomplete
run is never 0. Code 2 is kept for a command line that makes no sense.
"""

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Verdict(StrEnum):
    """The one word about a test. The values are what the record and JUnit consumers see."""

    PASSED = "passed"
    FAILED = "failed"
    KNOWN = "known"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"


class ExitCode(IntEnum):
    """The exit status of a run."""

    CONFORMANT = 0
    DEVIATION = 1
    USAGE = 2
    HARNESS = 3
    NOTHING_RAN = 4


class Inconclusive(Exception):  # noqa: N818 - it names a verdict; nothing went wrong in the target
    """The harness or its environment cannot answer the question; the message says why.

    Raised by a test or a fixture, it makes the test inconclusive instead of failed.
    """


# Verdicts of tests that reached the target: at least one is needed to call a run conformant.
_REACHED = frozenset({Verdict.PASSED, Verdict.FAILED, Verdict.KNOWN})


def exit_code(verdicts: Iterable[Verdict]) -> ExitCode:
    """The exit code of a complete run that ended in these verdicts."""
    seen = frozenset(verdicts)
    if Verdict.FAILED in seen:
        return ExitCode.DEVIATION
    if Verdict.INCONCLUSIVE in seen:
        return ExitCode.HARNESS
    if not seen & _REACHED:
        return ExitCode.NOTHING_RAN
    return ExitCode.CONFORMANT
