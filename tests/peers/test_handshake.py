# SPDX-License-Identifier: GPL-2.0-or-later
"""Who gets a TLS session and who does not, and how that looks from both ends."""

import asyncio
import time

import pytest

from fixtures.peers import (
    RELEASES,
    EndingKind,
    FakeCluster,
    FakeRemote,
    HandshakeFailed,
    Misbehaviour,
    PeerTimeout,
    wrong_keys,
)
from fixtures.peers.keys import AnyKeySession
from fixtures.tls import ClientCredentials, ServerCredentials, TLSSession

from .helpers import KEY, hang_up, serving

TLS_1_2 = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-PSK"
TLS_1_3 = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+DHE-PSK:+PSK"
PLAINTEXT_CLOSE_NOTIFY = bytes.fromhex("15030300020100")


async def attempt(
    remote: FakeRemote, *, key: bytes = KEY, identity: bytes = b"lrmd", priority: str = TLS_1_3
) -> FakeCluster:
    cluster = FakeCluster(remote.host, remote.port, key=key, identity=identity, priority=priority)
    async with cluster:
        await cluster.register()
    return cluster


@pytest.mark.parametrize("key", [b"k" * 64, b"k" * 256, KEY, KEY + b"\n"], ids=len)
@pytest.mark.parametrize(("priority", "protocol"), [(TLS_1_3, "TLS1.3"), (TLS_1_2, "TLS1.2")])
async def test_the_same_key_opens_a_session(key: bytes, priority: str, protocol: str) -> None:
    async with FakeRemote(key) as remote:
        cluster = await attempt(remote, key=key, priority=priority)
        client = await remote.next_client()

    assert cluster.info.protocol == protocol
    assert client.info is not None
    assert client.info.identity == b"lrmd"


@pytest.mark.parametrize("wrong", wrong_keys(KEY).values(), ids=list(wrong_keys(KEY)))
@pytest.mark.parametrize("priority", [TLS_1_3, TLS_1_2])
async def test_a_wrong_key_is_refused_by_close_notify_in_the_clear(
    remote: FakeRemote, wrong: bytes, priority: str
) -> None:
    with pytest.raises(HandshakeFailed) as raised:
        await attempt(remote, key=wrong, priority=priority)

    assert raised.value.ending.kind is EndingKind.CLOSE_NOTIFY
    assert raised.value.ending.handshake
    assert raised.value.error is not None
    await remote.until(lambda: remote.refused, "refused client")
    assert [ending.kind for ending in remote.refused] == [EndingKind.FAULT]
    assert remote.clients == []


@pytest.mark.parametrize("identity", [b"LRMD", b"root", b"lrmd\0"])
async def test_another_identity_is_refused_by_the_newest_release(
    remote: FakeRemote, identity: bytes
) -> None:
    with pytest.raises(HandshakeFailed):
        await attempt(remote, identity=identity)


async def test_another_identity_is_accepted_by_older_releases() -> None:
    async with FakeRemote(KEY, release=RELEASES["3.0.1"]) as remote:
        await attempt(remote, identity=b"xyz")
        client = await remote.next_client()

    assert client.info is not None
    assert client.info.identity == b"xyz"


async def test_plain_text_gets_close_notify_and_fin(remote: FakeRemote) -> None:
    reader, writer = await asyncio.open_connection(remote.host, remote.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")

    answer = await asyncio.wait_for(reader.read(), 5)

    assert answer == PLAINTEXT_CLOSE_NOTIFY
    await hang_up(writer)


async def test_a_silent_client_is_sent_away_in_time() -> None:
    async with FakeRemote(KEY, pace=0.02) as remote:
        started = time.monotonic()
        reader, writer = await asyncio.open_connection(remote.host, remote.port)

        answer = await asyncio.wait_for(reader.read(), 5)

        assert answer == PLAINTEXT_CLOSE_NOTIFY
        assert 0.2 <= time.monotonic() - started < 2
        assert "authentication timed out after 0.2 s" in str(remote.refused[0])
        await hang_up(writer)


async def test_the_time_limit_ends_with_the_handshake() -> None:
    async with FakeRemote(KEY, pace=0.02) as remote:
        cluster = FakeCluster(remote.host, remote.port, key=KEY)
        async with cluster:
            await cluster.register()
            _, writer = await asyncio.open_connection(remote.host, remote.port)
            await remote.until(lambda: remote.refused, "client that was too slow")

            assert (await cluster.poke()).ok

        await hang_up(writer)


async def test_a_server_that_says_nothing_is_a_time_out() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)

    async with serving(say_nothing) as port:
        cluster = FakeCluster("127.0.0.1", port, key=KEY)

        with pytest.raises(PeerTimeout, match=r"no TLS session within 0\.1 s"):
            await cluster.connect(timeout=0.1)

        assert (await cluster.wait_closed()).kind is EndingKind.LOCAL


@pytest.mark.parametrize(
    ("answer", "kind", "alert"),
    [
        (b"", EndingKind.FIN, None),
        (PLAINTEXT_CLOSE_NOTIFY, EndingKind.CLOSE_NOTIFY, "close_notify"),
        (bytes.fromhex("15030300020228"), EndingKind.FATAL_ALERT, "handshake_failure"),
        (b"220 mail.example.com ESMTP\r\n", EndingKind.FAULT, None),
    ],
)
async def test_how_a_server_ends_the_handshake_is_told(
    answer: bytes, kind: EndingKind, alert: str | None
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(answer)
        writer.close()

    async with serving(refuse) as port:
        with pytest.raises(HandshakeFailed) as raised:
            await FakeCluster("127.0.0.1", port, key=KEY).connect()

    assert raised.value.ending.kind is kind
    assert raised.value.ending.alert == alert
    assert raised.value.ending.handshake


async def test_nobody_listening_is_an_error_of_tcp() -> None:
    async with FakeRemote(KEY) as remote:
        port = remote.port

    with pytest.raises(ConnectionRefusedError):
        await FakeCluster("127.0.0.1", port, key=KEY).connect()


@pytest.mark.parametrize("wrong", wrong_keys(KEY).values(), ids=list(wrong_keys(KEY)))
async def test_accept_any_key_lets_wrong_keys_in(wrong: bytes) -> None:
    async with FakeRemote(KEY, misbehaviour=Misbehaviour(accept_any_key=True)) as remote:
        await attempt(remote, key=wrong)
        await attempt(remote)

        assert remote.refused == []


def test_accept_any_key_copes_with_a_first_message_in_pieces() -> None:
    keys = [KEY, *wrong_keys(KEY).values()]
    client = TLSSession(ClientCredentials(b"lrmd", keys[-1]))
    server = AnyKeySession(keys, lambda key: TLSSession(ServerCredentials(lambda identity: key)))
    client.start()

    for byte in client.data_to_send():
        server.receive_data(bytes([byte]))
    client.receive_data(server.data_to_send())
    server.receive_data(client.data_to_send())

    assert client.established
    assert server.established
    client.close()
    server.close()


async def test_accept_any_key_still_minds_the_identity() -> None:
    async with FakeRemote(KEY, misbehaviour=Misbehaviour(accept_any_key=True)) as remote:
        with pytest.raises(HandshakeFailed):
            await attempt(remote, identity=b"root")


async def test_ignore_identity_rule_lets_anybody_in() -> None:
    async with FakeRemote(KEY, misbehaviour=Misbehaviour(ignore_identity_rule=True)) as remote:
        await attempt(remote, identity=b"root")


@pytest.mark.parametrize(
    ("switch", "fits", "refused"),
    [("tls13_only", TLS_1_3, TLS_1_2), ("tls12_only", TLS_1_2, TLS_1_3)],
)
async def test_a_daemon_of_one_tls_version_refuses_the_other(
    switch: str, fits: str, refused: str
) -> None:
    async with FakeRemote(KEY, misbehaviour=Misbehaviour.parse(switch)) as remote:
        await attempt(remote, priority=fits)
        with pytest.raises(HandshakeFailed):
            await attempt(remote, priority=refused)


def test_wrong_keys_are_all_different_and_wrong() -> None:
    keys = wrong_keys(KEY)

    assert len({KEY, *keys.values()}) == len(keys) + 1
    with pytest.raises(ValueError, match="at least two bytes"):
        wrong_keys(b"k")
