# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness's own daemon, right or wrong on purpose: how the tests of a daemon are tested.

Its host is made up: files, variables and other people's ports are what a test says. Its address is
one of the loopback's. The port that clients connect to is whichever is free; ``listeners`` tells
the one that the daemon believes it has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress

import pytest

from containers.node import LOG_FILE, File, Ran
from containers.processes import HostProcess, Vitals
from fixtures.peers import (
    Agents,
    FakeCluster,
    FakeRemote,
    LocalClient,
    Misbehaviour,
    Release,
    install_harness_agents,
    unknown,
)
from fixtures.peers.program import run

from .under_test import MEMORY_LIMIT_KIB, Daemon, Ended, Listener

#: How long one documented second takes a fake daemon, in seconds.
PACE = 0.1
#: How much less load than a real daemon's shows whether a fake one bears it.
LIGHTNESS = 20
#: Address of its host; what it does on 127.0.0.1 and ::1 is not seen there.
ADDRESS = "127.0.0.2"


class FakeDaemon(Daemon):
    """The harness's own daemon; it answers at once or never, and its clocks run fast."""

    patience = 2.0
    pace = PACE
    # A test's own work delays it, since both live in one process.
    haste = 0.2

    def __init__(self, make: Callable[[int], FakeRemote], key: bytes) -> None:
        self._make = make
        self._fake = make(0)
        super().__init__(self._fake.host, 0, key)

    async def start(self, *, fails: bool = False) -> None:
        """Start it, again if it has ended; ``fails`` if it must not live."""
        with suppress(OSError) if fails else nullcontext():
            await self._fake.start()
        assert fails or self._fake.exit_code is None, "the daemon does not start"
        self.port = self._fake.port

    async def restart(self) -> None:
        await self._fake.close()
        files = self._fake.files
        self._fake = self._make(self.port)
        self._fake.files.clear()
        self._fake.files.update(files)
        await self.start()

    def many(self, documented: int) -> int:
        return max(1, documented // LIGHTNESS)

    async def alive(self) -> bool:
        return self._fake.simulated_host.exit_code is None

    async def terminate(self) -> None:
        self._fake.simulated_host.signal("TERM")

    async def wait_exited(self, timeout: float) -> int:
        host = self._fake.simulated_host
        await self._fake.until(lambda: host.exit_code is not None, "exit of the daemon", timeout)
        assert host.exit_code is not None
        return host.exit_code

    async def listeners(self) -> list[Listener]:
        return [Listener(*where) for where in self._fake.listeners]

    async def vitals(self) -> Vitals:
        host = self._fake.simulated_host
        return Vitals(host.serving, host.memory, host.open_files)

    async def processes(self) -> list[HostProcess]:
        found = self._fake.simulated_host.processes()
        return [HostProcess(each.pid, each.parent, each.state, each.command) for each in found]

    async def signal(self, name: str, pid: int | None = None) -> None:
        self._fake.simulated_host.signal(name, pid)

    async def orphan(self) -> None:
        self._fake.simulated_host.orphan()

    async def limit_files(self, number: int) -> None:
        self._fake.simulated_host.files_limit = number

    async def program(self, *arguments: str) -> Ended:
        return Ended(*run(arguments, self._fake.release, self._fake.misbehaviour))

    async def local(self, server: str, user: str = "root") -> LocalClient:
        return self._fake.local(server, user)

    async def tool(self, *command: str) -> Ran:
        pytest.skip("Pacemaker's tools do not run on the fake daemon's host; its clients do")

    async def files(self, directory: str) -> dict[str, bytes]:
        start = f"{directory}/"
        return {
            path.removeprefix(start): content
            for path, content in self._fake.files.items()
            if path.startswith(start)
        }

    async def write(self, path: str, content: bytes) -> None:
        self._fake.files[path] = content

    async def remove(self, path: str) -> None:
        del self._fake.files[path]

    async def read(self, path: str) -> bytes | None:
        return self._fake.files.get(path)

    async def pass_time(self, documented: float) -> None:
        self._fake.pass_time(documented)

    def log(self, skip: int = 0) -> str:
        return self._fake.files.get(LOG_FILE, b"")[skip:].decode()

    def log_size(self) -> int:
        return len(self._fake.files.get(LOG_FILE, b""))

    async def peak_memory(self) -> int:
        return self._fake.memory // 1024

    async def check_well(self, bystander: FakeCluster) -> None:
        await super().check_well(bystander)
        held = await self.peak_memory()
        assert held <= MEMORY_LIMIT_KIB, f"the daemon holds {held} KiB of memory"

    async def connections(self) -> int:
        return self._fake.connections[0]

    async def close(self) -> None:
        await self._fake.close()


async def start_fake(
    key: bytes,
    misbehaviour: Misbehaviour,
    release: Release,
    variables: Mapping[str, str],
    arguments: Sequence[str],
    files: Mapping[str, File],
    *,
    taken_ports: Collection[int] = (),
    fails: bool = False,
    pid_one: bool = False,
) -> FakeDaemon:
    """Start a fake daemon that finds these variables, arguments and files where it runs.

    What it does not know is skipped: such a test has no proof by a fake.
    """
    if strange := unknown(variables, arguments):
        pytest.skip(f"the fake daemon does not know {', '.join(strange)}")

    def make(port: int) -> FakeRemote:
        agents = Agents()
        install_harness_agents(agents)
        return FakeRemote(
            None,
            agents=agents,
            host=ADDRESS,
            port=port,
            misbehaviour=misbehaviour,
            release=release,
            pace=PACE,
            variables=variables,
            arguments=arguments,
            files={path: file.content for path, file in files.items()},
            readable_by_all=[path for path, file in files.items() if file.mode & 0o004],
            taken_ports=taken_ports,
            pid_one=pid_one,
        )

    daemon = FakeDaemon(make, key)
    await daemon.start(fails=fails)
    return daemon
