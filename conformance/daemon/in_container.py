# SPDX-License-Identifier: GPL-2.0-or-later
"""A real daemon in a container of the harness."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

from containers.node import File, Process, RemoteNode
from containers.targets import DEFAULT_PORT
from fixtures.peers import FakeCluster

from .under_test import Daemon, Listener

#: Resident memory that a daemon may grow to in a test without special demands, in KiB.
MEMORY_LIMIT_KIB = 100 * 1024


class ContainerDaemon(Daemon):
    """pacemaker-remoted in a container of its own."""

    def __init__(
        self,
        node: RemoteNode,
        port: int,
        key: bytes,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        placed: Iterable[str] = (),
    ) -> None:
        super().__init__(node.address, port, key)
        #: Files that tests put onto its host; they go with it.
        self.placed = set(placed)
        self.node = node
        self._environment = environment
        self._arguments = arguments
        self._process: Process = node.start_daemon(arguments, environment)

    async def alive(self) -> bool:
        return await asyncio.to_thread(lambda: self._process.running)

    async def terminate(self) -> None:
        await asyncio.to_thread(self._process.signal, "TERM")

    async def wait_exited(self, timeout: float) -> int:
        return await asyncio.to_thread(self._process.wait, timeout)

    async def restart(self) -> None:
        self._process = self.node.start_daemon(self._arguments, self._environment)
        await asyncio.to_thread(self.node.wait_listening, self.port)

    async def listeners(self) -> list[Listener]:
        found = await asyncio.to_thread(self.node.listeners)
        return [Listener(*where) for where in found]

    async def write(self, path: str, content: bytes) -> None:
        self.placed.add(path)
        await asyncio.to_thread(self.node.write, path, File(content, 0o640))

    async def remove(self, path: str) -> None:
        await asyncio.to_thread(self.node.run, ["rm", path])

    async def read(self, path: str) -> bytes | None:
        return await asyncio.to_thread(self.node.read, path)

    def log_size(self) -> int:
        return self.node.log_size()

    def log(self, skip: int = 0) -> str:
        return self.node.log(skip)

    async def check_well(self, bystander: FakeCluster) -> None:
        await super().check_well(bystander)
        status = "awk '/VmRSS/ {print $2}' /proc/$(cat /run/started.pid)/status"
        resident = int((await asyncio.to_thread(self.node.run, status)).output)
        assert resident <= MEMORY_LIMIT_KIB, f"the daemon holds {resident} KiB of memory"


def start(
    node: RemoteNode,
    key: bytes,
    environment: Mapping[str, str],
    arguments: Sequence[str],
    files: Mapping[str, File],
    port: int = DEFAULT_PORT,
    *,
    taken_ports: Collection[int] = (),
    fails: bool = False,
) -> ContainerDaemon:
    """Start pacemaker-remoted on *node* and wait until it listens on *port*.

    Args:
        key: what clients use.
        files: by path, placed before the start; the key file is one of them, if there is to be one.
        taken_ports: TCP ports that another process has.
        fails: it will not listen; do not wait for it.
    """
    for path, file in files.items():
        node.write(path, file)
    for taken in taken_ports:
        node.take_port(taken)
    daemon = ContainerDaemon(node, port, key, environment, arguments, files)
    if not fails:
        node.wait_listening(port)
    return daemon
