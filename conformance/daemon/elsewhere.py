# SPDX-License-Identifier: GPL-2.0-or-later
"""A real daemon that somebody else runs."""

from __future__ import annotations

import pytest

from containers.node import Ran
from containers.processes import HostProcess, Vitals
from fixtures.peers import LocalClient

from .under_test import Daemon, Ended, Listener


class HostDaemon(Daemon):
    """A daemon on a host of which nothing is known but its address and key."""

    def need_agents(self) -> None:
        pytest.skip("the harness's agents are not installed on somebody else's host")

    async def alive(self) -> bool:
        return True  # whether it answers is all that can be found out, and check_well asks that

    async def terminate(self) -> None:
        pytest.skip("nobody stops a daemon on somebody else's host")

    async def wait_exited(self, timeout: float) -> int:
        raise AssertionError("unreachable: terminate() skips the test")

    async def restart(self) -> None:
        raise AssertionError("unreachable: terminate() skips the test")

    async def local(self, server: str, user: str = "root") -> LocalClient:
        pytest.skip("nothing is opened on somebody else's host")

    async def tool(self, *command: str) -> Ran:
        pytest.skip("nothing is run on somebody else's host")

    async def files(self, directory: str) -> dict[str, bytes]:
        pytest.skip("nobody reads files on somebody else's host")

    async def close(self) -> None:
        """The harness holds nothing of it."""

    async def listeners(self) -> list[Listener]:
        pytest.skip("the ports of somebody else's host are not listed")

    async def write(self, path: str, content: bytes) -> None:
        pytest.skip("nobody changes files on somebody else's host")

    async def remove(self, path: str) -> None:
        pytest.skip("nobody changes files on somebody else's host")

    async def read(self, path: str) -> bytes | None:
        pytest.skip("nobody reads files on somebody else's host")

    async def vitals(self) -> Vitals:
        pytest.skip("what a process holds is not known of somebody else's host")

    async def processes(self) -> list[HostProcess]:
        pytest.skip("the processes of somebody else's host are not listed")

    async def signal(self, name: str, pid: int | None = None) -> None:
        pytest.skip("nobody sends signals on somebody else's host")

    async def orphan(self) -> None:
        pytest.skip("nobody starts programs on somebody else's host")

    async def limit_files(self, number: int) -> None:
        pytest.skip("nobody sets limits on somebody else's host")

    async def program(self, *arguments: str) -> Ended:
        pytest.skip("nobody starts programs on somebody else's host")

    async def peak_memory(self) -> int:
        pytest.skip("the memory of a process on somebody else's host is not known")

    async def connections(self) -> int:
        pytest.skip("the connections of somebody else's host are not counted")
