# SPDX-License-Identifier: GPL-2.0-or-later
"""How an established connection ends, as both sides see it."""

import asyncio
import errno

import pytest

from fixtures.peers import (
    ConnectionEnded,
    Ending,
    EndingKind,
    FakeCluster,
    FakeRemote,
)
from fixtures.peers.endings import ending_of_error, ending_of_loss
from fixtures.peers.transport import Link
from fixtures.tls import ClientCredentials, HandshakeEnding, TLSError, TLSSession
from fixtures.wire import BadMagic, Connection, Header, Poke, ResourceInfo, Role

from .helpers import KEY, Join, Witness


@pytest.mark.parametrize(
    ("how", "kind"),
    [("close", EndingKind.CLOSE_NOTIFY), ("drop", EndingKind.FIN), ("reset", EndingKind.RST)],
)
async def test_how_the_daemon_ends_is_told(
    remote: FakeRemote, join: Join, how: str, kind: EndingKind
) -> None:
    cluster = await join(remote)
    client = remote.clients[0]

    getattr(client.link, how)()
    ending = await cluster.wait_closed()
    await remote.until(lambda: client.ending, "end on the daemon's side")

    assert ending == Ending(kind)
    assert client.ending == Ending(EndingKind.LOCAL)


@pytest.mark.parametrize(
    ("how", "kind"),
    [("close", EndingKind.CLOSE_NOTIFY), ("drop", EndingKind.FIN), ("reset", EndingKind.RST)],
)
async def test_how_the_cluster_ends_is_told(
    remote: FakeRemote, join: Join, how: str, kind: EndingKind
) -> None:
    cluster = await join(remote)
    client = remote.clients[0]

    result = getattr(cluster, how)()
    if how == "close":
        await result
    await remote.until(lambda: client.ending, "end on the daemon's side")

    assert client.ending == Ending(kind)
    assert await cluster.wait_closed() == Ending(EndingKind.LOCAL)
    assert remote.clients == []


async def test_the_first_ending_counts(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)

    remote.clients[0].link.close()
    remote.clients[0].link.reset()

    assert (await cluster.wait_closed()).kind in {EndingKind.CLOSE_NOTIFY, EndingKind.RST}


async def test_a_wrong_header_ends_the_connection(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    client = remote.clients[0]

    cluster.send_frame(Header(magic=0xDEADBEEF, size_total=80, payload_uncompressed=40), b"x" * 40)

    assert (await cluster.wait_closed()).kind is EndingKind.CLOSE_NOTIFY
    assert client.ending is not None
    assert client.ending.kind is EndingKind.FAULT
    assert "magic" in client.ending.detail


async def test_a_wrong_header_of_the_daemon_is_seen(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)

    remote.clients[0].link.send_frame(
        Header(magic=0xDEADBEEF, size_total=40, payload_uncompressed=0), b""
    )
    ending = await cluster.wait_closed()

    assert ending.kind is EndingKind.FAULT
    assert isinstance(getattr(cluster.events[-1], "error", None), BadMagic)


async def test_a_wait_ends_with_the_connection(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    waiting = asyncio.create_task(cluster.completion(1))
    await cluster.poke()

    remote.clients[0].link.drop()

    with pytest.raises(
        ConnectionEnded, match="no ExecNotify that was wanted: the connection ended by FIN"
    ):
        await waiting


async def test_what_has_arrived_is_found_after_the_end(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    message_id = cluster.send(Poke())
    await remote.next_request(Poke)
    remote.clients[0].link.close()
    await cluster.wait_closed()

    assert (await cluster.reply_to(message_id)).rc == 0


async def test_sending_after_the_end_is_an_error(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    remote.clients[0].link.drop()
    await cluster.wait_closed()

    for send in (
        lambda: cluster.send(Poke()),
        lambda: cluster.send_records([b"x"]),
        lambda: cluster.send_frame(Header(size_total=40, payload_uncompressed=0), b""),
    ):
        with pytest.raises(ConnectionEnded):
            send()


async def test_a_client_that_does_not_read_is_not_read_from(remote: FakeRemote, join: Join) -> None:
    cluster, other = await join(remote, ""), await join(remote, "")
    await other.resource_register("r", agent="x" * 1_000_000)
    cluster.pause_reading()

    for _ in range(5):
        for _ in range(10):
            cluster.send(ResourceInfo(resource_id="r"))
        await other.resource_info("barrier")

    assert len(remote.clients[0].requests) < 50
    cluster.resume_reading()
    await remote.until(lambda: len(remote.clients[0].requests) == 50, "rest of the requests")


async def test_a_connection_that_cannot_be_flushed_is_let_go(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    remote.clients[0].link.pause_reading()
    cluster.send_records([b"x" * 16384] * 2000)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(cluster.drain(), 0.05)
    await cluster.close(timeout=0.05)

    assert cluster.ending == Ending(EndingKind.LOCAL)


async def test_draining_ends_with_the_connection(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    remote.clients[0].link.pause_reading()
    cluster.send_records([b"x" * 16384] * 2000)
    draining = asyncio.create_task(cluster.drain())
    await asyncio.sleep(0)

    cluster.reset()

    await asyncio.wait_for(draining, 5)


async def test_a_link_that_was_dropped_before_it_was_connected_stays_silent(
    remote: FakeRemote,
) -> None:
    witness = Witness()
    cluster = FakeCluster(remote.host, remote.port, key=KEY)
    session = TLSSession(ClientCredentials(b"lrmd", KEY))
    link = Link(session, Connection(Role.CLUSTER), cluster, witness)
    link.drop()

    await asyncio.get_running_loop().create_connection(lambda: link, remote.host, remote.port)

    assert (await cluster.wait_closed()).kind is EndingKind.LOCAL
    assert witness.calls == ["closed"]


async def test_a_long_message_drains_when_it_is_read(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    cluster.send(ResourceInfo(resource_id="x" * 5_000_000))

    await asyncio.wait_for(cluster.drain(), 5)

    asked = await remote.next_request(ResourceInfo)
    assert len(asked.request.resource_id or "") == 5_000_000


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (Ending(EndingKind.FIN), "FIN"),
        (
            Ending(EndingKind.FATAL_ALERT, alert="bad_record_mac", handshake=True),
            "fatal alert bad_record_mac during the TLS handshake",
        ),
        (Ending(EndingKind.LOST, detail="No route to host"), "lost (No route to host)"),
    ],
)
def test_an_ending_reads_well(ending: Ending, text: str) -> None:
    assert str(ending) == text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (None, EndingKind.LOCAL),
        (ConnectionResetError(), EndingKind.RST),
        (BrokenPipeError(), EndingKind.RST),
        (OSError(errno.EHOSTUNREACH, "No route to host"), EndingKind.LOST),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), EndingKind.LOST),
    ],
)
def test_what_asyncio_loses_is_told_apart(error: Exception | None, kind: EndingKind) -> None:
    assert ending_of_loss(error, handshake=False).kind is kind


@pytest.mark.parametrize(
    ("tls", "kind", "handshake"),
    [
        (HandshakeEnding.CLOSE_NOTIFY, EndingKind.CLOSE_NOTIFY, True),
        (HandshakeEnding.FATAL_ALERT, EndingKind.FATAL_ALERT, True),
        (HandshakeEnding.EOF, EndingKind.FIN, True),
        (HandshakeEnding.LOCAL, EndingKind.FAULT, True),
        (None, EndingKind.FAULT, False),
    ],
)
def test_what_tls_reports_is_told_apart(
    tls: HandshakeEnding | None, kind: EndingKind, handshake: bool
) -> None:
    ending = ending_of_error(TLSError("x", rc=-1, name="N", handshake_ending=tls))

    assert (ending.kind, ending.handshake) == (kind, handshake)
