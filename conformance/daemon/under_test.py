# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon under test, whoever it is: in a container, on a host far away, or a fake.

Tests speak to it through :class:`Daemon` alone, so the same tests run against all of them. What
one kind cannot do (nobody restarts a daemon on somebody else's host) is skipped as unsupported,
with the reason. The kinds: :mod:`.in_container`, :mod:`.elsewhere`, :mod:`.fake`.
"""

from __future__ import annotations

import asyncio
import signal
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from containers.node import Ran
from containers.processes import HostProcess, Vitals
from fixtures.capture import Recorder
from fixtures.peers import ConnectionEnded, FakeCluster, LocalClient, PeerTimeout
from fixtures.tls import Credentials

#: A resource id that nobody registers: any answer to a question about it is a sign of life.
SIGN_OF_LIFE = "nobody-registers-this"

#: Memory that a daemon may grow to in a test without special demands, in KiB.
MEMORY_LIMIT_KIB = 100 * 1024

#: Turns of the daemon's loop after which it has read what was there before: it reads one record
#: per turn from each client that sent something, and a request takes two.
_TURNS = 4

#: Seconds until the end of a process is known to whoever watches it.
_NEWS = 1.0


@dataclass(frozen=True)
class Ended:
    """A program that came to its end: exit status as a shell sees it, and what it printed."""

    status: int
    output: str


@dataclass(frozen=True)
class Listener:
    """A TCP socket that listens; ``address`` is ``::`` or ``0.0.0.0`` where it is any."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address} port {self.port}"


class Daemon(ABC):
    """A running daemon.

    Attributes:
        host, port: where it listens.
        key: what it holds as its key.
        credentials: what its clients use in place of the key, unless they say otherwise.
        recorder: of the current test; every client is tapped.
    """

    #: Seconds that its clients wait for whatever must come.
    patience = 10.0
    #: How long one of its seconds takes: a fake's clocks run faster; see :meth:`seconds`.
    pace = 1.0
    #: Seconds by which the harness itself may be late, where clocks run fast.
    haste = 0.0

    def __init__(self, host: str, port: int, key: bytes) -> None:
        self.host = host
        self.port = port
        self.key = key
        self.credentials: Credentials | None = None
        self.recorder: Recorder | None = None

    def client(self, name: str = "conformance", **options: Any) -> FakeCluster:
        """A client that is not connected yet; *options* as for ``FakeCluster``."""
        taps = [self.recorder.tap(name)] if self.recorder else []
        own = None if options.keys() & {"key", "identity"} else self.credentials
        return FakeCluster(
            options.pop("host", self.host),
            options.pop("port", self.port),
            key=options.pop("key", self.key),
            credentials=options.pop("credentials", own),
            client_name=name,
            patience=self.patience,
            taps=taps,
            **options,
        )

    def seconds(self, documented: float) -> float:
        """How long *documented* seconds take this daemon: 10 s of time-out are 10, or less."""
        return documented * self.pace

    def many(self, documented: int) -> int:
        """How many of something are as hard on this daemon as *documented* are on a real one."""
        return documented

    def milliseconds(self, documented: float) -> int:
        """As :meth:`seconds`, for intervals, delays and time-outs of actions."""
        return max(1, round(documented * self.pace))

    def need_agents(self) -> None:
        """Skip the test if the harness's own agents are not installed where the daemon runs."""
        return

    @abstractmethod
    async def alive(self) -> bool:
        """Whether it is still the same process, as far as can be known."""

    @abstractmethod
    async def terminate(self) -> None:
        """Send SIGTERM."""

    @abstractmethod
    async def wait_exited(self, timeout: float) -> int:
        """Its exit status, awaited for *timeout* seconds.

        Raises:
            WaitTimeout, PeerTimeout: it still runs.
        """

    @abstractmethod
    async def restart(self) -> None:
        """Start it again after it has ended, on the same host and with the same settings."""

    @abstractmethod
    async def listeners(self) -> list[Listener]:
        """The TCP sockets on its host that listen."""

    async def listening(self) -> list[int]:
        """The TCP ports it listens on."""
        return sorted({listener.port for listener in await self.listeners()})

    @abstractmethod
    async def vitals(self) -> Vitals:
        """What the process that serves clients holds now."""

    @abstractmethod
    async def processes(self) -> list[HostProcess]:
        """What runs on its host."""

    @abstractmethod
    async def signal(self, name: str, pid: int | None = None) -> None:
        """Send a signal (``USR1``, ``KILL`` ...): to the process that was started, or to *pid*.

        With pid-1 behaviour the process that was started is the parent of the one that serves.
        """

    @abstractmethod
    async def orphan(self) -> None:
        """Have a process on its host lose its parent and then end."""

    @abstractmethod
    async def limit_files(self, number: int) -> None:
        """Let it open no more files than so many."""

    @abstractmethod
    async def program(self, *arguments: str) -> Ended:
        """Run its program once more on its host, to its end or for ten seconds (status 124)."""

    @abstractmethod
    async def local(self, server: str, user: str = "root") -> LocalClient:
        """Open one of its local IPC names, as a tool on its host does.

        Args:
            server: such as ``cib_rw``.
            user: who opens it: ``USER``, or ``USER:GROUP`` for a group that is not the user's own.

        Raises:
            LocalRefused: the daemon lets nobody in, or not this user.
        """

    @abstractmethod
    async def tool(self, *command: str) -> Ran:
        """Run a program on its host to the end, as root."""

    @abstractmethod
    async def files(self, directory: str) -> dict[str, bytes]:
        """The files below a directory of its host, by path from there."""

    @abstractmethod
    async def peak_memory(self) -> int:
        """The most memory that it ever held, in KiB."""

    @abstractmethod
    async def write(self, path: str, content: bytes) -> None:
        """Make a file on its host hold *content*."""

    @abstractmethod
    async def remove(self, path: str) -> None:
        """Remove a file from its host."""

    @abstractmethod
    async def read(self, path: str) -> bytes | None:
        """What a file on its host holds, or None if there is none."""

    @abstractmethod
    async def connections(self) -> int:
        """How many connections it holds, in whatever state."""

    async def pass_time(self, documented: float) -> None:
        """Let so many of its seconds pass: what it remembers for a time grows old.

        A fake's timers do not notice; only what it looks at a clock for does.
        """
        await asyncio.sleep(self.seconds(documented))

    def log_size(self) -> int:
        """Bytes of its log so far."""
        return 0

    def log(self, skip: int = 0) -> str:
        """Its log but the first *skip* bytes; empty where it cannot be had."""
        return ""

    @abstractmethod
    async def close(self) -> None:
        """Let go of whatever the harness holds of it; the daemon itself may go on."""

    async def bystander(self) -> FakeCluster:
        """A well-behaved client that says nothing meanwhile; see :meth:`check_well`.

        It does not register, so it has no name and is told of nothing.
        """
        client = self._untapped()
        await client.connect()
        await client.resource_info(SIGN_OF_LIFE)
        return client

    def _untapped(self) -> FakeCluster:
        """A client that is no part of the test's evidence."""
        return FakeCluster(
            self.host,
            self.port,
            key=self.key,
            credentials=self.credentials,
            patience=self.patience,
        )

    async def check_well(self, bystander: FakeCluster) -> None:
        """The oracle after whatever a test did.

        The daemon is alive and the same process as before, a client that was there before is
        still answered, and so is a new one.

        Raises:
            AssertionError: it is not well.
        """
        try:
            await self._check_service(bystander)
        except AssertionError:
            await self.check_alive()  # its death would explain everything
            raise

    async def check_alive(self) -> None:
        """Find out whether it died, which others may have noticed before the harness does.

        Raises:
            AssertionError: it did; the text says how.
        """
        deadline = time.monotonic() + _NEWS
        while await self.alive():
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"the daemon died: {describe_exit(await self.wait_exited(_NEWS))}")

    async def settle(self, bystander: FakeCluster) -> None:
        """Wait until it has read what other clients had sent, a few records each.

        Raises:
            AssertionError: it died, or does not answer a client that did no wrong.
        """
        try:
            for _ in range(_TURNS):
                await self._check_answers("another", bystander)
        except AssertionError:
            await self.check_alive()
            raise

    async def _check_service(self, bystander: FakeCluster) -> None:
        assert await self.alive(), "the daemon died, or is another process than before"
        await self._check_answers("an old", bystander)
        newcomer = self._untapped()
        try:
            await newcomer.connect()
        except (OSError, PeerTimeout) as problem:
            raise AssertionError(f"the daemon takes no new client: {problem}") from None
        try:
            await self._check_answers("a new", newcomer)
        finally:
            await newcomer.close()

    async def _check_answers(self, who: str, client: FakeCluster) -> None:
        try:
            await client.resource_info(SIGN_OF_LIFE)
        except (PeerTimeout, ConnectionEnded) as problem:
            raise AssertionError(f"the daemon does not answer {who} client: {problem}") from None


def describe_exit(status: int) -> str:
    """An exit status in words: a signal is told as a shell (128 + n) or a parent (-n) tells it."""
    number = -status if status < 0 else status - 128
    if 0 < number < signal.NSIG:
        return f"exit status {status} ({signal.Signals(number).name})"
    return f"exit status {status}"
