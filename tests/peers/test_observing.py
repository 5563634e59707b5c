# SPDX-License-Identifier: GPL-2.0-or-later
"""Taps see everything, and errors say what was seen."""

import asyncio

import pytest

from fixtures.peers import (
    Direction,
    EndingKind,
    FakeCluster,
    FakeRemote,
    HandshakeFailed,
    PeerTimeout,
)
from fixtures.peers.waiting import Signal
from fixtures.wire import MAX_RECORD_SIZE, Exec, Poke, build_frame

from .helpers import KEY, Join, Witness


async def test_taps_of_both_sides_see_the_same() -> None:
    witnesses: list[Witness] = []

    def watch(label: str) -> list[Witness]:
        assert label == "client 1"
        witnesses.append(Witness())
        return witnesses

    here = Witness()
    async with FakeRemote(KEY, taps=watch) as remote:
        async with FakeCluster(remote.host, remote.port, key=KEY, taps=[here]) as cluster:
            await cluster.register()
        await remote.until(lambda: not remote.clients, "end of the client")
    [there] = witnesses

    assert here.calls[0] == there.calls[0] == "opened"
    assert here.calls[-1] == there.calls[-1] == "closed"
    assert (here.local, here.remote) == (there.remote, there.local)
    assert here.remote[1] == remote.port
    assert here.wire[Direction.SENT] == there.wire[Direction.RECEIVED]
    # The answer to a good-bye is a good-bye; it comes when the client has closed its socket.
    read, sent = here.wire[Direction.RECEIVED], there.wire[Direction.SENT]
    assert sent.startswith(read)
    assert len(record_sizes(sent)) == len(record_sizes(read)) + 1
    assert [xml for _, _, xml in here.messages] == [xml for _, _, xml in there.messages]
    assert [direction for direction, _, _ in here.messages] == [Direction.SENT, Direction.RECEIVED]
    assert {line.split()[0] for line in here.secrets} == {line.split()[0] for line in there.secrets}
    assert here.ending is not None
    assert here.ending.kind is EndingKind.LOCAL
    assert there.ending is not None
    assert there.ending.kind is EndingKind.CLOSE_NOTIFY


async def test_taps_see_a_handshake_that_fails(remote: FakeRemote) -> None:
    witness = Witness()

    with pytest.raises(HandshakeFailed):
        await FakeCluster(remote.host, remote.port, key=b"wrong", taps=[witness]).connect()

    assert witness.wire[Direction.RECEIVED] == bytes.fromhex("15030300020100")
    assert witness.messages == []
    assert witness.ending is not None
    assert witness.ending.handshake


async def test_taps_are_told_of_raw_records(remote: FakeRemote) -> None:
    witness = Witness()
    async with FakeCluster(remote.host, remote.port, key=KEY, taps=[witness]) as cluster:
        cluster.send_records([b"x" * 40, b"y"])

    assert witness.notes == ["sent raw records of [40, 1] bytes"]


async def test_header_and_payload_are_records_of_their_own(remote: FakeRemote) -> None:
    witness = Witness()
    async with FakeCluster(remote.host, remote.port, key=KEY, taps=[witness]) as cluster:
        await cluster.register()
        before = len(witness.wire[Direction.SENT])
        cluster.send(Exec(resource_id="no", action="start", userdata="x" * 20_000))
        sent = witness.wire[Direction.SENT][before:]

    overhead = 17  # of a TLS 1.3 record: content type and authentication tag
    sizes = [size - overhead for size in record_sizes(sent)]
    assert sizes[:2] == [40, MAX_RECORD_SIZE]
    assert len(sizes) == 3


def record_sizes(stream: bytes) -> list[int]:
    """Return the lengths of the TLS records in a stream."""
    sizes = []
    while stream:
        size = int.from_bytes(stream[3:5], "big")
        sizes.append(size)
        stream = stream[5 + size :]
    return sizes


async def test_a_time_out_tells_what_was_seen(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)

    with pytest.raises(PeerTimeout) as raised:
        await cluster.request(Poke(addressee="nobody"), timeout=0.05)

    assert raised.value.seconds == 0.05
    assert raised.value.awaited == "reply to request 2"
    text = str(raised.value)
    assert text.startswith(
        "no reply to request 2 within 0.05 s; last seen:\n  connected 127.0.0.1:"
    )
    assert 'sent <lrmd_command t="nobody"' in text
    assert "received <lrmd_reply" in text


async def test_a_time_out_tells_of_messages_that_could_not_be_read(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    frame = build_frame(b'<lrmd_notify lrmd_rsc_userdata_str="a & b"/>')
    remote.clients[0].link.send_frame(frame.header, frame.payload)

    with pytest.raises(PeerTimeout, match="the last message is unusable: payload is"):
        await cluster.completion(1, timeout=0.05)


async def test_a_long_message_is_cut_in_an_error(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)

    with pytest.raises(PeerTimeout, match=r"\.\.\. \(\d{6} characters\)") as raised:
        await cluster.request(Poke(addressee="nobody", client_name="x" * 200_000), timeout=0.5)

    assert len(str(raised.value)) < 5000


async def test_waiting_looks_again_at_each_signal() -> None:
    signal = Signal()
    values = iter([None, None, "here"])
    waiting = asyncio.create_task(signal.until(lambda: next(values), "value", 5))
    await asyncio.sleep(0)

    signal.fire()
    await asyncio.sleep(0)
    assert not waiting.done()
    signal.fire()

    assert await waiting == "here"


async def test_nothing_seen_is_said() -> None:
    with pytest.raises(PeerTimeout, match=r"no sign of life within 0\.01 s; last seen:\n  nothing"):
        await Signal().until(lambda: None, "sign of life", 0.01)


async def test_a_client_that_was_never_connected_says_so() -> None:
    cluster = FakeCluster("127.0.0.1", key=KEY)

    with pytest.raises(RuntimeError, match="no TLS session yet"):
        _ = cluster.info
    with pytest.raises(RuntimeError, match=r"connect\(\) first"):
        cluster.send(Poke())
    await cluster.close()


async def test_a_client_can_be_awaited(remote: FakeRemote, join: Join) -> None:
    await join(remote, "a")
    await join(remote, "b")

    names = [(await remote.next_client()).name for _ in range(2)]

    assert names == ["a", "b"]
