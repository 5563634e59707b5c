# SPDX-License-Identifier: GPL-2.0-or-later
"""The simulated executor, through the wire (docs/protocol.md §7)."""

import itertools
import time
from types import SimpleNamespace

import pytest

from fixtures.peers import Definition, FakeRemote, Outcome, executor
from fixtures.wire import (
    CallOption,
    ExecNotify,
    ExecStatus,
    ExitCode,
    RecurringOperation,
    Reply,
    ReturnCode,
    UnregisterNotify,
)

from .helpers import KEY, Join, notified, run, spoken

HOUR = 3_600_000
CHANGES_ONLY = CallOption.NOTIFY_CHANGES_ONLY


async def test_a_resource_is_probed_started_monitored_and_stopped(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")

    exit_codes = []
    for action in ("monitor", "start", "monitor", "reload", "stop", "monitor"):
        exit_codes.append((await run(cluster, "web", action)).exit_code)

    assert exit_codes == [
        ExitCode.NOT_RUNNING,
        ExitCode.OK,
        ExitCode.OK,
        ExitCode.OK,
        ExitCode.OK,
        ExitCode.NOT_RUNNING,
    ]


async def test_a_completion_tells_what_was_asked(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    userdata = "3:9:0:1111-2222;café \t\n\"<&>'"
    parameters = {"CRM_meta_timeout": "20000", "2nd": "x", "op_sleep": "0"}

    reply = await cluster.execute(
        "web", "start", userdata=userdata, parameters=parameters, timeout_ms=777
    )
    end = await cluster.completion(reply.rc)

    assert reply.rc is not None
    assert reply.rc > 0
    assert (end.resource_id, end.action, end.interval_ms) == ("web", "start", 0)
    assert (end.userdata, end.parameters, end.timeout_ms) == (userdata, parameters, 777)
    assert (end.status, end.deleted) == (ExecStatus.DONE, 0)
    assert spoken(cluster.events)[-2:] == [reply, end]


async def test_actions_of_one_resource_wait_for_each_other(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    await cluster.resource_register("db")
    slow = {"op_sleep": "0.1"}

    first = await cluster.execute("web", "start", parameters=slow)
    second = await cluster.execute("web", "monitor")
    other = await cluster.execute("db", "monitor")
    end = await cluster.completion(second.rc)

    order = [n.call_id for n in notified(cluster.events) if isinstance(n, ExecNotify)]
    assert order == [other.rc, first.rc, second.rc]
    assert end.queue_time_ms is not None
    assert 50 <= end.queue_time_ms < 1000


async def test_a_recurring_operation_repeats_until_it_is_cancelled(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    await run(cluster, "web", "start")

    call_id = (await cluster.execute("web", "monitor", interval_ms=10, timeout_ms=5000)).rc
    ends = [await cluster.completion(call_id) for _ in range(3)]
    listed = await cluster.get_recurring("web")
    reply = await cluster.cancel("web", "monitor", 10)
    await cluster.poke()

    assert {(end.exit_code, end.status, end.interval_ms) for end in ends} == {(0, 0, 10)}
    assert listed.recurring() == [
        RecurringOperation(resource_id="web", action="monitor", interval_ms=10, timeout_ms=5000)
    ]
    assert reply.rc == ReturnCode.OK
    said = spoken(cluster.events)
    last = said[said.index(reply) - 1]
    assert isinstance(last, ExecNotify)
    assert (last.call_id, last.status) == (call_id, ExecStatus.CANCELLED)
    assert not any(isinstance(each, ExecNotify) for each in said[said.index(reply) :])
    assert (await cluster.get_recurring()).recurring() == []
    assert (await cluster.cancel("web", "monitor", 10)).rc == ReturnCode.EOPNOTSUPP


async def test_cancel_wants_the_exact_interval(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    await cluster.completion((await cluster.execute("web", "monitor", interval_ms=HOUR)).rc)

    assert (await cluster.cancel("web", "monitor", HOUR + 1)).rc == ReturnCode.EOPNOTSUPP
    assert (await cluster.cancel("web", "monitor", HOUR)).rc == ReturnCode.OK


async def test_a_running_recurring_operation_is_killed_by_its_cancel(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    endless = {"op_sleep": "3600"}
    reply = await cluster.execute(
        "web", "monitor", interval_ms=10, parameters=endless, timeout_ms=HOUR
    )
    await cluster.poke()

    cancelled = await cluster.cancel("web", "monitor", 10)

    assert cancelled.rc == ReturnCode.OK
    assert (await cluster.completion(reply.rc)).status == ExecStatus.CANCELLED
    assert (await run(cluster, "web", "start")).exit_code == ExitCode.OK


async def test_stop_first_cancels_what_recurs(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    await run(cluster, "web", "start")
    for interval_ms in (HOUR, 2 * HOUR):
        reply = await cluster.execute("web", "monitor", interval_ms=interval_ms)
        await cluster.completion(reply.rc)
    seen = len(cluster.events)

    await run(cluster, "web", "stop")

    said = [
        (each.action, each.interval_ms, each.status)
        for each in notified(cluster.events[seen:])
        if isinstance(each, ExecNotify)
    ]
    assert said == [
        ("monitor", HOUR, ExecStatus.CANCELLED),
        ("monitor", 2 * HOUR, ExecStatus.CANCELLED),
        ("stop", 0, ExecStatus.DONE),
    ]


async def test_a_duplicate_recurring_operation_is_merged(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    first = await cluster.execute(
        "web", "monitor", interval_ms=HOUR, userdata="old", call_options=CHANGES_ONLY
    )
    await cluster.completion(first.rc)

    second = await cluster.execute(
        "web", "monitor", interval_ms=HOUR, userdata="new", call_options=CHANGES_ONLY
    )
    end = await cluster.completion(second.rc)

    assert second.rc != first.rc
    assert end.userdata == "new"
    assert len((await cluster.get_recurring()).recurring()) == 1


async def test_changes_only_tells_the_first_and_the_different(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    await run(cluster, "web", "start")
    failure = Outcome(ExitCode.GENERIC, exit_reason="smoke detected")
    remote.agents.dummy.script("web", "monitor", *[Outcome()] * 3, failure)

    reply = await cluster.execute("web", "monitor", interval_ms=5, call_options=CHANGES_ONLY)
    ends = [await cluster.completion(reply.rc) for _ in range(3)]

    assert [end.exit_code for end in ends] == [0, 1, 0]
    assert ends[1].exit_reason == "smoke detected"


async def test_the_time_of_change_moves_with_the_result(
    remote: FakeRemote, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(1_800_000_000)
    clock = SimpleNamespace(time=lambda: next(seconds), monotonic=time.monotonic)
    monkeypatch.setattr(executor, "time", clock)
    cluster = await join(remote)
    await cluster.resource_register("web")
    good, bad = Outcome(ExitCode.OK), Outcome(ExitCode.GENERIC)
    remote.agents.dummy.script("web", "monitor", good, bad, bad, good)

    reply = await cluster.execute("web", "monitor", interval_ms=5)
    first, second, third, fourth = [
        (await cluster.completion(reply.rc)).rc_change_time or 0 for _ in range(4)
    ]

    assert first == 0
    assert second == third < fourth


async def test_the_end_of_the_daemon_is_the_end_of_its_actions(join: Join) -> None:
    async with FakeRemote(KEY) as clock, FakeRemote(KEY) as remote:
        cluster, ticking = await join(remote), await join(clock)
        for client in (cluster, ticking):
            await client.resource_register("web")
        await cluster.execute("web", "start", parameters={"op_sleep": "0.02"})

        remote.kill()
        await run(ticking, "web", "start", parameters={"op_sleep": "0.05"})

        assert clock.running == {"web"}
        assert remote.running == frozenset()


async def test_an_action_that_takes_too_long_is_killed_and_changes_nothing(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")

    end = await run(cluster, "web", "start", parameters={"op_sleep": "3600"}, timeout_ms=30)

    assert end.status == ExecStatus.TIMEOUT
    assert remote.running == frozenset()


async def test_a_start_delay_postpones_the_first_run(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    await cluster.resource_register("db")

    delayed = await cluster.execute("web", "start", start_delay_ms=50)
    at_once = await cluster.execute("db", "start")
    await cluster.completion(delayed.rc)

    order = [n.call_id for n in notified(cluster.events) if isinstance(n, ExecNotify)]
    assert order == [at_once.rc, delayed.rc]


async def test_a_delayed_action_holds_up_those_behind_it(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")

    delayed = await cluster.execute("web", "start", start_delay_ms=50)
    behind = await cluster.execute("web", "monitor")
    first, second = await cluster.completion(delayed.rc), await cluster.completion(behind.rc)

    assert first.queue_time_ms is not None
    assert first.queue_time_ms >= 49
    assert second.exit_code == ExitCode.OK


async def test_a_delayed_action_can_be_cancelled(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    delayed = await cluster.execute("web", "start", start_delay_ms=HOUR)

    assert (await cluster.cancel("web", "start", 0)).rc == ReturnCode.OK
    assert (await cluster.completion(delayed.rc)).status == ExecStatus.CANCELLED
    assert remote.running == frozenset()


async def test_unregister_cancels_what_recurs_before_its_reply(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    monitor = await cluster.execute("web", "monitor", interval_ms=HOUR)
    await cluster.completion(monitor.rc)

    reply = await cluster.unregister("web")
    notify = await cluster.next_notify(UnregisterNotify)

    cancelled, answered, told = spoken(cluster.events)[-3:]
    assert isinstance(cancelled, ExecNotify)
    assert (cancelled.status, cancelled.deleted) == (ExecStatus.CANCELLED, 1)
    assert (answered, told) == (reply, notify)
    assert (reply.rc, notify.rc) == (0, 0)


async def test_unregister_while_an_action_runs(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    start = await cluster.execute("web", "start", parameters={"op_sleep": "0.05"})
    await cluster.poke()

    reply = await cluster.unregister("web")
    info = await cluster.resource_info("web")
    end = await cluster.completion(start.rc)

    assert reply.rc == ReturnCode.EINPROGRESS
    assert (await cluster.next_notify(UnregisterNotify)).rc == ReturnCode.EINPROGRESS
    assert info.rc == ReturnCode.ENODEV
    assert (end.status, end.exit_code, end.deleted) == (ExecStatus.DONE, 0, 1)


async def test_registering_again_keeps_or_replaces(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    monitor = await cluster.execute("web", "monitor", interval_ms=HOUR)
    await cluster.completion(monitor.rc)

    await cluster.resource_register("web")
    same = await cluster.get_recurring("web")
    await cluster.resource_register("web", "ocf", "heartbeat", "Dummy")
    other = await cluster.get_recurring("web")

    assert len(same.recurring()) == 1
    assert other.recurring() == []
    assert (await cluster.completion(monitor.rc)).status == ExecStatus.CANCELLED
    assert (await cluster.resource_info("web")).attributes["lrmd_provider"] == "heartbeat"


async def test_get_recurring_lists_one_or_all(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    for resource_id in ("web", "db"):
        await cluster.resource_register(resource_id)
        monitor = await cluster.execute(resource_id, "monitor", interval_ms=HOUR)
        await cluster.completion(monitor.rc)

    async def listed(reply: Reply) -> list[str]:
        return [operation.resource_id for operation in reply.recurring()]

    assert await listed(await cluster.get_recurring()) == ["web", "db"]
    assert await listed(await cluster.get_recurring("db")) == ["db"]
    assert (await cluster.get_recurring("no")).rc == ReturnCode.ENODEV


@pytest.mark.parametrize(
    ("definition", "exit_code", "status"),
    [
        (("ocf", "pacemaker", "NoSuch"), ExitCode.NOT_INSTALLED, ExecStatus.NOT_INSTALLED),
        (("nosuch", None, "Dummy"), ExitCode.NOT_INSTALLED, ExecStatus.NOT_INSTALLED),
        (("", None, ""), ExitCode.GENERIC, ExecStatus.ERROR_FATAL),
    ],
)
async def test_what_is_not_installed_says_so(
    remote: FakeRemote,
    join: Join,
    definition: tuple[str, str | None, str],
    exit_code: ExitCode,
    status: ExecStatus,
) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web", *definition)

    end = await run(cluster, "web", "start")

    assert (end.exit_code, end.status) == (exit_code, status)


async def test_an_installed_agent_is_used(remote: FakeRemote, join: Join) -> None:
    definition = Definition(standard="systemd", provider=None, agent="nginx")
    remote.agents.install(definition, remote.agents.dummy)
    remote.agents.dummy.script("web", "status", Outcome(ExitCode.DEGRADED))
    cluster = await join(remote)
    await cluster.resource_register("web", "systemd", None, "nginx")

    end = await run(cluster, "web", "monitor")

    assert (end.action, end.exit_code) == ("monitor", ExitCode.DEGRADED)


async def test_an_unknown_action_is_not_implemented(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")

    assert (await run(cluster, "web", "promote")).exit_code == ExitCode.UNIMPLEMENTED
