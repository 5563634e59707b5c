# SPDX-License-Identifier: GPL-2.0-or-later
"""Cancel: in every state that an operation can be in."""

from __future__ import annotations

import asyncio

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster
from fixtures.wire import (
    Cancel,
    Event,
    ExecNotify,
    ExecStatus,
    NotifyReceived,
    ReplyReceived,
    ReturnCode,
)

from .scripted import Resource, Resources, ends, script

HOUR = 3_600_000


def place_of(client: FakeCluster, wanted: object) -> int:
    """Where a reply or notify stands in what the daemon said."""

    def is_it(event: Event) -> bool:
        return (isinstance(event, ReplyReceived) and event.reply is wanted) or (
            isinstance(event, NotifyReceived) and event.notify is wanted
        )

    return next(place for place, event in enumerate(client.events) if is_it(event))


async def check_cancelled(client: FakeCluster, resource: Resource, action: str, ms: int) -> None:
    """Cancel, which must succeed and tell the end of the operation first."""
    reply = await client.cancel(resource.id, action, ms)
    check(reply.rc == 0, expected="return code 0", actual=str(reply))
    last = ends(client, resource)[-1]
    check(
        last.status == ExecStatus.CANCELLED and place_of(client, last) < place_of(client, reply),
        expected="the operation's end (status 1, cancelled), then the reply",
        actual=f"last told of it: {last}",
    )


@pytest.mark.requirement("EXE-022", "MSG-007")
@pytest.mark.killed_by("cancelled_goes_on")
async def test_waiting_for_its_next_run(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    interval = resources.daemon.milliseconds(300)
    call_id = await resource.ask("monitor", interval_ms=interval)
    for _ in range(2):
        await client.completion(call_id)
    await check_cancelled(client, resource, "monitor", interval)
    told = len(ends(client, resource))
    runs = len(await resources.record(resource))
    await resources.pass_time(0.9)
    more = ends(client, resource)[told:]
    check(
        not more and len(await resources.record(resource)) == runs,
        expected="silence, and no run, for three intervals",
        actual=f"told: {more}; {await resources.record(resource)}",
    )
    left = await client.get_recurring(resource.id)
    check(not left.recurring(), expected="no recurring operation is left", actual=str(left))


@pytest.mark.requirement("EXE-024")
@pytest.mark.killed_by("cancel_after_the_run")
async def test_while_it_runs(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    long = resources.daemon.seconds(5)
    await resource.ask("monitor", script(seconds=long, child_seconds=long), interval_ms=HOUR)
    async with asyncio.timeout(client.patience):
        while not await resources.living(resource):
            pass  # it is about to begin
    reply = await client.cancel(resource.id, "monitor", HOUR)
    check(reply.rc == 0, expected="return code 0", actual=str(reply))
    await client.next_notify(
        ExecNotify, lambda end: end.resource_id == resource.id, timeout=long / 2
    )
    told = ends(client, resource)
    lines = [line.what for line in await resources.record(resource)]
    living = await resources.living(resource)
    check(
        [each.status for each in told] == [ExecStatus.CANCELLED]
        and "end" not in lines
        and not living,
        expected="told as cancelled at once; the agent and its children are killed",
        actual=f"{told}; record {lines}; living {living}",
    )


@pytest.mark.requirement("EXE-022")
@pytest.mark.killed_by("actions_overlap")
@pytest.mark.parametrize("interval", [HOUR, 0], ids=["recurring", "single"])
async def test_behind_another_action(resources: Resources, interval: int) -> None:
    resource, client = await resources.add(), resources.client
    await resource.ask("status", script(seconds=resources.daemon.seconds(5)), interval_ms=HOUR)
    await resource.ask("monitor", interval_ms=interval)
    await check_cancelled(client, resource, "monitor", interval)
    await client.cancel(resource.id, "status", HOUR)  # so that nobody waits for its end
    await resource.run("reload")
    ran = {line.action for line in await resources.record(resource)}
    check(ran <= {"status", "reload"}, expected="it never runs", actual=f"ran: {ran}")


@pytest.mark.requirement("EXE-022", "EXE-032")
@pytest.mark.killed_by("start_delay_ignored")
async def test_during_its_start_delay(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    delay = resources.daemon.milliseconds(1000)
    await resource.ask("monitor", interval_ms=HOUR, start_delay_ms=delay)
    await check_cancelled(client, resource, "monitor", HOUR)
    await resources.pass_time(1.2)
    told = [end.status for end in ends(client, resource)]
    check(told == [ExecStatus.CANCELLED], expected="it never runs", actual=f"{told}")


@pytest.mark.requirement("EXE-023")
@pytest.mark.killed_by("cancel_kills_one_shot", "cancel_of_unscheduled_accepted")
async def test_single_action_that_runs_is_not_cancelled(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    call_id = await resource.ask("start", script(seconds=resources.daemon.seconds(1)))
    reply = await client.cancel(resource.id, "start", 0)
    end = await client.completion(call_id)
    check(
        reply.rc == ReturnCode.EOPNOTSUPP and end.status == ExecStatus.DONE,
        expected="return code -95 (EOPNOTSUPP); the action ends by itself",
        actual=f"{reply}; {end}",
    )


@pytest.mark.requirement("EXE-023")
@pytest.mark.killed_by("cancel_of_unknown_accepted")
async def test_of_an_unknown_resource_is_enodev(client: FakeCluster) -> None:
    reply = await client.cancel("nobody-registered-this", "monitor", HOUR)
    check(reply.rc == ReturnCode.ENODEV, expected="return code -19 (ENODEV)", actual=str(reply))


@pytest.mark.requirement("EXE-023")
@pytest.mark.killed_by("cancel_of_unscheduled_accepted")
@pytest.mark.parametrize("asked", [False, True], ids=["never asked for", "cancelled before"])
async def test_of_what_is_not_scheduled_is_eopnotsupp(resources: Resources, asked: bool) -> None:
    resource, client = await resources.add(), resources.client
    if asked:
        await resource.run("monitor", interval_ms=HOUR)
        await client.cancel(resource.id, "monitor", HOUR)
    reply = await client.cancel(resource.id, "monitor", HOUR)
    check(
        reply.rc == ReturnCode.EOPNOTSUPP,
        expected="return code -95 (EOPNOTSUPP)",
        actual=str(reply),
    )


@pytest.mark.requirement("EXE-023")
@pytest.mark.killed_by("cancel_incomplete_accepted")
@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Cancel(resource_id=None, action="monitor"), id="resource"),
        pytest.param(Cancel(resource_id="r1", action=None), id="action"),
        pytest.param(Cancel(resource_id=None, action=None), id="both"),
    ],
)
async def test_without_resource_or_action_is_einval(client: FakeCluster, request_: Cancel) -> None:
    reply = await client.request(request_)
    check(reply.rc == ReturnCode.EINVAL, expected="return code -22 (EINVAL)", actual=str(reply))


@pytest.mark.requirement("EXE-025")
@pytest.mark.killed_by("cancel_any_interval", "cancel_of_unscheduled_accepted")
async def test_wants_the_exact_interval(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    await resource.run("monitor", interval_ms=10_000)
    wrong = [await client.cancel(resource.id, "monitor", each) for each in (0, 9999, 10_001)]
    left = (await client.get_recurring(resource.id)).recurring()
    right = await client.cancel(resource.id, "monitor", 10_000)
    check(
        [each.rc for each in wrong] == [ReturnCode.EOPNOTSUPP] * 3 and len(left) == 1,
        expected="return code -95 (EOPNOTSUPP) for 0, 9999 and 10001 ms",
        actual=f"{wrong}; left: {left}",
    )
    check(right.rc == 0, expected="return code 0 for 10000 ms", actual=str(right))
