# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of a run say about the requirements they name.

A test speaks for every requirement that it names and that applies to the target's version. If
several tests speak for one requirement, the one that a reader must act on decides: a deviation
before an open question, an open question before a deviation that is already known, and any of
these before success. A requirement is proved if at least one test passed and none of the others
says otherwise; tests that the version does not support count only if nothing else ran.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from reports.record import Outcome, Test
from reports.verdict import Verdict

# From the strongest to the weakest.
_PRECEDENCE = (
    Outcome.FAILED,
    Outcome.INCONCLUSIVE,
    Outcome.KNOWN,
    Outcome.PROVED,
    Outcome.UNSUPPORTED,
    Outcome.NOT_REACHED,
)

_OUTCOME: Mapping[Verdict, Outcome] = {
    Verdict.PASSED: Outcome.PROVED,
    Verdict.FAILED: Outcome.FAILED,
    Verdict.KNOWN: Outcome.KNOWN,
    Verdict.UNSUPPORTED: Outcome.UNSUPPORTED,
    Verdict.INCONCLUSIVE: Outcome.INCONCLUSIVE,
}


def outcomes(ids: Iterable[str], tests: Iterable[Test]) -> dict[str, Outcome]:
    """The outcome of each requirement. Raises ``KeyError`` if a test names one not in ``ids``."""
    result = dict.fromkeys(ids, Outcome.NOT_REACHED)
    for test in tests:
        for named in test.requirements:
            beyond = named in test.beyond_version
            outcome = Outcome.UNSUPPORTED if beyond else _OUTCOME[test.verdict]
            result[named] = min(result[named], outcome, key=_PRECEDENCE.index)
    return result


def count(values: Iterable[Outcome]) -> dict[Outcome, int]:
    """How often each outcome occurs, in the order in which people want to read them."""
    counter = Counter(values)
    return {outcome: counter[outcome] for outcome in Outcome}
