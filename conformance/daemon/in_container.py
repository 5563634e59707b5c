# SPDX-License-Identifier: GPL-2.0-or-later
"""A real daemon in a container of the harness."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

import pytest

from containers.node import File, NodeDown, Process, Ran, RemoteNode
from containers.pid_one import PidOneNode
from containers.processes import HostProcess, Vitals, processes, vitals
from containers.targets import DEFAULT_PORT
from fixtures.peers import FakeCluster, LocalClient

from .local_ipc import LocalIpc
from .under_test import MEMORY_LIMIT_KIB, Daemon, Ended, Listener


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
        self._local_ipc: dict[str, LocalIpc] = {}
        self._environment = environment
        self._arguments = arguments
        self._has_init = (
            isinstance(node, PidOneNode) or environment.get("PCMK_remote_pid1") == "full"
        )
        self._pid: int | None = None
        self._process: Process = node.start_daemon(arguments, environment)

    async def alive(self) -> bool:
        return await asyncio.to_thread(lambda: self._process.running)

    async def terminate(self) -> None:
        await asyncio.to_thread(self._process.signal, "TERM")

    async def wait_exited(self, timeout: float) -> int:
        return await asyncio.to_thread(self._process.wait, timeout)

    async def restart(self) -> None:
        self._pid = None
        self._process = self.node.start_daemon(self._arguments, self._environment)
        await asyncio.to_thread(self.node.wait_listening, self.port)

    async def listeners(self) -> list[Listener]:
        found = await asyncio.to_thread(self.node.listeners)
        return [Listener(*where) for where in found]

    async def vitals(self) -> Vitals:
        return await asyncio.to_thread(lambda: vitals(self.node, self._serving()))

    async def processes(self) -> list[HostProcess]:
        return await asyncio.to_thread(processes, self.node)

    async def signal(self, name: str, pid: int | None = None) -> None:
        if pid is None:
            await asyncio.to_thread(self._process.signal, name)
            return
        try:
            await asyncio.to_thread(self.node.run, f"kill -{name} {pid}")
        except NodeDown:
            # A host whose first process is the daemon may end before its command does.
            if not isinstance(self.node, PidOneNode):
                raise

    async def orphan(self) -> None:
        await asyncio.to_thread(self.node.run, "sh -c 'sleep 0.1 & exit 0'")

    async def limit_files(self, number: int) -> None:
        limit = ["prlimit", "--pid", str(await asyncio.to_thread(self._serving))]
        await asyncio.to_thread(self.node.run, [*limit, f"--nofile={number}:{number}"])

    async def program(self, *arguments: str) -> Ended:
        command = ["timeout", "10", "pacemaker-remoted", *arguments]
        ran = await asyncio.to_thread(self.node.run, command, check=False)
        return Ended(ran.exit_code, ran.output + ran.error)

    def _serving(self) -> int:
        """The pid of the process that serves clients: the one started, or the child of pcmk-init.

        Agents come later and are never the first child.
        """
        if self._pid is None:
            started = int(self.node.run("cat /run/started.pid").output)
            children = [each.pid for each in processes(self.node) if each.parent == started]
            self._pid = min(children) if self._has_init else started
        return self._pid

    async def local(self, server: str, user: str = "root") -> LocalClient:
        if user not in self._local_ipc:
            found = await self.tool("sh", "-c", "command -v python3")
            if found.exit_code != 0:
                pytest.skip("local IPC clients need python3 on the daemon's host")
            self._local_ipc[user] = await asyncio.to_thread(LocalIpc, self.node, user)
        return await self._local_ipc[user].open(server)

    async def tool(self, *command: str) -> Ran:
        return await asyncio.to_thread(self.node.run, command, check=False)

    async def files(self, directory: str) -> dict[str, bytes]:
        return await asyncio.to_thread(self.node.read_tree, directory)

    async def write(self, path: str, content: bytes) -> None:
        self.placed.add(path)
        await asyncio.to_thread(self.node.write, path, File(content, 0o640))

    async def remove(self, path: str) -> None:
        await asyncio.to_thread(self.node.run, ["rm", path])

    async def read(self, path: str) -> bytes | None:
        return await asyncio.to_thread(self.node.read, path)

    async def close(self) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """End the harness's programs in the container."""
        for program in self._local_ipc.values():
            program.close()
        self._local_ipc.clear()

    def log_size(self) -> int:
        return self.node.log_size()

    def log(self, skip: int = 0) -> str:
        return self.node.log(skip)

    async def connections(self) -> int:
        return await asyncio.to_thread(self.node.connections, self.port)

    async def check_well(self, bystander: FakeCluster) -> None:
        await super().check_well(bystander)
        resident = (await self.vitals()).memory
        assert resident <= MEMORY_LIMIT_KIB, f"the daemon holds {resident} KiB of memory"

    async def peak_memory(self) -> int:
        return await self._status("VmHWM")

    async def _status(self, field: str) -> int:
        command = f"awk '/{field}/ {{print $2}}' /proc/$(cat /run/started.pid)/status"
        return int((await asyncio.to_thread(self.node.run, command)).output)


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
