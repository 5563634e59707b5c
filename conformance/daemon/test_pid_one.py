# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as the first process of a container, or as if it were (``PCMK_remote_pid1``).

A parent, ``pcmk-init``, reaps whatever loses its parent in the container, and ends when the daemon
ends. Upstream: daemons/execd/remoted_pidone.c.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from conformance.deviation import Deviation, check
from containers.node import File
from containers.processes import ZOMBIE, HostProcess
from fixtures.peers import PeerTimeout
from fixtures.wire import Check, ProxyNotify, ProxyOp

from .conftest import StartDaemon
from .under_test import Daemon

INIT = "pcmk-init"
VARIABLES_FILE = "/etc/pacemaker/pcmk-init.env"
LOG_FILE = "/var/log/pcmk-init.log"
#: Exit code of a daemon that ends for good.
FATAL = 100

#: What a test passes to ``start_daemon`` for a daemon with a parent, by name.
AS_PID_ONE = pytest.param(True, id="pid-1")
AS_IF = pytest.param(False, id="as-if")
KILLED_IF_UNREAD = pytest.mark.killed_by("init_file_ignored")


async def start(start_daemon: StartDaemon, pid_one: bool) -> Daemon:
    """A daemon with a parent: because it is pid 1, or because it was told to have one."""
    return await start_daemon({} if pid_one else {"PCMK_remote_pid1": "full"}, pid_one=pid_one)


async def ends(daemon: Daemon, documented: float) -> bool:
    """Whether the process that was started ends within so many seconds."""
    deadline = time.monotonic() + daemon.seconds(documented) + daemon.haste
    while await daemon.alive():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def inits(daemon: Daemon) -> list[HostProcess]:
    return [each for each in await daemon.processes() if each.name == INIT]


@pytest.mark.requirement("ENV-002")
@pytest.mark.killed_by("init_missing")
@pytest.mark.parametrize("pid_one", [AS_PID_ONE, AS_IF])
async def test_daemon_has_a_parent_of_its_own(start_daemon: StartDaemon, pid_one: bool) -> None:
    daemon = await start(start_daemon, pid_one)
    serving = (await daemon.vitals()).pid
    found = await daemon.processes()
    parents = {each.parent for each in found if each.pid == serving}
    check(
        parents == {each.pid for each in found if each.name == INIT},
        expected=f"the daemon's parent is {INIT}",
        actual="\n".join(map(str, found)),
    )
    async with daemon.client() as client:
        assert (await client.register()).rc == 0


@pytest.mark.requirement("ENV-002", "ENV-003")
@pytest.mark.versions(">=2.1.7", reason="older releases load the file for any value")
@pytest.mark.killed_by("init_for_any_value", "init_file_always_loaded")
@pytest.mark.parametrize("value", ["default", "yes"])
async def test_other_values_mean_nothing(start_daemon: StartDaemon, value: str) -> None:
    files = {VARIABLES_FILE: File(b"PCMK_remote_port=4000\n")}
    daemon = await start_daemon({"PCMK_remote_pid1": value}, files=files)
    found, ports = await inits(daemon), await daemon.listening()
    check(
        not found and ports == [3121],
        expected=f"no {INIT}, and the default port",
        actual=f"{found}, ports {ports}",
    )


@pytest.mark.requirement("ENV-002")
@pytest.mark.killed_by("init_leaves_zombies")
async def test_pid_one_reaps_what_lost_its_parent(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon(pid_one=True)
    await daemon.orphan()
    deadline = time.monotonic() + daemon.seconds(5)
    while orphans := [
        each for each in await daemon.processes() if each.parent == 1 and each.state == ZOMBIE
    ]:
        if time.monotonic() > deadline:
            raise Deviation("pid 1 reaps its children", f"still there: {orphans}")
        await asyncio.sleep(0.02)


@pytest.mark.requirement("ENV-002")
@pytest.mark.killed_by("init_hides_exit_code", "init_outlives_daemon")
@pytest.mark.parametrize("pid_one", [AS_PID_ONE, AS_IF])
async def test_parent_ends_with_the_daemon_and_its_exit_code(
    start_daemon: StartDaemon, pid_one: bool
) -> None:
    daemon = await start(start_daemon, pid_one)
    async with daemon.client() as client:
        await client.register()
        # A host without SBD is no place for a cluster that relies on a watchdog (ALR-006).
        client.send(Check(watchdog="10s"))
        status = await daemon.wait_exited(10)
    check(status == FATAL, expected=f"exit status {FATAL}", actual=f"exit status {status}")


@pytest.mark.requirement("ENV-002")
@pytest.mark.killed_by("init_outlives_daemon")
async def test_terminated_daemon_ends_its_parent_with_0(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon(pid_one=True)
    await daemon.signal("TERM", (await daemon.vitals()).pid)
    status = await daemon.wait_exited(10)
    check(status == 0, expected="exit status 0", actual=f"exit status {status}")


@pytest.mark.requirement("ENV-002")
@pytest.mark.killed_by("init_missing", "init_hides_exit_code", "init_outlives_daemon")
async def test_killed_daemon_ends_its_parent_with_an_error(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon(pid_one=True)
    await daemon.signal("KILL", (await daemon.vitals()).pid)
    status = await daemon.wait_exited(10)
    check(status == 1, expected="exit status 1", actual=f"exit status {status}")


@pytest.mark.requirement("ENV-012")
@pytest.mark.killed_by("init_swallows_sigterm", "exit_at_once_on_stop_request")
@pytest.mark.parametrize("pid_one", [AS_PID_ONE, AS_IF])
async def test_terminating_the_parent_is_a_graceful_stop(
    start_daemon: StartDaemon, pid_one: bool
) -> None:
    daemon = await start(start_daemon, pid_one)
    async with daemon.client("provider") as provider:
        await provider.register(is_ipc_provider=True)
        await daemon.terminate()
        try:
            request = await provider.next_notify(ProxyNotify, timeout=daemon.seconds(2))
        except PeerTimeout:
            raise Deviation(
                "the cluster is asked to stop the node's resources", "SIGTERM does nothing"
            ) from None
        check(request.ipc_op == ProxyOp.SHUTDOWN_REQ, expected="a request", actual=str(request))


@pytest.mark.requirement("ENV-013")
@pytest.mark.killed_by("init_leaves_daemon")
async def test_interrupting_the_parent_leaves_no_daemon_alone(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_remote_pid1": "full"})
    serving = (await daemon.vitals()).pid
    await daemon.signal("INT")
    if not await ends(daemon, 2):
        return  # both live on
    deadline = time.monotonic() + daemon.seconds(2)
    while left := [each for each in await daemon.processes() if each.pid == serving]:
        if time.monotonic() > deadline:
            raise Deviation("no daemon without its parent", f"left behind: {left}")
        await asyncio.sleep(0.02)


@pytest.mark.requirement("ENV-003")
@pytest.mark.killed_by("init_file_ignored")
async def test_pid_one_loads_the_variables_of_the_file(start_daemon: StartDaemon) -> None:
    files = {VARIABLES_FILE: File(b"PCMK_remote_port=4000\n")}
    daemon = await start_daemon(port=4000, files=files, pid_one=True)
    ports = await daemon.listening()
    check(ports == [4000], expected="the port of the file", actual=f"ports {ports}")


@pytest.mark.requirement("ENV-002", "ENV-003")
@pytest.mark.killed_by("init_file_ignored", "init_for_any_value")
async def test_vars_loads_the_variables_and_no_more(start_daemon: StartDaemon) -> None:
    files = {VARIABLES_FILE: File(b"PCMK_remote_port=4000\n")}
    daemon = await start_daemon({"PCMK_remote_pid1": "vars"}, port=4000, files=files)
    found, ports = await inits(daemon), await daemon.listening()
    check(
        ports == [4000] and not found,
        expected=f"the port of the file, and no {INIT}",
        actual=f"ports {ports}, {found}",
    )


@pytest.mark.requirement("ENV-003")
@pytest.mark.killed_by("init_file_overrides")
async def test_variables_of_the_file_override_none(start_daemon: StartDaemon) -> None:
    files = {VARIABLES_FILE: File(b"PCMK_remote_port=4000\n")}
    daemon = await start_daemon({"PCMK_remote_port": "3999"}, port=3999, files=files, pid_one=True)
    ports = await daemon.listening()
    check(ports == [3999], expected="the environment's port", actual=f"ports {ports}")


@pytest.mark.requirement("ENV-003")
@pytest.mark.parametrize(
    ("text", "port"),
    [
        pytest.param(
            '  PCMK_remote_port="4000"  # of this host',
            4000,
            id="commented",
            marks=KILLED_IF_UNREAD,
        ),
        pytest.param(
            "x" * 5000 + "\nPCMK_remote_port=4000",
            4000,
            id="after-a-long-line",
            marks=KILLED_IF_UNREAD,
        ),
        pytest.param("PCMK_remote_port='4000", 3121, id="unclosed-quote"),
        pytest.param("PCMK_remote_port=4000 or so", 3121, id="trailing-words"),
        pytest.param("export PCMK_remote_port=4000", 3121, id="shell-command"),
    ],
)
async def test_lines_of_the_file(start_daemon: StartDaemon, text: str, port: int) -> None:
    files = {VARIABLES_FILE: File(f"{text}\n".encode())}
    daemon = await start_daemon({"PCMK_remote_pid1": "vars"}, port=port, files=files)
    ports = await daemon.listening()
    check(ports == [port], expected=f"port {port}", actual=f"ports {ports}")


@pytest.mark.requirement("ENV-004")
@pytest.mark.killed_by("init_without_log")
async def test_default_log_of_pid_one(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon(pid_one=True)
    log = await daemon.read(LOG_FILE)
    check(bool(log), expected=f"a log in {LOG_FILE}", actual=f"it holds {log!r}")


@pytest.mark.requirement("ENV-004", "ENV-007")
@pytest.mark.killed_by("init_log_only")
async def test_other_log_of_pid_one(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_logfile": "/var/log/chosen.log"}, pid_one=True)
    chosen, default = await daemon.read("/var/log/chosen.log"), await daemon.read(LOG_FILE)
    check(
        bool(chosen) and not default,
        expected="a log in the chosen file alone",
        actual=f"chosen: {chosen!r}, default: {default!r}",
    )
