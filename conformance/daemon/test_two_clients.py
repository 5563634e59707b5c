# SPDX-License-Identifier: GPL-2.0-or-later
"""Several clients: who is told what, and what one's leaving means to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster
from fixtures.wire import (
    CallOption,
    ExecNotify,
    NewClientNotify,
    NotifyReceived,
    PokeNotify,
    RegisterNotify,
)

from .conftest import StartDaemon
from .scripted import Resources, ends, script
from .under_test import Daemon

HOUR = 3_600_000


@pytest.fixture
async def other(daemon: Daemon) -> AsyncIterator[FakeCluster]:
    """A second registered client."""
    async with daemon.client("other") as client:
        assert (await client.register()).rc == 0
        yield client


async def leave(client: FakeCluster, how: str) -> None:
    """End a client's connection: ``close`` says goodbye, ``drop`` is FIN alone, ``reset`` RST."""
    if how == "close":
        await client.close()
    else:
        getattr(client, how)()


@pytest.mark.requirement("EXE-034")
@pytest.mark.killed_by("end_told_to_requester_only", "no_exec_notify", "wrong_call_id_in_notify")
async def test_end_of_an_action_is_told_to_all(resources: Resources, other: FakeCluster) -> None:
    resource = await resources.add()
    call_id = await resource.ask("start", userdata="mine")
    mine = await resources.client.completion(call_id)
    others = await other.completion(call_id)
    check(mine == others, expected=f"both are told {mine}", actual=f"the other: {others}")


@pytest.mark.requirement("EXE-034")
@pytest.mark.killed_by(
    "orig_only_ignored",
    "end_told_to_requester_only",
    "no_exec_notify",
    "wrong_call_id_in_notify",
)
async def test_orig_only_is_told_to_the_requester(resources: Resources, other: FakeCluster) -> None:
    resource = await resources.add()
    await resource.run("start", call_options=CallOption.NOTIFY_ORIG_ONLY)
    after = await resource.ask("reload")
    await other.completion(after)  # it comes after whatever was told of the start
    told = [end.action for end in ends(other, resource)]
    check(told == ["reload"], expected="the other is not told of the start", actual=f"{told}")


@pytest.mark.requirement("NTF-002")
@pytest.mark.killed_by("unnamed_are_told", "announce_new_client_to_self")
async def test_clients_without_a_name_are_told_nothing(
    daemon: Daemon, resources: Resources
) -> None:
    async with daemon.client("unnamed") as unnamed:
        await unnamed.resource_info("nothing")  # a request, without a name
        resource = await resources.add()
        await resource.run("start")
        await resources.client.poke()
        await resources.client.next_notify(PokeNotify)
        await unnamed.resource_info("nothing")  # its reply bounds what may have come
        told = [event for event in unnamed.events if isinstance(event, NotifyReceived)]
    check(not told, expected="no notify", actual=f"{told}")


@pytest.mark.requirement("NTF-003")
@pytest.mark.killed_by("newcomers_told_twice")
async def test_each_newcomer_is_announced_once(daemon: Daemon, client: FakeCluster) -> None:
    before = len(client.events)
    async with AsyncExitStack() as stack:
        for number in range(3):
            newcomer = await stack.enter_async_context(daemon.client(f"newcomer {number}"))
            await newcomer.register()
        await client.resource_info("nothing")  # its reply comes after what the newcomers caused
    news = [event.notify for event in client.events[before:] if isinstance(event, NotifyReceived)]
    told = sum(isinstance(each, NewClientNotify) for each in news)
    check(told == 3, expected="three announcements", actual=f"{told}")


@pytest.mark.requirement("NTF-004")
@pytest.mark.killed_by("announce_before_handshake", "newcomers_told_twice")
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="silence"),
        pytest.param(b"\x16\x03\x01\x00\x05\x01", id="half a ClientHello"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="something else"),
    ],
)
async def test_nobody_is_announced_before_the_handshake(
    daemon: Daemon, client: FakeCluster, sent: bytes
) -> None:
    before = len(client.events)
    _, writer = await asyncio.open_connection(daemon.host, daemon.port)
    writer.write(sent)
    await writer.drain()
    async with daemon.client("newcomer") as newcomer:  # accepted after the other
        await newcomer.register()
        await client.resource_info("nothing")  # its reply comes after what the newcomers caused
    writer.close()
    news = [event.notify for event in client.events[before:] if isinstance(event, NotifyReceived)]
    told = sum(isinstance(each, NewClientNotify) for each in news)
    check(told == 1, expected="the newcomer's announcement alone", actual=f"{told} announcements")


@pytest.mark.requirement("EXE-035", "NTF-009")
@pytest.mark.parametrize(
    "how",
    [
        "close",
        "drop",
        pytest.param("reset", marks=pytest.mark.killed_by("leaving_drops_others")),
    ],
)
@pytest.mark.killed_by("end_lost_with_requester", "no_exec_notify", "end_told_to_requester_only")
async def test_end_is_told_after_the_requester_left(
    daemon: Daemon, resources: Resources, how: str
) -> None:
    resource = await resources.add()
    async with daemon.client("requester") as requester:
        await requester.register()
        reply = await requester.execute(
            resource.id, "start", parameters=script(seconds=daemon.seconds(1))
        )
        await leave(requester, how)
        await requester.wait_closed()
    end = await resources.client.completion(reply.rc)
    check((end.exit_code, end.status) == (0, 0), expected="a success", actual=str(end))


@pytest.mark.requirement("EXE-034", "NTF-009")
@pytest.mark.killed_by("orig_only_ignored")
async def test_orig_only_is_told_to_nobody_after_the_requester_left(
    daemon: Daemon, resources: Resources
) -> None:
    resource = await resources.add()
    async with daemon.client("requester") as requester:
        await requester.register()
        await requester.execute(
            resource.id,
            "start",
            parameters=script(seconds=daemon.seconds(1)),
            call_options=CallOption.NOTIFY_ORIG_ONLY,
        )
    after = await resource.run("reload")
    told = [end.action for end in ends(resources.client, resource)]
    check(
        after.status == 0 and told == ["reload"],
        expected="nobody is told of the start; the next action runs",
        actual=f"{told}; {after}",
    )


@pytest.mark.requirement("NTF-009")
@pytest.mark.killed_by("leaving_drops_others")
async def test_vanished_clients_disturb_nobody(daemon: Daemon, client: FakeCluster) -> None:
    for _ in range(3):
        gone = await daemon.client("gone").connect()
        await gone.register()
        gone.reset()
        await gone.wait_closed()
    await client.poke()
    await client.next_notify(PokeNotify)


@pytest.mark.requirement("NTF-011")
@pytest.mark.killed_by("recurring_dropped_early")
async def test_recurring_operations_are_kept_while_a_client_remains(
    daemon: Daemon, resources: Resources
) -> None:
    resource = await resources.add(call_options=CallOption.DROP_RECURRING_2_1)
    async with daemon.client("requester") as requester:
        await requester.register()
        await requester.execute(resource.id, "monitor", interval_ms=HOUR)
        await requester.next_notify(ExecNotify)
    left = (await resources.client.get_recurring(resource.id)).recurring()
    check(len(left) == 1, expected="the operation is still there", actual=f"{left}")


@pytest.mark.requirement("NTF-010", "NTF-012")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(CallOption.DROP_RECURRING_2_1, id="3"),
        pytest.param(
            CallOption.DROP_RECURRING,
            marks=[
                pytest.mark.requirement("UPG-004"),
                pytest.mark.versions("!=2.1.*", reason="2.1.x wants both low bits (B-15)"),
            ],
            id="1",
        ),
    ],
)
@pytest.mark.killed_by("drop_recurring_ignored", "all_recurring_dropped", "resources_dropped")
async def test_last_client_ends_only_what_was_registered_so(
    start_daemon: StartDaemon, options: CallOption
) -> None:
    daemon = await start_daemon()
    async with daemon.client("last") as last:
        await last.register()
        for resource_id, call_options in (("dropped", options), ("kept", CallOption.NONE)):
            await last.resource_register(resource_id, call_options=call_options)
            reply = await last.execute(resource_id, "monitor", interval_ms=HOUR)
            await last.completion(reply.rc)
    # If it came before the daemon has noticed that the last one left, the next one would be a
    # client that remains.
    async with asyncio.timeout(daemon.patience):
        while await daemon.connections():  # noqa: ASYNC110 - another host's kernel tells no events
            await asyncio.sleep(0.01)
    async with daemon.client("next") as client:
        left = [each.resource_id for each in (await client.get_recurring()).recurring()]
        known = [(await client.resource_info(each)).rc for each in ("dropped", "kept")]
    check(left == ["kept"], expected="only the monitor of kept is left", actual=f"{left}")
    check(known == [0, 0], expected="both resources are still known", actual=f"{known}")


@pytest.mark.requirement("EXE-001", "EXE-034")
async def test_a_registration_is_told_to_all(resources: Resources, other: FakeCluster) -> None:
    resource = await resources.add()
    for client in (resources.client, other):
        told = await client.next_notify(
            RegisterNotify, lambda notify: notify.resource_id == resource.id
        )
        check(told.rc == 0, expected="return code 0", actual=str(told))


@pytest.mark.requirement("EXE-014", "EXE-034")
@pytest.mark.killed_by("actions_overlap", "end_told_to_requester_only")
async def test_two_clients_share_one_queue(
    daemon: Daemon, resources: Resources, other: FakeCluster
) -> None:
    resource = await resources.add()
    takes = script(seconds=daemon.seconds(0.2))
    asked = [
        (await client.execute(resource.id, action, parameters=takes)).rc
        for client, action in ((resources.client, "start"), (other, "reload"))
        for _ in range(2)
    ]
    for call_id in asked:
        await resources.client.completion(call_id)
    order = [end.call_id for end in ends(resources.client, resource)]
    done = [line.what for line in await resources.record(resource)]
    check(
        order == asked and done == ["begin", "end"] * 4,
        expected=f"one after the other, in the order of asking: {asked}",
        actual=f"{order}; {done}",
    )
