# SPDX-License-Identifier: GPL-2.0-or-later
"""Which reply belongs to which request: message ids, call ids, order, and many clients at once."""

from __future__ import annotations

import asyncio

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster
from fixtures.wire import (
    Cancel,
    Check,
    Exec,
    GetRecurring,
    NotifyReceived,
    Poke,
    PokeNotify,
    ProxyForward,
    ProxyOp,
    RegisterNotify,
    RegisterRequest,
    ReplyReceived,
    ResourceInfo,
    ResourceUnregister,
    UnsolicitedReplyReceived,
    build_frame,
    serialise,
)

from .raw import enveloped, unused_id
from .under_test import Daemon


@pytest.mark.requirement("MSG-001")
@pytest.mark.killed_by("replies_twice", "answers_in_reverse")
async def test_every_request_but_the_check_is_answered_once(daemon: Daemon) -> None:
    requests = [
        RegisterRequest(client_name="mixed", protocol_version="1.1"),
        Poke(),
        ResourceInfo(resource_id="nothing"),
        Check(),
        ResourceUnregister(resource_id="nothing"),
        Exec(resource_id="nothing", action="start"),
        Cancel(resource_id="nothing", action="monitor"),
        GetRecurring(),
        ProxyForward(ipc_op=ProxyOp.DESTROY, session="nobody"),
    ] * 20
    async with daemon.client() as client:
        sent = [client.send(request) for request in requests]
        await client.resource_info("the last")
        answers = [
            event.message_id
            for event in client.events
            if isinstance(event, ReplyReceived | UnsolicitedReplyReceived)
        ]
    wanted = [
        number
        for number, request in zip(sent, requests, strict=True)
        if not isinstance(request, Check)
    ]
    check(
        answers[:-1] == wanted,
        expected=f"one reply each to {len(wanted)} requests, in order",
        actual=f"{len(answers) - 1} replies, to {answers[:-1]}",
    )


async def reply_numbers(client: FakeCluster, number: int | str) -> list[int | None]:
    """Ask under a message id, and return the ids of all replies until something else is asked."""
    before = len(client.events)
    xml = enveloped(serialise(ResourceInfo(resource_id="nothing").to_element()), id=number)
    frame = build_frame(xml)
    client.send_frame(frame.header, frame.payload)
    await client.resource_info("nothing")
    *found, _ = [
        event.message_id
        for event in client.events[before:]
        if isinstance(event, ReplyReceived | UnsolicitedReplyReceived)
    ]
    return found


@pytest.mark.requirement("MSG-001", "MSG-002")
@pytest.mark.killed_by("replies_under_id_1")
@pytest.mark.parametrize("number", [1000, 65_536, 2**31 - 1])
async def test_reply_repeats_the_message_id(daemon: Daemon, number: int) -> None:
    async with daemon.client() as client:
        found = [await reply_numbers(client, number) for _ in range(2)]
    check(
        found == [[number], [number]],
        expected=f"one reply with id {number}, and another if the id is used again",
        actual=f"replies with ids {found}",
    )


@pytest.mark.requirement("MSG-001")
@pytest.mark.killed_by("dies_of_odd_message_id")
@pytest.mark.parametrize("number", [0, -1, -(2**31), 2**31, 2**64, "text", ""], ids=str)
async def test_odd_message_id_harms_nobody(daemon: Daemon, number: int | str) -> None:
    async with daemon.client() as client:
        found = await reply_numbers(client, number)
        check(len(found) <= 1, expected="at most one reply", actual=f"replies {found}")


@pytest.mark.requirement("MSG-002")
@pytest.mark.killed_by("notifies_with_an_id")
async def test_notifies_have_id_0_and_replies_have_not(daemon: Daemon) -> None:
    async with daemon.client() as client:
        await client.register()
        await client.poke()
        await client.next_notify(PokeNotify)
        await client.resource_register("d1")
        await client.unregister("d1")
        await client.resource_info("nothing")
        notified = {each.message_id for each in client.events if isinstance(each, NotifyReceived)}
        replied = {each.message_id for each in client.events if isinstance(each, ReplyReceived)}
    check(
        notified == {0} and 0 not in replied,
        expected="0 in every notify and in no reply",
        actual=f"notifies {notified}, replies {replied}",
    )


@pytest.mark.requirement("MSG-005")
@pytest.mark.killed_by("counts_calls_per_client")
async def test_call_ids_rise_across_clients(daemon: Daemon) -> None:
    async with daemon.client("one") as one, daemon.client("two") as two:
        found = [(await client.resource_info("n")).call_id or 0 for client in (one, two) * 10]
    check(
        found == sorted(set(found)) and found[0] > 0,
        expected="each call id above the one before",
        actual=f"{found}",
    )


@pytest.mark.requirement("MSG-006")
@pytest.mark.killed_by("notifies_before_reply")
async def test_registered_resource_is_replied_to_and_then_notified(daemon: Daemon) -> None:
    async with daemon.client() as client:
        await client.register()
        before = len(client.events)
        for _ in range(20):
            await client.resource_register("d1")
            await client.next_notify(RegisterNotify)
        kinds = [isinstance(event, ReplyReceived) for event in client.events[before:]]
        await client.unregister("d1")
    check(
        kinds == [True, False] * 20,
        expected="20 times a reply and then a notify",
        actual=f"replies are {kinds}",
    )


@pytest.mark.requirement("MSG-013")
@pytest.mark.killed_by("crosses_replies", "replies_twice")
async def test_replies_of_many_clients_are_not_mixed(daemon: Daemon) -> None:
    async def ask(number: int) -> None:
        async with daemon.client(f"client {number}") as client:
            resource = f"r{number}"
            await client.resource_register(resource)
            for _ in range(20):
                sent = client.send(ResourceInfo(resource_id=resource))
                listed = client.send(GetRecurring(resource_id=resource))
                reply = await client.reply_to(sent)
                found = reply.attributes.get("lrmd_rsc_id")
                check(found == resource, expected=f"news of {resource}", actual=str(reply))
                assert (await client.reply_to(listed)).rc == 0
            await client.unregister(resource)
            strangers = [e for e in client.events if isinstance(e, UnsolicitedReplyReceived)]
            check(not strangers, expected="own replies only", actual=str(strangers))

    await asyncio.gather(*map(ask, range(5)))


@pytest.mark.requirement("MSG-009")
@pytest.mark.killed_by("renames_clients")
async def test_first_name_sticks(daemon: Daemon) -> None:
    """Nothing but the log tells a client's name."""
    first, second = unused_id(), unused_id()
    before = daemon.log_size()
    async with daemon.client("other") as other:
        async with daemon.client() as client:
            await client.request(Poke(client_name=first))
            await client.request(Poke(client_name=second))
        await daemon.settle(other)
    if not (log := daemon.log(before)):
        pytest.skip("the log of a daemon on somebody else's host is not known")
    line = next((line for line in log.splitlines() if first in line or second in line), "")
    check(first in line, expected=f"the log speaks of {first}", actual=f"the log says {line!r}")
