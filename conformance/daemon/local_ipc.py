# SPDX-License-Identifier: GPL-2.0-or-later
"""Local IPC clients in a container: a program there opens the names, and is led from here.

One program per user serves all tests of a daemon; each connection has a number on the line to it.
What the program says is heard in a thread, and handed to the event loop of the test that opened
the connection. The program: ``containers/recipes/files/local-ipc``.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
from contextlib import suppress

from containers.line import Line
from containers.node import PROGRAMS, Node
from fixtures.peers import CLIENT_RESPONSE, LocalClient, LocalRefused
from fixtures.peers.waiting import Signal

#: Seconds for the program's start and its answers.
PATIENCE = 10.0


class LocalIpc:
    """The local IPC clients of one user in a container.

    Args:
        user: ``USER``, or ``USER:GROUP`` for a group that is not the user's own.
    """

    def __init__(self, node: Node, user: str) -> None:
        self._user = user
        self._numbers = itertools.count(1)
        self._clients: dict[str, ContainerClient] = {}
        command = [f"{PROGRAMS}/local-ipc", user]
        self._line = Line(node, command, f"local-ipc-{node.name}", self._heard)

    async def open(self, server: str) -> LocalClient:
        """Open the name *server*.

        Raises:
            LocalRefused: it is refused.
            PeerTimeout: neither that nor the opposite is known in time.
        """
        number = str(next(self._numbers))
        client = self._clients[number] = ContainerClient(server, self._user, number, self._line)
        self._line.say(f"connect {number} {server}")
        await client.opened()
        return client

    def close(self) -> None:
        """End the program, and with it all its connections."""
        self._line.close()

    def _heard(self, line: str) -> None:
        word, number, *rest = line.split()
        self._clients[number].tell(word, rest)


class ContainerClient(LocalClient):
    """One connection of the program."""

    def __init__(self, server: str, user: str, number: str, line: Line) -> None:
        super().__init__(server, user, PATIENCE)
        self._number = number
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._state = Signal()
        self._errno: int | None = None

    async def opened(self) -> None:
        """Wait until it is known whether the connection was made; see ``LocalIpc.open``."""
        awaited = f"outcome of opening {self.server}"
        errno = await self._state.until(lambda: self._errno, awaited, PATIENCE)
        if errno:
            raise LocalRefused(self.server, errno)

    def send(self, message_id: int, payload: bytes, flags: int = CLIENT_RESPONSE) -> None:
        encoded = base64.b64encode(payload).decode()
        self._line.say(f"send {self._number} {message_id} {flags} {encoded}")

    async def close(self) -> None:
        self._line.say(f"close {self._number}")

    def stop_reading(self) -> None:
        """Be a client that takes nothing any more."""
        self._line.say(f"deaf {self._number}")

    def tell(self, word: str, rest: list[str]) -> None:
        """The program said something of this connection; called in its thread."""
        with suppress(RuntimeError):  # the test is over, and so is its loop
            self._loop.call_soon_threadsafe(self._act, word, rest)

    def _act(self, word: str, rest: list[str]) -> None:
        match word, rest:
            case "connected", []:
                self._opened_with(0)
            case "refused", [errno]:
                self._opened_with(int(errno))
            case "response", [message_id, payload]:
                self.responded(int(message_id), base64.b64decode(payload))
            case "event", [payload]:
                self.published(base64.b64decode(payload))
            case "closed", []:
                self.was_disconnected()

    def _opened_with(self, errno: int) -> None:
        self._errno = errno
        self._state.fire()
