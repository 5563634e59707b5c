# SPDX-License-Identifier: GPL-2.0-or-later
"""The search for trouble that people start: ``nox -s fuzz`` (docs/fuzzing.md).

It is no part of the suite, as it takes as long as one likes and is never the same twice unless it
is told its seed. ``conformance/daemon/test_fuzz.py`` runs a few seconds of it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from conformance.deviation import check
from conformance.plugin import VERSIONS, Evidence

from ..conftest import StartDaemon
from .arena import Arena
from .findings import Finding, read_steps, write_steps
from .known import Known, known_issues
from .search import Found, search
from .steps import Step

#: What is expected of each sequence.
EXPECTED = "the daemon lives, serves its clients, and says nothing that it must not (play.py)"
#: Sequences of one round; a round has a seed of its own.
ROUND = 100
#: Between the seeds of two searches, so that their rounds differ.
SEEDS_APART = 1000
#: Seconds for making a finding small, beyond the end of the search if need be.
SHRINKING = 60.0


class Search:
    """One search: its rounds, what it found, and what was known of that."""

    def __init__(
        self,
        arena: Arena,
        known: Sequence[Known],
        evidence: Evidence,
        target: str,
        say: Callable[[str], None],
    ) -> None:
        self.found: list[str] = []
        self.known_seen: dict[str, int] = {}
        self._arena = arena
        self._known = known
        self._evidence = evidence
        self._target = target
        self._say = say
        self._signatures: set[tuple[str, str]] = set()
        self._limit = 0.0

    async def play(self, steps: Sequence[Step]) -> Finding | None:
        """Play a sequence; what is known is counted, and no finding."""
        finding = await self._arena.play(steps)
        if finding is None:
            return None
        for issue in self._known:
            if issue.explains(finding, steps):
                self.known_seen[issue.id] = self.known_seen.get(issue.id, 0) + 1
                return None
        return finding

    async def run(self, seed: int, seconds: float, *, avoid_known: bool) -> None:
        """Search for so long, from that seed on."""
        loop = asyncio.get_running_loop()
        self._limit = end = time.monotonic() + seconds

        def play(steps: Sequence[Step]) -> Finding | None:
            finding = asyncio.run_coroutine_threadsafe(self.play(steps), loop).result()
            if finding is not None and self._limit == end:
                self._limit = max(end, time.monotonic() + SHRINKING)
            return finding

        avoid = {issue.trait for issue in self._known} if avoid_known else set()
        for number in itertools.count():
            found = await asyncio.to_thread(
                search,
                play,
                seed * SEEDS_APART + number,
                count=ROUND,
                avoid=avoid,
                seen=self._signatures,
                out_of_time=lambda: time.monotonic() > self._limit,
            )
            if found is not None:
                await self._keep(found, seed)
            self._limit = end
            if time.monotonic() > end:
                break

    async def _keep(self, found: Found, seed: int) -> None:
        """Play it once more, on a new daemon, and keep all that there is to see."""
        self._signatures.add(found.finding.signature)
        history = list(self._arena.history)
        again = await self._arena.play(found.steps, fresh=True)
        directory = self._evidence.directory / f"finding-{len(self.found) + 1}"
        self._arena.recorder.write(directory)
        directory.mkdir(exist_ok=True)
        path = directory / "steps.json"
        about = {"target": self._target, "seed": seed, "finding": str(found.finding)}
        write_steps(path, found.steps, **about)
        same = again is not None and again.kind == found.finding.kind
        if again is not None:
            (directory / "pacemaker-remoted.log").write_text(self._arena.log, encoding="utf-8")
        if not same:
            for number, steps in enumerate(history):
                write_steps(directory / f"before-{number:04}.json", steps, **about)
        self.found.append(
            f"{found.finding}\n"
            f"  {'happens again' if same else 'did not happen again'} on a new daemon; to play "
            f"it: {replay_command(path, self._target)}"
        )
        self._say(f"found: {self.found[-1]}")


def replay_command(path: Path, target: str) -> str:
    """What to type to play the steps in a file again."""
    how = (
        "./noxw -s fuzz --"
        if "NOX_CURRENT_SESSION" in os.environ
        else "pytest conformance/daemon/fuzz/session.py"
    )
    return f"{how} --target {shlex.quote(target)} --replay {shlex.quote(str(path))}"


@pytest.mark.requirement("NEG-007", "NEG-008")
async def test_nothing_that_clients_do_harms_the_daemon(
    pytestconfig: pytest.Config,
    start_daemon: StartDaemon,
    evidence: Evidence,
    capsys: pytest.CaptureFixture[str],
) -> None:
    option = pytestconfig.option
    known = known_issues(pytestconfig.stash[VERSIONS].get("daemon"))
    arena = Arena(start_daemon)

    def say(line: str) -> None:
        with capsys.disabled():
            print(line, flush=True)

    if option.replay is not None:
        steps = read_steps(option.replay)
        finding = await arena.play(steps)
        arena.recorder.write(evidence.directory)
        check(finding is None, expected=EXPECTED, actual=str(finding))
        return
    hunt = Search(arena, known, evidence, option.target, say)
    say(f"seed {option.seed}, {option.minutes:g} min")
    await hunt.run(option.seed, option.minutes * 60, avoid_known=not option.with_known)
    await arena.close()
    counts = ", ".join(f"{name} {count}x" for name, count in sorted(hunt.known_seen.items()))
    say(f"{arena.played} sequences played; known issues seen: {counts or 'none'}")
    check(not hunt.found, expected=EXPECTED, actual="\n".join(hunt.found))
