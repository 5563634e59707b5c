# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks for a sequence of steps that brings something to light, and makes it small.

Hypothesis draws and shrinks; how steps are played is the caller's. One call is one round, and ends
with its first new finding. The same seed draws the same sequences as long as they find nothing.

A daemon is not a function, and the time is limited, so what Hypothesis concludes does not count:
the smallest sequence seen to fail is the result, and it is up to the caller to play it once more.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Flaky, HypothesisWarning
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

from .findings import Finding
from .sequences import sequences
from .steps import Step


class SameEverywhere(HypothesisProvider):
    """Draws by the seed alone.

    Hypothesis likes to draw what it finds written in the modules that happen to be loaded, so that
    one seed would mean something else to each selection of tests.
    """

    def _maybe_draw_constant(self, *_args: object, **_options: object) -> None:
        return None


_BACKEND = "same-everywhere"
AVAILABLE_PROVIDERS[_BACKEND] = f"{__name__}.{SameEverywhere.__name__}"

Play = Callable[[Sequence[Step]], Finding | None]


@dataclass(frozen=True)
class Found:
    """A finding and the smallest sequence known to bring it to light."""

    finding: Finding
    steps: tuple[Step, ...]


class _Interesting(Exception):  # noqa: N818 - what Hypothesis is to look for
    """This sequence brought something to light."""


def search(
    play: Play,
    number: int,
    *,
    count: int,
    avoid: Collection[str] = (),
    seen: Collection[tuple[str, str]] = (),
    out_of_time: Callable[[], bool] = lambda: False,
    shrink: bool = True,
) -> Found | None:
    """Play up to *count* random sequences, until one brings to light what was not seen yet.

    Args:
        play: what to do with a sequence.
        number: the seed.
        avoid: traits of steps that are not drawn.
        seen: signatures of findings that are no news.
        out_of_time: whether to stop; asked before each sequence, and in shrinking as well.
        shrink: whether to look for a smaller sequence with a finding of the same kind.

    Raises:
        Exception: whatever *play* raised.
    """
    found: Found | None = None
    broken: Exception | None = None

    def attempt(steps: Sequence[Step]) -> None:
        nonlocal found, broken
        if broken is not None or out_of_time():
            return
        try:
            finding = play(steps)
        except Exception as error:  # nothing to be made small: the search is over
            broken = error
            return
        if finding is None or finding.signature in seen:
            return
        if found is not None and finding.kind != found.finding.kind:
            return
        found = Found(finding, tuple(steps[: finding.index + 1]))
        raise _Interesting

    drawn = settings(
        max_examples=count,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        backend=_BACKEND,
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    with warnings.catch_warnings():
        # It prints what it found, which may be long, though nobody reads it.
        warnings.simplefilter("ignore", HypothesisWarning)
        try:
            seed(number)(drawn(given(sequences(avoid))(attempt)))()
        except (_Interesting, Flaky):
            # Flaky also says that the time was over in the midst of shrinking.
            assert found is not None or broken is not None
    if broken is not None:
        raise broken
    return found
