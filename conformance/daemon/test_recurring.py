# SPDX-License-Identifier: GPL-2.0-or-later
"""Recurring operations: repeated, merged, listed, told when something changed."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from conformance.deviation import check
from fixtures.wire import CallOption, Exec, ExecStatus, RecurringOperation, ReturnCode

from .scripted import Resources, ends, script

HOUR = 3_600_000


@pytest.mark.requirement("EXE-017")
@pytest.mark.killed_by("recurring_gives_up", "recurring_interval_from_begin")
async def test_repeats_at_its_interval_after_each_end(resources: Resources) -> None:
    interval = resources.daemon.milliseconds(200)
    resource = await resources.add()
    call_id = await resource.ask(
        "monitor", script(seconds=resources.daemon.seconds(0.2)), interval_ms=interval
    )
    for _ in range(6):
        await resources.client.completion(call_id)
    lines = await resources.record(resource)
    ended = [line.at for line in lines if line.what == "end"]
    begun = [line.at for line in lines if line.what == "begin"]
    pauses = [1000 * (begin - end) for end, begin in zip(ended, begun[1:], strict=False)]
    # The agent's own end comes a little before the daemon knows of it, never after; 2 ms for the
    # clocks of two processes.
    check(
        len(pauses) >= 5 and all(pause >= interval - 2 for pause in pauses),
        expected=f"at least 5 pauses of at least {interval} ms",
        actual=f"{[round(pause) for pause in pauses]} ms",
    )


@pytest.mark.requirement("EXE-038")
@pytest.mark.killed_by("probe_recurs")
async def test_interval_0_runs_once(resources: Resources) -> None:
    resource = await resources.add()
    await resource.run("monitor")
    await resources.pass_time(0.5)
    runs = [line.what for line in await resources.record(resource)]
    left = (await resources.client.get_recurring(resource.id)).recurring()
    check(
        runs == ["begin", "end"] and not left,
        expected="one run, and nothing recurring",
        actual=f"{runs}; {left}",
    )


@pytest.mark.requirement("NEG-013")
@pytest.mark.killed_by("probe_recurs")
@pytest.mark.parametrize("interval", ["4294967296", "9223372036854775808", "-5", "soon", ""])
async def test_impossible_intervals_run_once(resources: Resources, interval: str) -> None:
    resource, client = await resources.add(), resources.client
    request = Exec(resource_id=resource.id, action="monitor").to_element()
    request.find(".//lrmd_rsc").set("lrmd_rsc_interval", interval)
    await client.completion((await client.request(request)).rc)
    await resources.pass_time(0.3)
    runs = [line.what for line in await resources.record(resource)]
    check(runs == ["begin", "end"], expected="one run", actual=f"{runs}")


@pytest.mark.requirement("NEG-013")
@pytest.mark.killed_by("large_interval_lost")
async def test_largest_intervals_are_kept(resources: Resources) -> None:
    resource = await resources.add()
    await resource.run("monitor", interval_ms=2**31)
    await resource.run("status", interval_ms=2**32 - 1)
    listed = (await resources.client.get_recurring(resource.id)).recurring()
    intervals = {each.action: each.interval_ms for each in listed}
    wanted = {"monitor": 2**31, "status": 2**32 - 1}
    check(intervals == wanted, expected=f"{wanted}", actual=f"{intervals}")


@pytest.mark.requirement("EXE-018")
@pytest.mark.killed_by("changes_only_ignored", "changes_only_mute", "recurring_gives_up")
async def test_changes_only_tells_the_first_different_result(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    call_id = await resource.ask(
        "monitor",
        script(flip=(3, 7)),
        interval_ms=resources.daemon.milliseconds(100),
        call_options=CallOption.NOTIFY_CHANGES_ONLY,
    )
    changed = await client.completion(call_id)
    while changed.exit_code == 0:
        changed = await client.completion(call_id)
    await resources.pass_time(0.5)
    told = [end.exit_code for end in ends(client, resource)]
    runs = sum(line.what == "end" for line in await resources.record(resource))
    check(
        told == [0, 7] and runs >= 5,
        expected="the first result and the first different one, of at least 5 runs",
        actual=f"{told} of {runs} runs",
    )


@pytest.mark.requirement("EXE-017", "EXE-018")
@pytest.mark.killed_by("no_exec_notify", "wrong_call_id_in_notify")
async def test_without_changes_only_each_run_is_told(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    interval = resources.daemon.milliseconds(100)
    call_id = await resource.ask("monitor", script(), interval_ms=interval)
    for _ in range(3):
        await client.completion(call_id)
    await client.cancel(resource.id, "monitor", interval)
    told = [end.status for end in ends(client, resource)].count(ExecStatus.DONE)
    runs = sum(line.what == "end" for line in await resources.record(resource))
    # A run that was killed by the cancel after the agent's last line is not told as done.
    check(runs - 1 <= told <= runs, expected=f"all of {runs} runs told", actual=f"{told}")


@pytest.mark.requirement("EXE-019")
@pytest.mark.killed_by("rc_change_time_is_now", "rc_change_time_never_set", "recurring_gives_up")
async def test_rc_change_time_is_that_of_the_change(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    call_id = await resource.ask(
        "monitor", script(flip=(1, 7)), interval_ms=resources.daemon.milliseconds(200)
    )
    first = await client.completion(call_id)
    earliest = int(time.time())
    told = [await client.completion(call_id)]
    latest = int(time.time())
    while int(time.time()) == latest:  # what is told are whole seconds, so wait for another one
        told.append(await client.completion(call_id))
    told.append(await client.completion(call_id))
    changes = {end.rc_change_time for end in told}
    allowed = set(range(earliest - 1, latest + 1))
    check(
        first.rc_change_time in {0, first.run_time} and len(changes) == 1 and changes <= allowed,
        expected=f"from the second of {len(told) + 1} runs on always its time, {allowed}",
        actual=f"first success {first.rc_change_time}, then {changes}",
    )


@pytest.mark.requirement("EXE-020")
@pytest.mark.killed_by("duplicate_recurring_kept", "duplicate_keeps_identity", "userdata_altered")
async def test_same_operation_again_is_merged_and_run_at_once(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    await resource.run("monitor", interval_ms=HOUR, userdata="first")
    again = await resource.run("monitor", interval_ms=HOUR, userdata="second")
    listed = (await client.get_recurring(resource.id)).recurring()
    check(
        again.userdata == "second" and len(listed) == 1,
        expected="a run at once under the new call id and userdata; one operation is left",
        actual=f"{again}; {listed}",
    )


@pytest.mark.requirement("EXE-020")
@pytest.mark.killed_by("duplicate_recurring_kept", "duplicate_keeps_identity")
async def test_other_intervals_and_actions_are_not_merged(resources: Resources) -> None:
    resource = await resources.add()
    wanted = {("monitor", HOUR), ("monitor", HOUR + 1), ("status", HOUR)}
    for action, interval in sorted(wanted):
        await resource.run(action, interval_ms=interval)
    await resource.run("monitor", interval_ms=HOUR)
    listed = (await resources.client.get_recurring(resource.id)).recurring()
    found = sorted((each.action, each.interval_ms) for each in listed)
    check(found == sorted(wanted), expected=f"{sorted(wanted)}", actual=f"{found}")


@pytest.mark.requirement("EXE-021")
@pytest.mark.killed_by("stop_keeps_recurring", "cancelled_goes_on")
async def test_stop_cancels_recurring_operations_first(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    await resource.run("start")
    await resource.run("monitor", interval_ms=resources.daemon.milliseconds(200))
    await resource.run("status", interval_ms=HOUR)
    before = len(ends(client, resource))
    stop = await resource.run("stop")
    await resources.pass_time(0.6)
    story = ends(client, resource)[before:]
    cancelled = {(end.action, end.status) for end in story[-3:-1]}
    check(
        story[-1] is stop
        and cancelled == {("monitor", ExecStatus.CANCELLED), ("status", ExecStatus.CANCELLED)},
        expected="both told as cancelled, then the end of the stop, then nothing",
        actual=f"{[(end.action, end.status) for end in story]}",
    )


@pytest.mark.requirement("EXE-028")
@pytest.mark.killed_by("one_shots_listed", "recurring_listed_for_all")
async def test_recurring_operations_are_listed(resources: Resources) -> None:
    one, two, client = await resources.add(), await resources.add(), resources.client
    await one.run("monitor", interval_ms=HOUR, timeout_ms=5000)
    await two.run("monitor", interval_ms=HOUR, timeout_ms=6000)
    await one.ask("start", script(seconds=resources.daemon.seconds(1)))
    filtered = (await client.get_recurring(one.id)).recurring()
    everything = (await client.get_recurring()).recurring()
    wanted = [
        RecurringOperation(
            resource_id=each.id, action="monitor", interval_ms=HOUR, timeout_ms=timeout_ms
        )
        for each, timeout_ms in ((one, 5000), (two, 6000))
    ]
    check(filtered == wanted[:1], expected=f"{wanted[:1]}", actual=f"{filtered}")
    mine = [each for each in everything if each.resource_id in {one.id, two.id}]
    check(
        sorted(mine, key=lambda each: each.timeout_ms) == wanted,
        expected=f"of all: {wanted}",
        actual=f"{mine}",
    )


@pytest.mark.requirement("EXE-028")
@pytest.mark.killed_by("recurring_of_unknown_empty")
async def test_recurring_of_an_unknown_resource_is_enodev(resources: Resources) -> None:
    reply = await resources.client.get_recurring("nobody-registered-this")
    check(reply.rc == ReturnCode.ENODEV, expected="return code -19 (ENODEV)", actual=str(reply))


@pytest.mark.requirement("EXE-014", "EXE-017")
async def test_recurring_and_single_actions_take_turns(resources: Resources) -> None:
    resource, daemon = await resources.add(), resources.daemon
    await resource.run(
        "monitor",
        script(seconds=daemon.seconds(0.1)),
        interval_ms=daemon.milliseconds(100),
    )
    for _ in range(3):
        await resource.run("start", script(seconds=daemon.seconds(0.1)))
    lines = [line for line in await resources.record(resource) if line.action == "start"]
    spans = [(begin.what, end.what) for begin, end in pairwise(lines)][::2]
    check(spans == [("begin", "end")] * 3, expected="three whole starts", actual=f"{lines}")
