# SPDX-License-Identifier: GPL-2.0-or-later
"""A fake daemon, and clients that are closed at the end of the test."""

from collections.abc import AsyncIterator

import pytest

from fixtures.peers import FakeCluster, FakeRemote

from .helpers import KEY, Join


@pytest.fixture
async def remote() -> AsyncIterator[FakeRemote]:
    """A well-behaved fake daemon of the newest release."""
    async with FakeRemote(KEY) as remote:
        yield remote


@pytest.fixture
async def join() -> AsyncIterator[Join]:
    """Connect a client to a fake daemon, and register it under its name unless that is empty."""
    clients: list[FakeCluster] = []

    async def join(remote: FakeRemote, name: str = "a", *, provider: bool = False) -> FakeCluster:
        client = FakeCluster(remote.host, remote.port, key=KEY, client_name=name)
        clients.append(await client.connect())
        if name:
            await client.register(is_ipc_provider=provider)
        return client

    yield join
    for client in clients:
        await client.close()
