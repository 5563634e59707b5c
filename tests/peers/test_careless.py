# SPDX-License-Identifier: GPL-2.0-or-later
"""A fake daemon whose TLS is careless in one thing, and a client that finds out by hand."""

from collections.abc import Callable

import pytest

from fixtures.peers import EndingKind, FakeCluster, FakeRemote, HandshakeFailed, Misbehaviour
from fixtures.tls.hostile import Client13, HostileSession, Script
from fixtures.tls.hostile.mangle import flip
from fixtures.wire import NewClientNotify

from .helpers import KEY, Join, Witness, notified


def attacker(remote: FakeRemote, client: Client13, script: Script | None = None) -> FakeCluster:
    session = HostileSession(client, script or client.handshake())
    return FakeCluster(remote.host, remote.port, key=KEY, session=lambda keylog: session)


def forged_binder(client: Client13) -> Script:
    yield client.send_hello(flip(client.bind(client.next_hello().pack())))
    yield from client.server_flight()


def hello_in_pieces(client: Client13) -> Script:
    yield client.send_hello(client.bind(client.next_hello().pack()), fragment=100)
    yield from client.server_flight()
    yield client.finished()


async def test_a_client_that_is_driven_by_hand_is_served_like_any_other(
    remote: FakeRemote,
) -> None:
    async with attacker(remote, Client13(b"lrmd", KEY)) as cluster:
        assert cluster.info.protocol == "TLS1.3"
        assert (await cluster.register()).rc == 0
        assert (await cluster.poke()).rc == 0
    assert cluster.ending is not None
    assert cluster.ending.kind is EndingKind.LOCAL


async def test_what_a_client_driven_by_hand_says_is_evidence(remote: FakeRemote) -> None:
    witness = Witness()

    def make(keylog: Callable[[str], None]) -> HostileSession:
        client = Client13(b"lrmd", KEY, keylog=keylog)
        return HostileSession(client, client.handshake())

    cluster = FakeCluster(remote.host, remote.port, key=KEY, session=make, taps=[witness])
    async with cluster:
        await cluster.register()
    assert len(witness.secrets) == 4
    assert witness.messages
    assert witness.calls[0] == "opened"
    assert witness.calls[-1] == "closed"


async def test_a_forgery_is_refused(remote: FakeRemote) -> None:
    client = Client13(b"lrmd", KEY)
    with pytest.raises(HandshakeFailed) as raised:
        await attacker(remote, client, forged_binder(client)).connect()
    assert raised.value.ending.kind is EndingKind.CLOSE_NOTIFY
    assert raised.value.ending.handshake


async def test_a_forgery_is_ignored() -> None:
    bugs = Misbehaviour(ignore_tls_faults=True)
    async with FakeRemote(KEY, misbehaviour=bugs, pace=0.02) as remote:
        client = Client13(b"lrmd", KEY)
        with pytest.raises(HandshakeFailed) as raised:
            await attacker(remote, client, forged_binder(client)).connect()
    assert raised.value.ending.kind is EndingKind.FIN  # of the time-out, and without a word
    assert client.seen == []


@pytest.mark.parametrize("careless", [False, True])
async def test_a_hello_in_pieces(careless: bool) -> None:
    bugs = Misbehaviour(take_records_for_messages=careless)
    async with FakeRemote(KEY, misbehaviour=bugs) as remote:
        client = Client13(b"lrmd", KEY)
        cluster = attacker(remote, client, hello_in_pieces(client))
        if careless:
            with pytest.raises(HandshakeFailed):
                await cluster.connect()
        else:
            async with cluster:
                assert (await cluster.register()).rc == 0


@pytest.mark.parametrize("careless", [False, True])
async def test_a_hello_without_a_share(careless: bool) -> None:
    bugs = Misbehaviour(never_ask_again=careless)
    async with FakeRemote(KEY, misbehaviour=bugs) as remote:
        client = Client13(b"lrmd", KEY, shares=())
        cluster = attacker(remote, client)
        if careless:
            with pytest.raises(HandshakeFailed):
                await cluster.connect()
        else:
            async with cluster:
                assert (await cluster.register()).rc == 0
        assert (client.retry is None) == careless


@pytest.mark.parametrize("too_early", [False, True])
async def test_who_is_refused_is_announced_too_early_or_never(join: Join, too_early: bool) -> None:
    bugs = Misbehaviour(announce_before_handshake=too_early)
    async with FakeRemote(KEY, misbehaviour=bugs) as remote:
        cluster = await join(remote)
        client = Client13(b"lrmd", KEY)
        with pytest.raises(HandshakeFailed):
            await attacker(remote, client, forged_binder(client)).connect()
        await cluster.poke()
        told = [n for n in notified(cluster.events) if isinstance(n, NewClientNotify)]
        assert len(told) == too_early
        await cluster.close()
