# SPDX-License-Identifier: GPL-2.0-or-later
"""The program: what its command line means, when it does not start, and what signals do to it."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster

from .conftest import StartDaemon
from .under_test import Daemon

#: Exit codes (sysexits.h; upstream include/crm/common/results.h).
OK, USAGE, FATAL = 0, 64, 100


@pytest.mark.requirement("ENV-014")
@pytest.mark.killed_by("command_line_not_read")
@pytest.mark.parametrize(
    ("option", "printed"), [("--version", "Pacemaker "), ("--help", "pacemaker-remoted")]
)
async def test_question_is_answered_and_nothing_started(
    daemon: Daemon, option: str, printed: str
) -> None:
    ended = await daemon.program(option)
    check(
        ended.status == OK and printed in ended.output,
        expected=f"{printed!r} is printed, exit status {OK}",
        actual=str(ended),
    )


@pytest.mark.requirement("ENV-014")
@pytest.mark.killed_by("command_line_not_read")
@pytest.mark.parametrize("option", ["--no-such-option", "-p"], ids=["unknown", "without-value"])
async def test_wrong_option_is_a_usage_error(daemon: Daemon, option: str) -> None:
    ended = await daemon.program(option)
    check(
        ended.status == USAGE and bool(ended.output),
        expected=f"exit status {USAGE} and a message",
        actual=str(ended),
    )


@pytest.mark.requirement("TRM-007")
@pytest.mark.killed_by("second_daemon_starts")
async def test_second_executor_on_a_host_refuses_to_start(daemon: Daemon) -> None:
    # Another port, so that only the names of the local services are taken. Those are the names
    # that a cluster node's executor has too.
    ended = await daemon.program("-p", "4000")
    check(
        ended.status == FATAL,
        expected=f"exit status {FATAL}, so that nobody starts it again",
        actual=str(ended),
    )


@pytest.mark.requirement("TRM-006")
@pytest.mark.killed_by("cluster_daemons_started")
async def test_no_cluster_daemon_is_needed(daemon: Daemon) -> None:
    async with daemon.client() as client:
        assert (await client.register()).rc == 0
    cluster = {"corosync", "pacemakerd", "pacemaker-based", "pacemaker-controld"}
    found = [each for each in await daemon.processes() if each.name in cluster]
    check(not found, expected="no daemon of a cluster node", actual=str(found))


@pytest.mark.requirement("ENV-015")
@pytest.mark.killed_by("signals_are_fatal")
@pytest.mark.parametrize("name", ["PIPE", "USR1", "USR2", "TRAP"])
async def test_signal_leaves_the_daemon_at_work(daemon: Daemon, name: str) -> None:
    async with daemon.client() as client:
        await client.register()
        await daemon.signal(name)
        reply = await client.poke()
        check(reply.rc == 0, expected="a poke is answered", actual=str(reply))


async def register(client: FakeCluster) -> int | None:
    async with client:
        return (await client.register()).rc


@pytest.mark.requirement("ENV-016")
@pytest.mark.killed_by("log_file_is_needed")
@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        pytest.param({"PCMK_logfile": "/no/such/directory/log"}, (), id="variable"),
        pytest.param({}, ("-l", "/no/such/directory/log"), id="argument"),
        pytest.param({"PCMK_logfile": "/proc/log"}, (), id="not-writable"),
    ],
)
async def test_log_that_cannot_be_written_is_done_without(
    start_daemon: StartDaemon, variables: dict[str, str], arguments: tuple[str, ...]
) -> None:
    daemon = await start_daemon(variables, arguments)
    rc = await register(daemon.client())
    check(rc == 0, expected="a client is served", actual=f"return code {rc}")
