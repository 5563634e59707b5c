# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of the IPC proxy arrange: a provider, and local clients that have a session there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lxml import etree

from fixtures.peers import CLIENT_RESPONSE, FakeCluster, LocalClient, LocalRefused
from fixtures.wire import ProxyNotify, ProxyOp

from .under_test import Daemon

#: Local names, and what the provider is told is opened (upstream gives cib_shm the handlers of
#: cib_rw, and each handler the name that it announces).
SERVERS = {
    "cib_ro": "cib_ro",
    "cib_rw": "cib_rw",
    "cib_shm": "cib_rw",
    "attrd": "attrd",
    "crmd": "crmd",
    "stonith-ng": "stonith-ng",
}


@asynccontextmanager
async def provider(daemon: Daemon, name: str = "provider") -> AsyncIterator[FakeCluster]:
    """A client that carries the daemon's local IPC, as a controller does."""
    async with daemon.client(name) as client:
        reply = await client.register(is_ipc_provider=True)
        assert reply.rc == 0
        yield client


@dataclass(frozen=True)
class Session:
    """A local client, and the id of its session at the provider."""

    local: LocalClient
    id: str
    provider: FakeCluster

    async def ask(
        self, message_id: int, payload: bytes, flags: int = CLIENT_RESPONSE
    ) -> ProxyNotify:
        """Send something, and return it as the provider sees it."""
        self.local.send(message_id, payload, flags)
        return await self.next_request()

    async def next_request(self) -> ProxyNotify:
        """What the provider is told next that this local client sent."""
        return await told(self.provider, ProxyOp.REQUEST, self.id)


@asynccontextmanager
async def session(
    daemon: Daemon, provider: FakeCluster, server: str = "attrd", user: str = "root"
) -> AsyncIterator[Session]:
    """A local client whose session is at *provider*."""
    async with await daemon.local(server, user) as local:
        new = await told(provider, ProxyOp.NEW)
        yield Session(local, new.session, provider)


async def told(
    provider: FakeCluster, ipc_op: ProxyOp, session_id: str | None = None
) -> ProxyNotify:
    """What the provider is told next of this kind, and of this session if it is given."""
    return await provider.next_notify(
        ProxyNotify,
        lambda notify: notify.ipc_op == ipc_op and session_id in (None, notify.session),
    )


async def refusal(daemon: Daemon, server: str, user: str = "root") -> int | None:
    """The errno with which a local name is refused; ``None`` if it is opened."""
    try:
        local = await daemon.local(server, user)
    except LocalRefused as refused:
        return refused.error
    await local.close()
    return None


def same_xml(one: bytes | None, other: bytes) -> bool:
    """Whether two texts are the same document; how it is quoted does not matter."""
    return one is not None and etree.canonicalize(one.decode()) == etree.canonicalize(
        other.decode()
    )
