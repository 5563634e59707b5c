# SPDX-License-Identifier: GPL-2.0-or-later
"""Headers with wrong fields, one at a time and in pairs.

Each message would register a resource if its header were right. What becomes of the connection is
free unless a test says otherwise; the daemon must live, serve others, and stay small.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from conformance.deviation import Deviation, check
from fixtures.peers import FakeCluster, PeerTimeout
from fixtures.wire import HEADER_SIZE, MAGIC, MAX_MESSAGE_SIZE, ByteOrder, ResourceInfo

from .conftest import StartDaemon
from .raw import altered, check_not_executed, frame_of, unused_id
from .under_test import MEMORY_LIMIT_KIB, Daemon

ENODEV = -19
#: Seconds in which a daemon does at once what it does at once.
AT_ONCE = 2.0
LARGEST = 2**32 - 1

both_orders = pytest.mark.parametrize(
    "order", list(ByteOrder), ids=lambda order: order.name.lower()
)


async def attack(
    daemon: Daemon, other: FakeCluster, order: ByteOrder, fields: Mapping[str, int]
) -> str:
    """Send a message with a wrong header, on a connection of its own, and see what *other* sees.

    Returns:
        The id of the resource that the message would register.
    """
    resource_id = unused_id()
    async with daemon.client("attacker") as attacker:
        frame = frame_of(resource_id)
        attacker.send_frame(altered(frame, order, **fields), frame.payload)
        await daemon.settle(other)
    return resource_id


@pytest.mark.requirement("FRM-028")
@both_orders
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 0),
        pytest.param("id", 2**63, marks=pytest.mark.killed_by("needs_small_frame_id")),
        pytest.param("id", 2**64 - 1, marks=pytest.mark.killed_by("needs_small_frame_id")),
        pytest.param("flags", 1, marks=pytest.mark.killed_by("needs_zero_flags")),
        pytest.param("flags", 2**64 - 1, marks=pytest.mark.killed_by("needs_zero_flags")),
    ],
)
async def test_field_without_meaning_is_ignored(
    daemon: Daemon, order: ByteOrder, field: str, value: int
) -> None:
    async with daemon.client() as client:
        message_id, frame = client.prepare(ResourceInfo(resource_id="nothing"))
        client.send_frame(altered(frame, order, **{field: value}), frame.payload)
        reply = await client.reply_to(message_id)
        check(reply.rc == ENODEV, expected="return code -19 (ENODEV)", actual=str(reply))


@pytest.mark.requirement("FRM-005")
@pytest.mark.killed_by("dies_of_other_version")
@both_orders
@pytest.mark.parametrize("version", [0, 2, LARGEST])
async def test_other_version_does_no_harm(daemon: Daemon, order: ByteOrder, version: int) -> None:
    async with daemon.client() as client, daemon.client("other") as other:
        _, frame = client.prepare(ResourceInfo(resource_id="nothing"))
        client.send_frame(altered(frame, order, version=version), frame.payload)
        await daemon.settle(other)  # whether the client is answered is free


@pytest.mark.requirement("FRM-004")
@pytest.mark.killed_by("executes_wrong_magic")
@both_orders
@pytest.mark.parametrize(
    "magic",
    [
        pytest.param(0, marks=pytest.mark.killed_by("dies_of_zero_magic")),
        MAGIC ^ 1,
        MAGIC >> 16 | (MAGIC & 0xFFFF) << 16,
        LARGEST,
    ],
    ids=hex,
)
async def test_wrong_magic_ends_the_connection(
    daemon: Daemon, order: ByteOrder, magic: int
) -> None:
    resource_id = unused_id()
    async with daemon.client("other") as other:
        async with daemon.client("attacker") as attacker:
            frame = frame_of(resource_id)
            pieces = [frame.payload[at : at + 40] for at in range(0, len(frame.payload), 40)]
            attacker.send_records([altered(frame, order, magic=magic).pack(), *pieces])
            await attacker.wait_closed()
        await check_not_executed(daemon, other, resource_id)


@pytest.mark.requirement("FRM-015", "SEC-008")
@both_orders
@pytest.mark.parametrize(
    "size",
    [
        pytest.param(0, marks=pytest.mark.killed_by("spins_on_zero_size")),
        pytest.param(1, marks=pytest.mark.killed_by("dies_of_small_size")),
        pytest.param(HEADER_SIZE - 1, marks=pytest.mark.killed_by("dies_of_small_size")),
    ],
)
async def test_size_below_the_header_harms_nobody(
    daemon: Daemon, order: ByteOrder, size: int
) -> None:
    async with daemon.client("other") as other, daemon.client("attacker") as attacker:
        header = altered(frame_of("x"), order, size_total=size)
        attacker.send_records([header.pack()])
        await daemon.settle(other)


@pytest.mark.requirement("FRM-015", "SEC-008")
@pytest.mark.killed_by("spins_on_zero_size")
async def test_what_follows_a_size_of_zero_harms_nobody(daemon: Daemon) -> None:
    async with daemon.client("other") as other:
        resource_id = await attack(daemon, other, ByteOrder.LITTLE, {"size_total": 0})
        await check_not_executed(daemon, other, resource_id)


@pytest.mark.requirement("FRM-014", "SEC-008")
@pytest.mark.killed_by("accepts_any_size")
@pytest.mark.parametrize(
    ("size", "order"),
    [
        pytest.param(MAX_MESSAGE_SIZE + 1, ByteOrder.LITTLE, id="limit+1"),
        pytest.param(
            2**31,
            ByteOrder.BIG,
            id="2^31-big",
            marks=pytest.mark.killed_by("allocates_what_is_claimed"),
        ),
        pytest.param(
            LARGEST,
            ByteOrder.LITTLE,
            id="2^32-1",
            marks=pytest.mark.killed_by("allocates_what_is_claimed"),
        ),
    ],
)
async def test_size_above_the_limit_is_refused_at_once(
    start_daemon: StartDaemon, size: int, order: ByteOrder
) -> None:
    daemon = await start_daemon()
    async with daemon.client("other") as other:
        async with daemon.client("attacker") as attacker:
            frame = frame_of(unused_id())
            fields = {"size_total": size, "payload_uncompressed": size - HEADER_SIZE}
            attacker.send_frame(altered(frame, order, **fields), frame.payload)
            try:
                await attacker.wait_closed(AT_ONCE)
            except PeerTimeout:
                raise Deviation("the connection ends at once", "it does not end") from None
        await check_small_and_well(daemon, other)


@pytest.mark.requirement("FRM-016", "SEC-008")
@pytest.mark.killed_by("dies_of_bad_offset")
@both_orders
@pytest.mark.parametrize("offset", [0, 39, 41, HEADER_SIZE + 100])
async def test_offset_inside_the_message_is_survived(
    daemon: Daemon, order: ByteOrder, offset: int
) -> None:
    async with daemon.client("other") as other:
        resource_id = await attack(daemon, other, order, {"payload_offset": offset})
        await check_not_executed(daemon, other, resource_id)


@pytest.mark.requirement("FRM-016", "SEC-008")
@pytest.mark.killed_by("dies_of_bad_offset")
@pytest.mark.parametrize(
    ("offset", "order"),
    [
        pytest.param(2**30, ByteOrder.LITTLE, id="2^30"),
        pytest.param(2**31, ByteOrder.BIG, id="2^31-big"),
        pytest.param(LARGEST, ByteOrder.LITTLE, id="2^32-1"),
    ],
)
async def test_offset_beyond_the_buffer_is_survived(
    start_daemon: StartDaemon, offset: int, order: ByteOrder
) -> None:
    daemon = await start_daemon()
    async with daemon.client("other") as other:
        await attack(daemon, other, order, {"payload_offset": offset})
        await check_small_and_well(daemon, other)


@pytest.mark.requirement("FRM-017", "SEC-008")
@both_orders
@pytest.mark.parametrize(
    "wrong_by",
    [
        pytest.param(by, marks=pytest.mark.killed_by("dies_of_lying_size"))
        for by in (-100, -1, 1, 20)
    ],
)
async def test_payload_size_that_is_a_little_wrong_is_survived(
    daemon: Daemon, order: ByteOrder, wrong_by: int
) -> None:
    async with daemon.client("other") as other:
        size = len(frame_of("hostile-0000").payload)
        await attack(daemon, other, order, {"payload_uncompressed": size + wrong_by})


@pytest.mark.requirement("FRM-017", "SEC-008")
@pytest.mark.parametrize(
    ("size", "order"),
    [
        pytest.param(
            2**30,
            ByteOrder.LITTLE,
            id="2^30",
            marks=pytest.mark.killed_by("dies_of_lying_size"),
        ),
        pytest.param(
            2**30,
            ByteOrder.BIG,
            id="2^30-big",
            marks=pytest.mark.killed_by("dies_of_lying_size"),
        ),
        pytest.param(
            LARGEST,
            ByteOrder.LITTLE,
            id="2^32-1",
            marks=pytest.mark.killed_by("dies_of_size_near_overflow"),
        ),
    ],
)
async def test_payload_size_beyond_the_message_is_survived(
    start_daemon: StartDaemon, size: int, order: ByteOrder
) -> None:
    daemon = await start_daemon()
    async with daemon.client("other") as other:
        async with daemon.client("attacker") as attacker:
            header = altered(
                frame_of("x"), order, size_total=HEADER_SIZE, payload_uncompressed=size
            )
            attacker.send_frame(header, b"")
            await daemon.settle(other)
        await check_small_and_well(daemon, other)


#: For each field, values that are wrong in different ways.
WRONG = {
    "size_total": (HEADER_SIZE, 100),
    "payload_offset": (0, 2**31),
    "payload_compressed": (1, LARGEST),
    "payload_uncompressed": (0, 2**30),
}


@pytest.mark.requirement("FRM-015", "FRM-016", "FRM-017", "SEC-008")
@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(
            *pair,
            id="-".join(pair),
            marks=pytest.mark.killed_by(
                "dies_of_bad_offset" if "payload_offset" in pair else "dies_of_lying_size"
            ),
        )
        for pair in itertools.combinations(WRONG, 2)
    ],
)
async def test_two_wrong_fields_are_survived(start_daemon: StartDaemon, one: str, two: str) -> None:
    daemon = await start_daemon()
    async with daemon.client("other") as other:
        for order in ByteOrder:
            for values in itertools.product(WRONG[one], WRONG[two]):
                await attack(daemon, other, order, dict(zip((one, two), values, strict=True)))
        await check_small_and_well(daemon, other)


async def check_small_and_well(daemon: Daemon, other: FakeCluster) -> None:
    """The oracle, and that memory was never used for what a header promised."""
    await daemon.check_well(other)
    peak = await daemon.peak_memory()
    check(
        peak <= MEMORY_LIMIT_KIB,
        expected=f"never more than {MEMORY_LIMIT_KIB} KiB of memory",
        actual=f"{peak} KiB of memory",
    )
