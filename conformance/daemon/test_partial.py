# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of which only a part comes: then silence, then the rest, or the end."""

from __future__ import annotations

import asyncio

import pytest

from conformance.deviation import Deviation, check
from fixtures.peers import FakeCluster, PeerTimeout
from fixtures.wire import HEADER_SIZE, Poke, ResourceInfo

from .conftest import StartDaemon
from .raw import check_not_executed, frame_of, unused_id, whole
from .under_test import Daemon

ENODEV = -19
#: Seconds after which releases up to 2.1 no longer wait for the rest of a message.
PATIENCE = 60.0

#: Bytes of header and payload that come at first.
CUTS = {"in the header": (20, 0), "after the header": (40, 0), "in the payload": (40, 60)}


async def answered_promptly(client: FakeCluster) -> None:
    """An answer as from a daemon that has nothing else to do."""
    try:
        await client.request(ResourceInfo(resource_id="nothing"), timeout=client.patience / 2)
    except PeerTimeout:
        raise Deviation("other clients are answered promptly", "one is not answered") from None


@pytest.mark.requirement("FRM-022")
@pytest.mark.killed_by("blocks_on_partial_message")
@pytest.mark.parametrize(
    "where",
    [
        pytest.param("in the header", marks=pytest.mark.killed_by("needs_whole_header")),
        "after the header",
        pytest.param("in the payload", marks=pytest.mark.killed_by("loses_cut_payload")),
    ],
)
async def test_half_a_message_delays_nobody_else(start_daemon: StartDaemon, where: str) -> None:
    daemon = await start_daemon()
    async with daemon.client("half") as half, daemon.client("other") as other:
        message_id, frame = half.prepare(ResourceInfo(resource_id="nothing"))
        header, payload = frame.header.pack(), frame.payload
        first, second = CUTS[where]
        half.send_records([piece for piece in [header[:first], payload[:second]] if piece])
        for _ in range(5):
            await answered_promptly(other)
        half.send_records([piece for piece in [header[first:], payload[second:]] if piece])
        reply = await half.reply_to(message_id)
        check(reply.rc == ENODEV, expected="the rest is taken, too", actual=str(reply))
        await daemon.check_well(other)


@pytest.mark.requirement("FRM-023")
@pytest.mark.killed_by("executes_fragment_in_time", "blocks_on_partial_message")
@pytest.mark.waits(PATIENCE + 2)
async def test_fragment_is_not_executed_after_a_long_silence(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    resource_id = unused_id()
    async with daemon.client("half") as half, daemon.client("other") as other:
        frame = frame_of(resource_id)
        half.send_records([frame.header.pack(), frame.payload[:-20]])
        await asyncio.sleep(daemon.seconds(PATIENCE + 1))  # there is no sign of giving up
        await check_not_executed(daemon, other, resource_id)


@pytest.mark.requirement("FRM-023")
@pytest.mark.killed_by("executes_fragment_at_end", "dies_of_truncated_message")
@pytest.mark.parametrize("missing", [1, 2, 20, 40])
async def test_fragment_is_not_executed_when_its_sender_goes(daemon: Daemon, missing: int) -> None:
    resource_id = unused_id()
    async with daemon.client("other") as other:
        async with daemon.client("half") as half:
            await half.poke()  # now all that the handshake brings is read, and the end no reset
            frame = frame_of(resource_id)
            half.send_records([frame.header.pack(), frame.payload[:-missing]])
        await check_not_executed(daemon, other, resource_id)


@pytest.mark.requirement("NEG-008")
@pytest.mark.killed_by("dies_of_truncated_message")
async def test_truncated_messages_are_survived(daemon: Daemon) -> None:
    async with daemon.client("other") as other:
        async with daemon.client() as client:
            _, frame = client.prepare(Poke())
        size = len(whole(frame))
        header, payload = range(1, HEADER_SIZE, 5), range(HEADER_SIZE, size, (size - 40) // 16)
        for cut in [*header, *payload, size - 1]:
            async with daemon.client() as client:
                await client.poke()
                client.send_records([whole(frame)[:cut]])
        await daemon.settle(other)
