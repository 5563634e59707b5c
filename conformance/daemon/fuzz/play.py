# SPDX-License-Identifier: GPL-2.0-or-later
"""Carries out a sequence of steps on a daemon, and says what must never happen.

The rules that are held while a sequence plays:

* After each step the daemon lives and answers a client that was there before and did nothing
  (the bystander); that client gets replies to its questions and nothing else.
* A client is *trusted* as long as all that it said was well-formed and meant something. Each of its
  requests gets exactly one reply, under its id; nobody ends its connection; it is told of nothing
  before it has named itself, but of the end of proxy sessions that it asked for (NTF-002, PRX-009).
* Nothing that is said to a trusted client is unreadable.
* Of a client that is not trusted nothing is expected: it may be ignored, or sent away.
* Nobody gets in with a wrong key.
* When all clients have left, the oracle holds (``Daemon.check_well``).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from containers.errors import EnvironmentProblem
from fixtures.peers import ConnectionEnded, FakeCluster, HandshakeFailed, PeerTimeout, wrong_keys
from fixtures.tls import ClientCredentials, TLSSession
from fixtures.wire import (
    DEFAULT_IDENTITY,
    HEADER_SIZE,
    Attr,
    BadMessage,
    MalformedReceived,
    MessageType,
    NotifyReceived,
    Poke,
    ProxyNotify,
    RegisterRequest,
    ReplyReceived,
    StreamBroken,
    UnknownNotify,
    UnsolicitedReplyReceived,
    build_frame,
    serialise,
)

from ..under_test import SIGN_OF_LIFE, Daemon
from .findings import Finding
from .steps import (
    RESOURCES,
    VERSIONS,
    Ask,
    Cut,
    Flood,
    Half,
    Intrude,
    Joined,
    Knock,
    Leave,
    RawFrame,
    Reading,
    Records,
    Register,
    Step,
    Xml,
)

#: Seconds that a process may take to end once its connections have.
_DYING: Final = 1.0
#: Message ids of requests that are put together by hand; those of the others count from 1.
_OWN_IDS: Final = 1_000_000


class _Trouble(Exception):  # noqa: N818 - becomes a finding
    """Something that must never happen; see ``findings`` for the kinds."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text.partition("; last seen")[0])  # the transcript has it all
        self.kind = kind


@dataclass
class _Client:
    """One connection of the sequence."""

    peer: FakeCluster
    trusted: bool = True
    named: bool = False
    reading: bool = True
    unanswered: list[int] = field(default_factory=list)
    own_ids: list[int] = field(default_factory=list)


class Stage:
    """One sequence on one daemon.

    Args:
        daemon: alive and well.
        bystander: a client of it that is no part of the sequence; ``Daemon.bystander``.
    """

    def __init__(self, daemon: Daemon, bystander: FakeCluster) -> None:
        self._daemon = daemon
        self._bystander = bystander
        self._clients: dict[int, _Client] = {}
        self._strangers: list[asyncio.StreamWriter] = []

    async def play(self, steps: Sequence[Step]) -> Finding | None:
        """Carry out the steps until one of them brings something to light."""
        done = 0
        try:
            for step in steps:
                await self._take(step)
                await self._look()
                done += 1
            await self._finish()
        except _Trouble as trouble:
            at = min(done, len(steps) - 1)
            return await self._finding(trouble, at, steps[at])
        finally:
            await self._let_go()
        return None

    async def _finding(self, trouble: _Trouble, index: int, step: Step) -> Finding:
        """What the trouble was; connections end before the process does, so that is waited for."""
        kind, text = trouble.kind, str(trouble)
        dying = kind in ("unwell", "closed")
        with suppress(TimeoutError, EnvironmentProblem):
            if dying or not await self._daemon.alive():
                status = await self._daemon.wait_exited(_DYING)
                kind, text = "died", f"the daemon ended with status {status}"
        return Finding(kind, index, step.label, text)

    # After each step, and in the end

    async def _look(self) -> None:
        try:
            await self._bystander.resource_info(SIGN_OF_LIFE)
        except (PeerTimeout, ConnectionEnded) as problem:
            raise _Trouble("unwell", f"a bystander is not served: {problem}") from None
        for event in self._bystander.events:
            if not isinstance(event, ReplyReceived):
                raise _Trouble("unasked", f"a bystander was told {event}")
        self._bystander.events.clear()
        for client in self._clients.values():
            self._judge(client)

    def _judge(self, client: _Client) -> None:
        if not client.trusted:
            return
        if client.peer.ending is not None and not any(
            isinstance(event, StreamBroken) for event in client.peer.events
        ):
            raise _Trouble("closed", f"a client's connection ended: {client.peer.ending}")
        for event in client.peer.events:
            match event:
                case MalformedReceived(error=BadMessage()):
                    pass  # what another client's damaged request left out is missing here, too
                case MalformedReceived() | StreamBroken():
                    raise _Trouble("unreadable", str(event))
                case UnsolicitedReplyReceived(message_id=number) if number in client.own_ids:
                    client.own_ids.remove(number)
                case UnsolicitedReplyReceived():
                    raise _Trouble("unasked", f"a second reply, or one to nothing: {event.xml!r}")
                case NotifyReceived(notify=UnknownNotify()):
                    raise _Trouble("unreadable", f"an unknown notify: {event.xml!r}")
                case NotifyReceived(notify=ProxyNotify()):
                    pass
                case NotifyReceived() if not client.named:
                    raise _Trouble("unasked", f"a client without a name was told {event.xml!r}")
        client.peer.events.clear()

    async def _finish(self) -> None:
        for client in self._clients.values():
            if not client.reading:
                client.peer.resume_reading()
                client.reading = True
            await self._await_replies(client)
        await self._look()
        await self._let_go()
        try:
            for resource in RESOURCES:
                await self._bystander.unregister(resource)
            await self._daemon.check_well(self._bystander)
        except (AssertionError, PeerTimeout, ConnectionEnded) as problem:
            raise _Trouble("unwell", str(problem)) from None

    async def _let_go(self) -> None:
        """End every connection of the sequence."""
        for writer in self._strangers:
            writer.close()
        await asyncio.gather(
            *(client.peer.close() for client in self._clients.values()),
            *(_closed(writer) for writer in self._strangers),
        )
        self._clients.clear()
        self._strangers.clear()

    # Steps

    async def _take(self, step: Step) -> None:
        match step:
            case Knock():
                await self._knock(step)
                return
            case Intrude():
                await self._intrude(step)
                return
        client = await self._client(step.client)
        try:
            await self._act(client, step)
        except ConnectionEnded as ended:
            if client.trusted:
                raise _Trouble("closed", str(ended)) from None
            await self._forget(step.client)

    async def _act(self, client: _Client, step: Step) -> None:
        peer = client.peer
        match step:
            case Ask():
                client.unanswered.append(peer.send(step.request()))
                await self._await_replies(client)
            case Flood():
                client.unanswered += [peer.send(Poke()) for _ in range(step.count)]
                await self._await_replies(client)
            case Register():
                await self._register(client, step)
            case Cut():
                await self._cut(client, step)
            case Xml():
                client.trusted = False
                frame = build_frame(step.text)
                peer.send_frame(frame.header, frame.payload)
            case RawFrame():
                client.trusted = False
                frame = step.frame()
                peer.send_frame(frame.header, frame.payload)
            case Records():
                client.trusted = False
                peer.send_records(step.records)
            case Half():
                client.trusted = False
                data = _poke(_OWN_IDS)
                peer.send_records(_pieces(data[: 1 + step.size % (len(data) - 1)], (HEADER_SIZE,)))
                if step.then != "stay":
                    await self._leave(step.client, step.then)
            case Joined():
                client.trusted = False
                peer.send_records([_poke(_OWN_IDS) * step.count])
            case Reading():
                await self._read(client, on=step.on)
            case Leave():
                await self._leave(step.client, step.how)
            case _:
                raise TypeError(f"nobody knows how to do {step}")

    async def _register(self, client: _Client, step: Register) -> None:
        client.named = True  # whether or not the version is accepted (MSG-009)
        number = client.peer.send(
            RegisterRequest(
                client_name=f"fuzz{step.client}",
                protocol_version=step.version,
                is_ipc_provider=step.provider,
            )
        )
        if step.version in VERSIONS:  # releases differ in whether they answer a refusal (REG-004)
            client.unanswered.append(number)
            await self._await_replies(client)

    async def _cut(self, client: _Client, step: Cut) -> None:
        number = _OWN_IDS + len(client.own_ids)
        data = _poke(number)
        client.own_ids.append(number)
        # A record with the end of the header and the beginning of the payload may be lost: FRM-007.
        client.peer.send_records(_pieces(data, (HEADER_SIZE, *step.cuts)))
        client.unanswered.append(client.peer.send(Poke()))
        await self._await_replies(client)
        if client.trusted and client.reading:
            self._judge(client)
            if number in client.own_ids:
                raise _Trouble("unanswered", f"a poke that came in pieces: cut at {step.cuts}")

    async def _read(self, client: _Client, *, on: bool) -> None:
        if on == client.reading:
            return
        client.reading = on
        if on:
            client.peer.resume_reading()
            await self._await_replies(client)
        else:
            client.peer.pause_reading()

    async def _leave(self, number: int, how: str) -> None:
        client = self._clients.pop(number)
        match how:
            case "drop":
                client.peer.drop()
            case "reset":
                client.peer.reset()
        await client.peer.close()

    async def _intrude(self, step: Intrude) -> None:
        intruder = self._daemon.client("intruder", key=wrong_keys(self._daemon.key)[step.key])
        try:
            await intruder.connect()
        except HandshakeFailed:
            return
        except (PeerTimeout, OSError) as problem:
            raise _Trouble("unwell", f"a wrong key is not refused: {problem}") from None
        await intruder.close()
        raise _Trouble("let in", f"with a wrong key: {step.key}")

    async def _knock(self, step: Knock) -> None:
        daemon = self._daemon
        try:
            async with asyncio.timeout(daemon.patience):
                _, writer = await asyncio.open_connection(daemon.host, daemon.port)
        except OSError as problem:  # also what a time-out raises
            raise _Trouble("unwell", f"nobody can connect: {problem}") from None
        writer.write(step.damaged(_hello(daemon.key)))
        match step.how:
            case "stay":
                self._strangers.append(writer)
                return
            case "reset":
                never = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, never
                )
        writer.close()
        await _closed(writer)

    # The machinery

    async def _client(self, number: int) -> _Client:
        """The client of that number, connected now if it is not."""
        client = self._clients.get(number)
        if client is not None and (client.peer.ending is None or client.trusted):
            return client
        peer = self._daemon.client(f"client {number}")
        try:
            await peer.connect()
        except (OSError, PeerTimeout) as problem:
            raise _Trouble("unwell", f"a new client is not let in: {problem}") from None
        client = self._clients[number] = _Client(peer)
        return client

    async def _forget(self, number: int) -> None:
        client = self._clients.pop(number)
        await client.peer.close()

    async def _await_replies(self, client: _Client) -> None:
        if not (client.trusted and client.reading):
            return
        for number in client.unanswered:
            try:
                await client.peer.reply_to(number)
            except PeerTimeout as problem:
                raise _Trouble("unanswered", str(problem)) from None
            except ConnectionEnded as problem:
                raise _Trouble("closed", str(problem)) from None
        client.unanswered.clear()


def _poke(number: int) -> bytes:
    root = Poke().to_element()
    root.set(Attr.MESSAGE_ID, str(number))
    root.set(Attr.MESSAGE_TYPE, MessageType.REQUEST)
    frame = build_frame(serialise(root))
    return frame.header.pack() + frame.payload


def _pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[start:end] for start, end in pairwise(places)]


def _hello(key: bytes) -> bytes:
    """The ClientHello that GnuTLS makes for *key*."""
    session = TLSSession(ClientCredentials(DEFAULT_IDENTITY, key))
    session.start()
    try:
        return session.data_to_send()
    finally:
        session.close()


async def _closed(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        await writer.wait_closed()
