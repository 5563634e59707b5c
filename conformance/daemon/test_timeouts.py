# SPDX-License-Identifier: GPL-2.0-or-later
"""Time-outs: an agent that takes too long is killed, with what it started."""

from __future__ import annotations

import time

import pytest

from conformance.deviation import check
from fixtures.wire import ExecStatus

from .scripted import Resources, ends, script


@pytest.mark.requirement("EXE-011")
@pytest.mark.killed_by("timeout_ignored", "timeout_spares_children")
async def test_time_out_kills_the_process_group(resources: Resources) -> None:
    limit = resources.daemon.milliseconds(300)
    long = resources.daemon.seconds(8)
    resource = await resources.add()
    begun = time.monotonic()
    end = await resource.run("start", script(seconds=long, child_seconds=long), timeout_ms=limit)
    took = (time.monotonic() - begun) * 1000
    check(
        end.status == ExecStatus.TIMEOUT and limit - 1 <= took < long * 1000 / 2,
        expected=f"status 2 (timed out) after {limit} ms",
        actual=f"after {took:.0f} ms: {end}",
    )
    living = await resources.living(resource)
    while living and time.monotonic() < begun + long / 2:  # killed processes take a moment to go
        living = await resources.living(resource)
    lines = await resources.record(resource)
    check(
        not living and [line.what for line in lines] == ["begin", "child"],
        expected="agent and child are gone before the agent has ended by itself",
        actual=f"living: {living}; {lines}",
    )


@pytest.mark.requirement("EXE-012")
@pytest.mark.killed_by("on_fail_block_ignored", "timeout_ignored")
async def test_on_fail_block_spares_the_children(resources: Resources) -> None:
    long = resources.daemon.seconds(4)
    resource = await resources.add()
    end = await resource.run(
        "start",
        {**script(seconds=long, child_seconds=long), "CRM_meta_on_fail": "block"},
        timeout_ms=resources.daemon.milliseconds(300),
    )
    living = await resources.living(resource)
    child = next(line.subject for line in await resources.record(resource) if line.what == "child")
    check(
        end.status == ExecStatus.TIMEOUT and child in living,
        expected=f"status 2 (timed out), and the child {child} lives on",
        actual=f"{end}; living: {living}",
    )


@pytest.mark.requirement("EXE-011", "EXE-014")
@pytest.mark.killed_by("timeout_ignored")
async def test_next_action_runs_after_a_time_out(resources: Resources) -> None:
    resource = await resources.add()
    limit = resources.daemon.milliseconds(200)
    slow = await resource.ask(
        "start", script(seconds=resources.daemon.seconds(5)), timeout_ms=limit
    )
    after = await resource.run("stop")
    first = await resources.client.completion(slow)
    check(
        (first.status, after.status, after.exit_code) == (ExecStatus.TIMEOUT, ExecStatus.DONE, 0),
        expected="the start timed out, then the stop ran",
        actual=f"{first}; {after}",
    )


@pytest.mark.requirement("EXE-011", "EXE-017")
@pytest.mark.killed_by("timeout_ignored")
async def test_recurring_operation_goes_on_after_a_time_out(resources: Resources) -> None:
    resource = await resources.add()
    call_id = await resource.ask(
        "monitor",
        script(seconds=resources.daemon.seconds(5)),
        interval_ms=resources.daemon.milliseconds(100),
        timeout_ms=resources.daemon.milliseconds(200),
    )
    for _ in range(3):
        await resources.client.completion(call_id)
    statuses = [end.status for end in ends(resources.client, resource)][:3]
    check(
        statuses == [ExecStatus.TIMEOUT] * 3,
        expected="three runs that time out",
        actual=f"{statuses}",
    )


@pytest.mark.requirement("EXE-011")
async def test_time_out_of_zero_is_none(resources: Resources) -> None:
    resource = await resources.add()
    seconds = resources.daemon.seconds(0.3)
    end = await resource.run("start", script(seconds=seconds), timeout_ms=0)
    check(end.status == ExecStatus.DONE, expected="the action ends by itself", actual=str(end))
