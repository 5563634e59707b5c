# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the peers share."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import shake_256
from typing import Protocol

from fixtures.peers import Direction, Ending, FakeCluster, FakeRemote
from fixtures.wire import (
    Event,
    ExecNotify,
    Header,
    Notify,
    NotifyReceived,
    Reply,
    ReplyReceived,
)

KEY = shake_256(b"a key of the documented length").digest(4096)


class Join(Protocol):
    """See the fixture ``join``."""

    async def __call__(
        self, remote: FakeRemote, name: str = "a", *, provider: bool = False
    ) -> FakeCluster: ...


class Witness:
    """A tap that writes down everything."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.wire: dict[Direction, bytes] = dict.fromkeys(Direction, b"")
        self.secrets: list[str] = []
        self.messages: list[tuple[Direction, Header, bytes]] = []
        self.notes: list[str] = []
        self.ending: Ending | None = None

    def opened(self, local: tuple[str, int], remote: tuple[str, int]) -> None:
        self.calls.append("opened")
        self.local, self.remote = local, remote

    def segment(self, direction: Direction, data: bytes) -> None:
        self.calls.append("segment")
        self.wire[direction] += data

    def secret(self, line: str) -> None:
        self.calls.append("secret")
        self.secrets.append(line)

    def message(self, direction: Direction, header: Header, xml: bytes) -> None:
        self.calls.append("message")
        self.messages.append((direction, header, xml))

    def note(self, text: str) -> None:
        self.calls.append("note")
        self.notes.append(text)

    def closed(self, ending: Ending) -> None:
        self.calls.append("closed")
        self.ending = ending


def spoken(events: list[Event]) -> list[Reply | Notify]:
    """Return what the daemon said, in order."""
    said: list[Reply | Notify] = []
    for event in events:
        if isinstance(event, ReplyReceived):
            said.append(event.reply)
        elif isinstance(event, NotifyReceived):
            said.append(event.notify)
    return said


def notified(events: list[Event]) -> list[Notify]:
    """Return the notifies, in order."""
    return [said for said in spoken(events) if isinstance(said, Notify)]


async def run(
    client: FakeCluster,
    resource_id: str,
    action: str,
    *,
    parameters: dict[str, str] | None = None,
    timeout_ms: int = 20_000,
) -> ExecNotify:
    """Execute an action once and wait for its end."""
    reply = await client.execute(resource_id, action, parameters=parameters, timeout_ms=timeout_ms)
    return await client.completion(reply.rc)


@contextlib.asynccontextmanager
async def serving(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Serve plain TCP on a free port of the loopback interface, and clean up."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await handle(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    for writer in writers:
        await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a plain TCP connection, whatever state it is in."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
