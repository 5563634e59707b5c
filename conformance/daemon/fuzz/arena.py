# SPDX-License-Identifier: GPL-2.0-or-later
"""Where sequences are played one after the other: a daemon that is replaced once it is spoilt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from containers.errors import EnvironmentProblem
from fixtures.capture import Recorder
from fixtures.peers import FakeCluster, PeerTimeout

from ..under_test import Daemon
from .findings import Finding
from .play import Stage
from .steps import Step


class Arena:
    """Plays sequences, each on a daemon that was well before.

    Args:
        start: starts a daemon that nobody else uses.

    Attributes:
        played: how many sequences were.
        recorder: saw all connections of the last sequence.
        log: what the daemon wrote during the last sequence that brought something to light.
        history: the sequences that the daemon of the last one has seen, oldest first.
    """

    def __init__(self, start: Callable[[], Awaitable[Daemon]]) -> None:
        self.played = 0
        self.recorder = Recorder()
        self.log = ""
        self.history: list[tuple[Step, ...]] = []
        self._start = start
        self._daemon: Daemon | None = None
        self._bystander: FakeCluster | None = None

    async def play(self, steps: Sequence[Step], *, fresh: bool = False) -> Finding | None:
        """Play one sequence; ``fresh`` on a daemon that has seen nothing yet."""
        if fresh:
            await self._end()
        daemon, bystander = await self._ready()
        self.recorder = daemon.recorder = Recorder()
        self.history.append(tuple(steps))
        self.played += 1
        before = daemon.log_size() if fresh else 0
        finding = await Stage(daemon, bystander).play(steps)
        if finding is not None:
            self.log = daemon.log(before)
            await self._leave()
            if await daemon.alive():
                self._daemon = None  # spoilt, but nobody knows how to end it politely
        return finding

    async def close(self) -> None:
        """Let go of the daemon, which goes with the test that started it."""
        await self._leave()

    async def _ready(self) -> tuple[Daemon, FakeCluster]:
        """A daemon that is well, and a client that is there before anything happens."""
        if self._daemon is None or self._bystander is None:
            self.history = []
            if self._daemon is None or not await self._start_again(self._daemon):
                self._daemon = await self._start()
                self._bystander = await self._daemon.bystander()
        assert self._bystander is not None
        return self._daemon, self._bystander

    async def _start_again(self, daemon: Daemon) -> bool:
        """Whether it is well again on its old host, which costs less than a new one.

        A child of the old daemon may still have its port, and be all that listens there (SCH-007).
        """
        try:
            await daemon.restart()
            self._bystander = await daemon.bystander()
        except (EnvironmentProblem, OSError, PeerTimeout):
            return False
        return await daemon.alive()

    async def _end(self) -> None:
        """Make room for a new daemon."""
        daemon = self._daemon
        if daemon is None or self._bystander is None:
            return
        await self._leave()
        await daemon.terminate()
        try:
            await daemon.wait_exited(daemon.seconds(5))
        except (TimeoutError, EnvironmentProblem):
            self._daemon = None

    async def _leave(self) -> None:
        bystander, self._bystander = self._bystander, None
        if bystander is not None:
            await bystander.close()
