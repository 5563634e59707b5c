# SPDX-License-Identifier: GPL-2.0-or-later
"""Compressed messages: a release accepts bzip2, though none sends it.

The header tells both sizes, so it can lie about either.
"""

from __future__ import annotations

import base64
import bz2
from dataclasses import replace

import pytest

from conformance.deviation import Deviation, check
from fixtures.peers import ConnectionEnded, PeerTimeout
from fixtures.wire import HEADER_SIZE, ByteOrder, Frame, Poke, ResourceInfo

from .conftest import StartDaemon
from .raw import check_not_executed, frame_of, registration, unused_id
from .under_test import MEMORY_LIMIT_KIB, Daemon

ENODEV = -19
LARGEST = 2**32 - 1
#: ``bz2.compress(bytes(SIZE))``, which would take seconds: more zeros than a daemon may hold.
SIZE = 128 * 1024 * 1024
BOMB = base64.b64decode(
    "QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZDgni3wFfjkAAwAAACCAAMIBNRkKgJakK"
    "gJcxQVkmU1mB85rjAUTnQADEAAAIIAAwzAUpplRUQmxVFRCeLuSKcKEhS4+oQg=="
)

both_orders = pytest.mark.parametrize(
    "order", list(ByteOrder), ids=lambda order: order.name.lower()
)


def compressed(payload: bytes, announced: int, order: ByteOrder = ByteOrder.LITTLE) -> Frame:
    """A message whose payload says to be bzip2 of so many bytes."""
    header = replace(
        frame_of("x").header,
        order=order,
        size_total=HEADER_SIZE + len(payload),
        payload_compressed=len(payload),
        payload_uncompressed=announced,
    )
    return Frame(header, payload)


@pytest.mark.requirement("FRM-012")
@pytest.mark.killed_by("refuses_compression")
@both_orders
@pytest.mark.parametrize("length", [1, 100_000])
async def test_compressed_request_is_answered(
    daemon: Daemon, order: ByteOrder, length: int
) -> None:
    async with daemon.client() as client:
        request = ResourceInfo(resource_id="n" * length)
        message_id, frame = client.prepare(request, compress=True)
        client.send_frame(replace(frame.header, order=order), frame.payload)
        reply = await client.reply_to(message_id)
        check(reply.rc == ENODEV, expected="return code -19 (ENODEV)", actual=str(reply))


TEXT = registration("hostile-compressed") + b"\0"
UNUSABLE = {
    "no-bzip2": (b"this was never compressed", 100),
    "plain-xml": (TEXT, len(TEXT)),
    "cut-short": (bz2.compress(TEXT)[:-20], len(TEXT)),
    "one-bit-wrong": (bz2.compress(TEXT)[:50] + b"\xff" + bz2.compress(TEXT)[51:], len(TEXT)),
    "larger-than-announced": (bz2.compress(TEXT), len(TEXT) // 2),
}


@pytest.mark.requirement("FRM-020")
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.killed_by("mute_after_bad_compression"))
        for kind in UNUSABLE
    ],
)
async def test_unusable_data_end_the_connection_or_leave_it_usable(
    daemon: Daemon, kind: str
) -> None:
    async with daemon.client("other") as other:
        async with daemon.client() as client:
            frame = compressed(*UNUSABLE[kind])
            client.send_frame(frame.header, frame.payload)
            try:
                await client.request(Poke(), timeout=client.patience / 5)
            except ConnectionEnded:
                pass
            except PeerTimeout:
                raise Deviation("an answer or an end", "the connection is mute") from None
        await check_not_executed(daemon, other, "hostile-compressed")


@pytest.mark.requirement("FRM-018", "SEC-008")
@pytest.mark.killed_by("dies_of_wrong_true_size")
@both_orders
@pytest.mark.parametrize("wrong_by", [-1, 1, 1000])
async def test_other_true_size_than_announced_is_survived(
    start_daemon: StartDaemon, order: ByteOrder, wrong_by: int
) -> None:
    daemon = await start_daemon()
    async with daemon.client("other") as other:
        async with daemon.client("attacker") as attacker:
            text = registration(unused_id()) + b"\0"
            frame = compressed(bz2.compress(text), len(text) + wrong_by, order)
            attacker.send_frame(frame.header, frame.payload)
            await daemon.settle(other)
        await daemon.check_well(other)


@pytest.mark.requirement("FRM-019", "SEC-008")
@pytest.mark.killed_by("dies_of_size_near_overflow")
@pytest.mark.parametrize("announced", [LARGEST, LARGEST - 1, LARGEST - HEADER_SIZE + 1])
async def test_size_near_the_overflow_is_survived(
    start_daemon: StartDaemon, announced: int
) -> None:
    daemon = await start_daemon()
    async with daemon.client("other") as other:
        async with daemon.client("attacker") as attacker:
            frame = compressed(bz2.compress(bytes(100_000)), announced)
            attacker.send_frame(frame.header, frame.payload)
            await daemon.settle(other)
        await daemon.check_well(other)


@pytest.mark.requirement("SEC-009")
@pytest.mark.killed_by("inflates_bombs")
async def test_bomb_with_an_honest_header_takes_no_memory(start_daemon: StartDaemon) -> None:
    await explode(await start_daemon(), announced=SIZE)


@pytest.mark.requirement("SEC-009")
@pytest.mark.killed_by("inflates_lying_bombs")
async def test_bomb_with_a_modest_header_takes_no_memory(start_daemon: StartDaemon) -> None:
    await explode(await start_daemon(), announced=1000)


async def explode(daemon: Daemon, announced: int) -> None:
    """Send a small message that expands to a large one; memory is looked at before it goes."""
    async with daemon.client("other") as other, daemon.client("attacker") as attacker:
        frame = compressed(BOMB, announced)
        attacker.send_frame(frame.header, frame.payload)
        await daemon.settle(other)
        peak = await daemon.peak_memory()
    check(
        peak <= MEMORY_LIMIT_KIB,
        expected=f"never more than {MEMORY_LIMIT_KIB} KiB of memory",
        actual=f"{peak} KiB of memory",
    )
