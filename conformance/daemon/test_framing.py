# SPDX-License-Identifier: GPL-2.0-or-later
"""How messages may be cut into TLS records, and what a large one may hold.

A message leaves as its header in one record and its payload in others. Everything else here is
unusual, but TLS promises a stream of bytes, so where it is cut should not matter.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.deviation import Deviation, check
from fixtures.peers import FakeCluster, PeerTimeout
from fixtures.wire import ByteOrder, Poke, ReplyReceived, ResourceInfo

from .raw import whole
from .under_test import Daemon

ENODEV = -19
#: Seconds for an answer of a daemon that has nothing else to do.
GRACE = 2.0
#: More than a TLS record holds, in both directions.
LARGE = 200_000

both_orders = pytest.mark.parametrize(
    "order", list(ByteOrder), ids=lambda order: order.name.lower()
)


async def answered(client: FakeCluster, message_id: int, how: str) -> None:
    """The reply to a question about an unknown resource, which shows that it was understood."""
    try:
        reply = await client.reply_to(message_id, timeout=GRACE)
    except PeerTimeout:
        raise Deviation(f"an answer to a message {how}", "it is not answered") from None
    check(reply.rc == ENODEV, expected="return code -19 (ENODEV)", actual=str(reply))


@pytest.mark.requirement("FRM-010")
@pytest.mark.killed_by("needs_whole_header", "loses_cut_payload")
@both_orders
async def test_message_may_be_cut_anywhere(daemon: Daemon, order: ByteOrder) -> None:
    async with daemon.client(order=order) as client:
        await client.resource_info("x" * 1000)  # now the daemon reads more than 80 bytes at once
        _, frame = client.prepare(ResourceInfo(resource_id="nothing"))
        for cut in range(1, len(whole(frame))):
            message_id, frame = client.prepare(ResourceInfo(resource_id="nothing"))
            message = whole(frame)
            client.send_records([message[:cut], message[cut:]])
            await answered(client, message_id, f"cut after {cut} bytes")


@pytest.mark.requirement("FRM-010")
@pytest.mark.killed_by("needs_whole_header", "loses_cut_payload")
@both_orders
async def test_message_may_come_byte_by_byte(daemon: Daemon, order: ByteOrder) -> None:
    async with daemon.client(order=order) as client:
        message_id, frame = client.prepare(ResourceInfo(resource_id="nothing"))
        client.send_records([bytes([byte]) for byte in whole(frame)])
        reply = await client.reply_to(message_id)
        check(reply.rc == ENODEV, expected="return code -19 (ENODEV)", actual=str(reply))


@pytest.mark.requirement("FRM-006", "FRM-011")
@pytest.mark.killed_by("loses_cut_payload")
@pytest.mark.parametrize("size", [1, 100, 16383])
async def test_payload_may_come_in_small_records(daemon: Daemon, size: int) -> None:
    async with daemon.client() as client:
        message_id, frame = client.prepare(ResourceInfo(resource_id="n" * size * 3))
        pieces = [frame.payload[at : at + size] for at in range(0, len(frame.payload), size)]
        client.send_records([frame.header.pack(), *pieces])
        reply = await client.reply_to(message_id)
        check(reply.rc == ENODEV, expected="return code -19 (ENODEV)", actual=str(reply))


@pytest.mark.requirement("FRM-007")
@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(0, marks=pytest.mark.killed_by("stalls_on_single_record")),
        pytest.param(20, marks=pytest.mark.killed_by("needs_whole_header")),
    ],
    ids=["one-record", "half-header-first"],
)
async def test_header_and_payload_may_share_a_record(daemon: Daemon, cut: int) -> None:
    async with daemon.client() as client:
        message_id, frame = client.prepare(ResourceInfo(resource_id="nothing"))
        message = whole(frame)
        client.send_records([piece for piece in (message[:cut], message[cut:]) if piece])
        await answered(client, message_id, "whose header and payload share a record")


@pytest.mark.requirement("FRM-008")
@pytest.mark.killed_by("loses_second_of_coalesced", "stalls_on_single_record")
@pytest.mark.parametrize("number", [2, 5])
async def test_messages_may_share_a_record(daemon: Daemon, number: int) -> None:
    async with daemon.client() as client:
        await client.resource_info("x" * 5000)  # so that all of them fit what is read at once
        prepared = [client.prepare(ResourceInfo(resource_id="nothing")) for _ in range(number)]
        client.send_records([b"".join(whole(frame) for _, frame in prepared)])
        for place, (message_id, _) in enumerate(prepared, 1):
            await answered(client, message_id, f"that is number {place} of {number} in a record")


@pytest.mark.requirement("FRM-003", "FRM-009")
@pytest.mark.killed_by("ignores_big_endian")
async def test_byte_order_may_change_from_message_to_message(daemon: Daemon) -> None:
    async with daemon.client() as client:
        prepared = [client.prepare(Poke()) for _ in range(20)]
        for number, (_, frame) in enumerate(prepared):
            order = list(ByteOrder)[number % 2]
            client.send_frame(replace(frame.header, order=order), frame.payload)
        for message_id, _ in prepared:
            await client.reply_to(message_id)
        order = [event.message_id for event in client.events if isinstance(event, ReplyReceived)]
    check(
        order == [message_id for message_id, _ in prepared],
        expected="all are answered in order",
        actual=f"answered were {order}",
    )


@pytest.mark.requirement("FRM-011", "FRM-013")
@pytest.mark.parametrize(
    "size",
    [
        100,
        16384,
        pytest.param(16385, marks=pytest.mark.killed_by("cuts_long_attributes")),
        pytest.param(
            LARGE,
            marks=pytest.mark.killed_by("cuts_long_attributes", "compresses_large_replies"),
        ),
    ],
)
async def test_large_messages_arrive_whole_and_plain(daemon: Daemon, size: int) -> None:
    agent = "".join(chr(ord("a") + number % 26) for number in range(size))
    async with daemon.client() as client:
        assert (await client.resource_register("large", agent=agent)).rc == 0
        before = len(client.events)
        info = await client.resource_info("large")
        await client.unregister("large")
        (event,) = client.events[before : before + 1]
    assert isinstance(event, ReplyReceived)
    found = info.attributes.get("lrmd_type", "")
    check(
        found == agent,
        expected=f"the {size} characters that were sent",
        actual=f"{len(found)} characters, the same up to number {common_prefix(found, agent)}",
    )
    check(
        event.header.payload_compressed == 0,
        expected="a reply that is not compressed",
        actual=str(event.header),
    )


def common_prefix(one: str, other: str) -> int:
    """The number of leading characters that both texts share."""
    for number, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return number
    return min(len(one), len(other))
