# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon under test, whoever it is: in a container, on a host far away, or a fake.

Tests speak to it through :class:`Daemon` alone, so the same tests run against all of them. What
one kind cannot do (nobody restarts a daemon on somebody else's host) is skipped as unsupported,
with the reason.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from containers.node import AUTHKEY, File, Process, RemoteNode
from containers.targets import DEFAULT_PORT
from fixtures.capture import Recorder
from fixtures.peers import (
    ConnectionEnded,
    FakeCluster,
    FakeRemote,
    Misbehaviour,
    PeerTimeout,
    Release,
)

#: Resident memory that a daemon may grow to in a test without special demands, in KiB.
MEMORY_LIMIT_KIB = 100 * 1024
#: A resource id that nobody registers: any answer to a question about it is a sign of life.
SIGN_OF_LIFE = "nobody-registers-this"


class Daemon(ABC):
    """A running daemon.

    Attributes:
        host, port: where it listens.
        key: what it holds as its key.
        recorder: of the current test; every client is tapped.
    """

    #: Seconds that its clients wait for whatever must come.
    patience = 10.0

    def __init__(self, host: str, port: int, key: bytes) -> None:
        self.host = host
        self.port = port
        self.key = key
        self.recorder: Recorder | None = None

    def client(self, name: str = "conformance", **options: Any) -> FakeCluster:
        """A client that is not connected yet; *options* as for ``FakeCluster``."""
        taps = [self.recorder.tap(name)] if self.recorder else []
        return FakeCluster(
            options.pop("host", self.host),
            options.pop("port", self.port),
            key=options.pop("key", self.key),
            client_name=name,
            patience=self.patience,
            taps=taps,
            **options,
        )

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
    async def listening(self) -> list[int]:
        """The TCP ports it listens on."""

    def log(self) -> str:
        """Its log; empty where it cannot be had."""
        return ""

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
        return FakeCluster(self.host, self.port, key=self.key, patience=self.patience)

    async def check_well(self, bystander: FakeCluster) -> None:
        """The oracle after whatever a test did.

        The daemon is alive and the same process as before, a client that was there before is
        still answered, and so is a new one.

        Raises:
            AssertionError: it is not well.
        """
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


class ContainerDaemon(Daemon):
    """pacemaker-remoted in a container of its own."""

    def __init__(self, node: RemoteNode, port: int, key: bytes) -> None:
        super().__init__(node.address, port, key)
        self.node = node
        assert node.process is not None
        self._process: Process = node.process

    async def alive(self) -> bool:
        return await asyncio.to_thread(lambda: self._process.running)

    async def terminate(self) -> None:
        await asyncio.to_thread(self._process.signal, "TERM")

    async def wait_exited(self, timeout: float) -> int:
        return await asyncio.to_thread(self._process.wait, timeout)

    async def listening(self) -> list[int]:
        return await asyncio.to_thread(self.node.listening)

    def log(self) -> str:
        return self.node.log()

    async def check_well(self, bystander: FakeCluster) -> None:
        await super().check_well(bystander)
        status = "awk '/VmRSS/ {print $2}' /proc/$(cat /run/started.pid)/status"
        resident = int((await asyncio.to_thread(self.node.run, status)).output)
        assert resident <= MEMORY_LIMIT_KIB, f"the daemon holds {resident} KiB of memory"


class HostDaemon(Daemon):
    """A daemon on a host of which nothing is known but its address and key."""

    async def alive(self) -> bool:
        return True  # whether it answers is all that can be found out, and check_well asks that

    async def terminate(self) -> None:
        pytest.skip("nobody stops a daemon on somebody else's host")

    async def wait_exited(self, timeout: float) -> int:
        raise AssertionError("unreachable: terminate() skips the test")

    async def listening(self) -> list[int]:
        pytest.skip("the ports of somebody else's host are not listed")


class FakeDaemon(Daemon):
    """The harness's own daemon, right or wrong on purpose: how these tests are tested."""

    patience = 0.5  # it answers at once or never

    def __init__(self, fake: FakeRemote, key: bytes) -> None:
        super().__init__(fake.host, fake.port, key)
        self._fake = fake

    async def alive(self) -> bool:
        return self._fake.exit_code is None

    async def terminate(self) -> None:
        self._fake.terminate()

    async def wait_exited(self, timeout: float) -> int:
        return await self._fake.wait_exited(timeout)

    async def listening(self) -> list[int]:
        return [self.port]

    async def close(self) -> None:
        await self._fake.close()


async def start_fake(key: bytes, misbehaviour: Misbehaviour, release: Release) -> FakeDaemon:
    fake = FakeRemote(key, misbehaviour=misbehaviour, release=release)
    await fake.start()
    return FakeDaemon(fake, key)


def start_in_container(
    node: RemoteNode,
    key: bytes,
    environment: Mapping[str, str],
    arguments: Sequence[str],
    port: int = DEFAULT_PORT,
) -> ContainerDaemon:
    """Start pacemaker-remoted on *node*, with *key* as its key, and wait until it listens."""
    node.write(AUTHKEY, File(key, 0o640))
    node.start_daemon(arguments, environment)
    node.wait_listening(port)
    return ContainerDaemon(node, port, key)
