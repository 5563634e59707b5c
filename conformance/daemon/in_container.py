# SPDX-License-Identifier: GPL-2.0-or-later
"""A real daemon in a container of the harness."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from containers.node import File, Process, RemoteNode
from containers.targets import DEFAULT_PORT
from fixtures.peers import FakeCluster

from .under_test import Daemon

#: Resident memory that a daemon may grow to in a test without special demands, in KiB.
MEMORY_LIMIT_KIB = 100 * 1024


class ContainerDaemon(Daemon):
    """pacemaker-remoted in a container of its own."""

    def __init__(self, node: RemoteNode, port: int, key: bytes, placed: Iterable[str] = ()) -> None:
        super().__init__(node.address, port, key)
        #: Files that tests put onto its host; they go with it.
        self.placed = set(placed)
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
) -> ContainerDaemon:
    """Start pacemaker-remoted on *node* and wait until it listens on *port*.

    Args:
        key: what clients use.
        files: by path, placed before the start; the key file is one of them, if there is to be one.
    """
    for path, file in files.items():
        node.write(path, file)
    node.start_daemon(arguments, environment)
    node.wait_listening(port)
    return ContainerDaemon(node, port, key, files)
