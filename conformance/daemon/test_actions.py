# SPDX-License-Identifier: GPL-2.0-or-later
"""Actions: asked for, run by the right agent in the right environment, told once."""

from __future__ import annotations

import time

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster
from fixtures.wire import Exec, ExecNotify, ExecStatus, ExitCode, ReturnCode

from .scripted import Resources, ends, printed, script
from .under_test import Daemon


def result(end: ExecNotify) -> tuple[int, int]:
    return end.exit_code, end.status


@pytest.mark.requirement("EXE-007", "EXE-010", "TRM-005")
@pytest.mark.killed_by("no_exec_notify", "wrong_call_id_in_notify", "stop_does_nothing")
async def test_start_monitor_stop(daemon: Daemon, client: FakeCluster) -> None:
    async with Resources(daemon, client) as resources:
        dummy = await resources.add("ocf", "pacemaker", "Dummy")
        story = [
            ("monitor", ExitCode.NOT_RUNNING),
            ("start", ExitCode.OK),
            ("monitor", ExitCode.OK),
            ("stop", ExitCode.OK),
            ("monitor", ExitCode.NOT_RUNNING),
        ]
        for action, exit_code in story:
            done = await dummy.run(action)
            check(
                result(done) == (exit_code, ExecStatus.DONE),
                expected=f"{action} ends with exit code {exit_code}, status done",
                actual=str(done),
            )


@pytest.mark.requirement("TRM-005")
@pytest.mark.killed_by("stop_does_nothing")
async def test_the_agent_runs_where_the_daemon_is(resources: Resources) -> None:
    resource = await resources.add()
    actions = ("start", "reload", "stop")
    for action in actions:
        await resource.run(action)
    done = [(line.what, line.action) for line in await resources.record(resource)]
    wanted = [(what, action) for action in actions for what in ("begin", "end")]
    check(done == wanted, expected=f"on the daemon's host: {wanted}", actual=f"{done}")


@pytest.mark.requirement("EXE-007")
@pytest.mark.killed_by("no_exec_notify", "wrong_call_id_in_notify")
async def test_every_call_id_is_new_and_told_once(resources: Resources) -> None:
    several = [await resources.add() for _ in range(4)]
    asked = [await each.ask("reload") for each in several for _ in range(5)]
    for call_id in asked:
        await resources.client.completion(call_id)
    told = [end.call_id for each in several for end in ends(resources.client, each)]
    check(
        len(set(asked)) == 20 and sorted(told) == sorted(asked),
        expected=f"20 different ids, each told once: {asked}",
        actual=f"{told}",
    )


@pytest.mark.requirement("EXE-005")
@pytest.mark.killed_by("exec_of_unknown_accepted")
async def test_exec_of_an_unregistered_resource_is_enodev(resources: Resources) -> None:
    client = resources.client
    reply = await client.execute("nobody-registered-this", "start")
    await resources.pass_time(0.2)
    told = [event for event in client.events if "nobody-registered" in str(event)]
    check(
        reply.rc == ReturnCode.ENODEV and not [each for each in told if "Exec" in str(each)][1:],
        expected="return code -19 (ENODEV) and no notify",
        actual=f"{reply}; {told}",
    )


@pytest.mark.requirement("EXE-006")
@pytest.mark.killed_by("exec_without_id_accepted")
async def test_exec_without_id_is_einval(client: FakeCluster) -> None:
    reply = await client.request(Exec(resource_id=None, action="start"))
    check(reply.rc == ReturnCode.EINVAL, expected="return code -22 (EINVAL)", actual=str(reply))


@pytest.mark.requirement("EXE-009")
@pytest.mark.killed_by("parameters_lost", "meta_parameters_lost")
async def test_parameters_reach_the_agent(resources: Resources) -> None:
    given = {
        "CONFIG": "/etc/a b.conf",
        "lower_case": "a 'b' \"c\" <&> = $HOME `id` \\ %s",
        "2nd": "a name that begins with a digit",
        "CRM_meta_timeout": "20000",
    }
    resource = await resources.add()
    shown = await resource.run("environment", given)
    environment = set(printed(shown))
    missing = {f"OCF_RESKEY_{name}={value}" for name, value in given.items()} - environment
    check(not missing, expected="every parameter as OCF_RESKEY_*", actual=f"missing: {missing}")
    check(
        dict(shown.parameters) == given, expected=f"told with {given}", actual=str(shown.parameters)
    )


@pytest.mark.requirement("EXE-009")
@pytest.mark.killed_by("ocf_variables_lost")
async def test_agent_knows_what_it_is(resources: Resources) -> None:
    resource = await resources.add()
    environment = dict(
        line.partition("=")[::2] for line in printed(await resource.run("environment"))
    )
    wanted = {
        "OCF_ROOT": "/usr/lib/ocf",
        "OCF_RESOURCE_INSTANCE": resource.id,
        "OCF_RESOURCE_TYPE": "Scripted",
        "OCF_RESOURCE_PROVIDER": "conformance",
    }
    found = {name: environment.get(name) for name in wanted}
    check(found == wanted, expected=f"{wanted}", actual=f"{found}")


@pytest.mark.requirement("EXE-010")
@pytest.mark.parametrize(
    "exit_code",
    [
        *(0, 1, 2, 3, 5, 6, 7),
        *(
            pytest.param(code, marks=pytest.mark.killed_by("high_exit_codes_flattened"))
            for code in (8, 9, 190, 191)
        ),
    ],
)
async def test_exit_code_is_told(resources: Resources, exit_code: int) -> None:
    resource = await resources.add()
    end = await resource.run("monitor", script(exit_code=exit_code))
    check(
        result(end) == (exit_code, ExecStatus.DONE),
        expected=f"exit code {exit_code}, status done",
        actual=str(end),
    )


@pytest.mark.requirement("EXE-013")
@pytest.mark.killed_by("missing_agent_is_generic")
@pytest.mark.parametrize(
    ("standard", "provider"),
    [
        pytest.param("ocf", "conformance", id="ocf"),
        pytest.param("ocf", "no-such-provider", id="provider"),
        pytest.param("lsb", None, id="lsb"),
    ],
)
async def test_missing_agent_is_not_installed(
    resources: Resources, standard: str, provider: str | None
) -> None:
    resource = await resources.add(standard, provider, "NoSuchAgent")
    end = await resource.run("start")
    check(
        result(end) == (ExitCode.NOT_INSTALLED, ExecStatus.NOT_INSTALLED),
        expected="exit code 5, status 7 (not installed)",
        actual=str(end),
    )


@pytest.mark.requirement("EXE-013")
@pytest.mark.killed_by("missing_agent_is_generic")
async def test_agent_that_may_not_be_executed_bans_the_host(resources: Resources) -> None:
    resource = await resources.add("ocf", "conformance", "NotExecutable")
    end = await resource.run("start")
    check(
        end.exit_code in {ExitCode.PERMISSIONS, ExitCode.NOT_INSTALLED},
        expected="exit code 4 (insufficient permissions) or 5 (not installed)",
        actual=str(end),
    )


@pytest.mark.requirement("EXE-030")
@pytest.mark.killed_by("init_scripts_monitored", "stop_does_nothing")
@pytest.mark.parametrize("standard", ["lsb", "service"])
async def test_init_scripts_are_asked_for_their_status(resources: Resources, standard: str) -> None:
    resource = await resources.add(standard, None, "conformance-scripted")
    verbs = []
    for action in ("start", "monitor", "stop", "monitor"):
        end = await resource.run(action)
        verbs.append((end.action, *printed(end), end.exit_code))
    wanted = [
        ("start", "called with start", 0),
        ("monitor", "called with status", 0),
        ("stop", "called with stop", 0),
        ("monitor", "called with status", ExitCode.NOT_RUNNING),
    ]
    check(verbs == wanted, expected=f"{wanted}", actual=f"{verbs}")


@pytest.mark.requirement("EXE-043")
@pytest.mark.killed_by("unknown_class_succeeds")
async def test_unknown_class_is_an_error(resources: Resources) -> None:
    resource = await resources.add("no-such-class", None, "x")
    end = await resource.run("start")
    check(end.status != ExecStatus.DONE, expected="a status that is no success", actual=str(end))


@pytest.mark.requirement("NEG-005")
@pytest.mark.killed_by("agent_paths_unchecked")
@pytest.mark.parametrize(
    ("standard", "provider", "agent"),
    [
        pytest.param("ocf", "pacemaker", "../../../../../bin/echo", id="type"),
        pytest.param("ocf", "../../../../bin", "echo", id="provider"),
        pytest.param("lsb", None, "../../bin/echo", id="lsb"),
        pytest.param("lsb", None, "/bin/echo", id="absolute"),
    ],
)
async def test_agent_names_are_no_paths(
    resources: Resources, standard: str, provider: str | None, agent: str
) -> None:
    resource = await resources.add(standard, provider, agent)
    end = await resource.run("start")
    check(
        end.status != ExecStatus.DONE and not printed(end),
        expected="an error; nothing outside the agents' directories is executed",
        actual=f"/bin/echo ran: {end}",
    )


@pytest.mark.requirement("EXE-040")
@pytest.mark.killed_by("descriptors_leak")
async def test_agents_inherit_no_open_files(resources: Resources) -> None:
    resource = await resources.add()
    opened = [line.split(maxsplit=1) for line in printed(await resource.run("descriptors"))]
    # The shell keeps its script open, and the one that looks reads the answer from a pipe.
    strange = [
        (number, target)
        for number, target in opened
        if any(word in target for word in ("socket:", "/qb-", "anon_inode:"))
    ]
    check(
        {number for number, _ in opened} >= {"0", "1", "2"} and not strange,
        expected="stdin, stdout and stderr, and no socket or shared memory of the daemon",
        actual=f"{opened}",
    )


@pytest.mark.requirement("EXE-014")
@pytest.mark.killed_by("actions_overlap")
async def test_actions_of_one_resource_never_overlap(resources: Resources) -> None:
    resource = await resources.add()
    takes = script(seconds=resources.daemon.seconds(0.2))
    actions = ("start", "monitor", "monitor", "reload")
    asked = [await resource.ask(action, takes) for action in actions]
    for call_id in asked:
        await resources.client.completion(call_id)
    done = [(line.what, line.action) for line in await resources.record(resource)]
    wanted = [(what, action) for action in actions for what in ("begin", "end")]
    check(done == wanted, expected=f"one after the other: {wanted}", actual=f"{done}")


@pytest.mark.requirement("EXE-015")
@pytest.mark.killed_by("resources_wait_for_each_other")
async def test_actions_of_different_resources_run_in_parallel(resources: Resources) -> None:
    client, takes = resources.client, script(seconds=resources.daemon.seconds(1))
    several = [await resources.add() for _ in range(8)]
    sent = [
        client.send(Exec(resource_id=each.id, action="start", parameters=takes)) for each in several
    ]
    for message_id in sent:
        await client.completion((await client.reply_to(message_id)).rc)
    lines = [line for each in several for line in await resources.record(each)]
    first_end = min(line.at for line in lines if line.what == "end")
    early = sum(line.what == "begin" and line.at < first_end for line in lines)
    check(
        early >= 4,
        expected="most of 8 starts of 1 s have begun before the first has ended",
        actual=f"{early} have",
    )


@pytest.mark.requirement("EXE-016", "EXE-036")
@pytest.mark.killed_by("queue_time_untold", "exec_time_untold", "actions_overlap")
async def test_times_are_told(resources: Resources) -> None:
    takes = resources.daemon.milliseconds(1000)
    resource = await resources.add()
    begun = time.monotonic()
    # Both are sent at once, so the second waits for nearly as long as the first runs.
    client, parameters = resources.client, script(seconds=takes / 1000)
    first = Exec(resource_id=resource.id, action="start", parameters=parameters)
    second = Exec(resource_id=resource.id, action="monitor")
    sent = [client.send(request) for request in (first, second)]
    replies = [await client.reply_to(message_id) for message_id in sent]
    ran, waited = [await client.completion(reply.rc) for reply in replies]
    most = (time.monotonic() - begun) * 1000 + 1
    check(
        takes <= (ran.exec_time_ms or 0) <= most,
        expected=f"an execution time of {takes} to {most:.0f} ms",
        actual=str(ran),
    )
    check(
        takes / 2 <= (waited.queue_time_ms or 0) <= most,
        expected=f"a queue time of {takes / 2:.0f} to {most:.0f} ms",
        actual=str(waited),
    )


@pytest.mark.requirement("EXE-032")
@pytest.mark.killed_by("start_delay_ignored")
async def test_start_delay_postpones_the_run(resources: Resources) -> None:
    delay = resources.daemon.milliseconds(1500)
    resource = await resources.add()
    begun = time.monotonic()
    end = await resource.run("start", start_delay_ms=delay)
    took = (time.monotonic() - begun) * 1000
    check(
        end.start_delay_ms == delay and took >= delay - 1,
        expected=f"an end after at least {delay} ms that tells the delay",
        actual=f"after {took:.0f} ms: {end}",
    )


@pytest.mark.requirement("EXE-033")
@pytest.mark.killed_by("negative_times_block")
@pytest.mark.parametrize("option", ["start_delay_ms", "timeout_ms"])
async def test_negative_times_do_not_block(resources: Resources, option: str) -> None:
    resource, client = await resources.add(), resources.client
    reply = await client.execute(
        resource.id, "start", parameters=script(seconds=0.01), **{option: -1000}
    )
    if reply.rc is not None and reply.rc > 0:
        await client.completion(reply.rc, resources.daemon.seconds(2))
    await client.completion(await resource.ask("monitor"), resources.daemon.seconds(2))


@pytest.mark.requirement("NEG-013")
@pytest.mark.parametrize("timeout_ms", [2**31 - 1, 2**31, 2**63, 10**20])
async def test_huge_time_outs_are_harmless(resources: Resources, timeout_ms: int) -> None:
    resource = await resources.add()
    end = await resource.run("start", timeout_ms=timeout_ms)
    check(result(end) == (0, 0), expected="the action runs and succeeds", actual=str(end))


@pytest.mark.requirement("NEG-014")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(-1, marks=pytest.mark.killed_by("negative_call_options_crash")),
        2**31 - 1,
        10**20,
    ],
)
async def test_call_options_beyond_meaning_are_harmless(resources: Resources, options: int) -> None:
    resource = await resources.add(call_options=options)
    end = await resource.run("start", call_options=options)
    check(result(end) == (0, 0), expected="the action runs and succeeds", actual=str(end))
