# SPDX-License-Identifier: GPL-2.0-or-later
"""Headers, replies and notifies: who is told what, and in which order."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from fixtures.wire import (
    ByteOrder,
    NewClientNotify,
    NotifyReceived,
    PokeNotify,
    ReplyReceived,
    ResourceInfo,
)

from .under_test import Daemon


@pytest.mark.requirement("FRM-001", "FRM-013")
@pytest.mark.killed_by("header_bad_total")
async def test_every_header_is_well_formed(daemon: Daemon) -> None:
    assert daemon.recorder is not None
    async with daemon.client() as client:
        await client.register()
        await client.poke()
        await client.next_notify(PokeNotify)
    received = [
        entry
        for entry in daemon.recorder.transcript.entries
        if entry.kind == "message" and entry.direction == "received"
    ]
    assert received
    for entry in received:
        header = entry.header
        assert header is not None
        check(
            (header.version, header.payload_offset, header.payload_compressed) == (1, 40, 0)
            and header.payload_uncompressed == entry.size + 1
            and header.size_total == 40 + entry.size + 1,
            expected="version 1, offset 40, uncompressed, sizes that count the payload's NUL",
            actual=str(header),
        )


@pytest.mark.requirement("FRM-002", "FRM-003")
@pytest.mark.parametrize(
    "order",
    [
        pytest.param(ByteOrder.LITTLE, id="little", marks=pytest.mark.killed_by("no_poke_reply")),
        pytest.param(ByteOrder.BIG, id="big", marks=pytest.mark.killed_by("ignores_big_endian")),
    ],
)
async def test_both_byte_orders_are_understood(daemon: Daemon, order: ByteOrder) -> None:
    async with daemon.client(order=order) as client:
        assert (await client.register()).rc == 0
        reply = await client.poke()
        check(reply.rc == 0, expected="a poke is answered", actual=str(reply))


@pytest.mark.requirement("MSG-001", "MSG-006")
@pytest.mark.killed_by("no_poke_reply", "no_poke_notify")
async def test_poke_is_replied_to_once_and_then_notified(daemon: Daemon) -> None:
    async with daemon.client() as client:
        await client.register()
        before = len(client.events)
        await client.poke()
        await client.next_notify(PokeNotify)
        await client.resource_info("nothing")  # its reply bounds what the poke may have caused
        kinds = [
            type(event.notify if isinstance(event, NotifyReceived) else event).__name__
            for event in client.events[before:]
        ]
    check(
        kinds == ["ReplyReceived", "PokeNotify", "ReplyReceived"],
        expected="one reply, then one notify",
        actual=f"{kinds}",
    )


@pytest.mark.requirement("FRM-009", "MSG-001")
@pytest.mark.killed_by("answers_in_reverse")
async def test_pipelined_requests_are_answered_in_order(daemon: Daemon) -> None:
    async with daemon.client() as client:
        await client.register()
        sent = [client.send(ResourceInfo(resource_id=f"r{i}")) for i in range(50)]
        for message_id in sent:
            await client.reply_to(message_id)
        replied = [event.message_id for event in client.events if isinstance(event, ReplyReceived)]
    check(replied[-50:] == sent, expected="50 replies in order", actual=f"{replied[-50:]}")


@pytest.mark.requirement("NTF-001")
@pytest.mark.killed_by("no_poke_notify", "poke_told_to_requester_only")
async def test_poke_is_notified_to_every_named_client(daemon: Daemon) -> None:
    async with daemon.client("one") as one, daemon.client("two") as two:
        await one.register()
        await two.register()
        await one.poke()
        for client in (one, two):
            await client.next_notify(PokeNotify)


@pytest.mark.requirement("NTF-003", "NTF-005")
@pytest.mark.killed_by(
    "announce_new_client_to_self",
    "newcomers_told_twice",
    "poke_told_to_requester_only",
)
async def test_newcomer_is_announced_once_to_others_and_not_to_itself(daemon: Daemon) -> None:
    async with daemon.client("one") as one:
        await one.register()
        async with daemon.client("two") as two:
            await two.register()
            await two.poke()
            await two.next_notify(PokeNotify)
            await one.next_notify(PokeNotify)
            told = {
                client.client_name: sum(
                    isinstance(event, NotifyReceived) and isinstance(event.notify, NewClientNotify)
                    for event in client.events
                )
                for client in (one, two)
            }
    check(
        told == {"one": 1, "two": 0},
        expected="the client that was there is told once, the newcomer never",
        actual=f"announcements seen: {told}",
    )
