# SPDX-License-Identifier: GPL-2.0-or-later
"""Alerts, which nobody is told the end of, and the check of the watchdog."""

from __future__ import annotations

import asyncio
import itertools
import os
import time

import pytest

from conformance.deviation import check
from fixtures.peers import ALERT_AGENT, FakeCluster
from fixtures.wire import AlertExec, Check, ExecNotify, NotifyReceived, ReplyReceived, ReturnCode

from .conftest import StartDaemon
from .scripted import Resources
from .under_test import Daemon

_RECORDS = itertools.count(1)


def alert(*, seconds: float = 0, timeout_ms: int = 30_000, **variables: str) -> AlertExec:
    """An alert for the harness's agent; its parameter ``record`` names its record."""
    variables["record"] = f"alert-{os.getpid()}-{next(_RECORDS)}"
    if seconds:
        variables["seconds"] = f"{seconds:.3f}"
    return AlertExec(
        alert_id="alert-1", path=ALERT_AGENT, timeout_ms=timeout_ms, parameters=variables
    )


async def wait_for(resources: Resources, request: AlertExec, what: str) -> list[str]:
    """The alert's record, once it has a line that begins so."""
    async with asyncio.timeout(resources.client.patience):
        while True:
            lines = await resources.text(request.parameters["record"])
            if any(line.startswith(f"{what} ") for line in lines):
                return lines


@pytest.mark.requirement("ALR-001")
@pytest.mark.killed_by("incomplete_alert_accepted")
@pytest.mark.parametrize(
    ("alert_id", "path"),
    [
        pytest.param(None, ALERT_AGENT, id="id"),
        pytest.param("alert-1", None, id="path"),
        pytest.param(None, None, id="both"),
    ],
)
async def test_incomplete_alert_is_einval(
    client: FakeCluster, alert_id: str | None, path: str | None
) -> None:
    reply = await client.request(AlertExec(alert_id=alert_id, path=path))
    check(reply.rc == ReturnCode.EINVAL, expected="return code -22 (EINVAL)", actual=str(reply))


@pytest.mark.requirement("ALR-002")
@pytest.mark.killed_by("alerts_as_root", "alert_variables_lost")
async def test_alert_runs_as_hacluster_and_knows_the_event(resources: Resources) -> None:
    request = alert(CRM_alert_kind="node", CRM_alert_desc='lost "r1" <&>')
    await resources.client.request(request)
    lines = await wait_for(resources, request, "end")
    user = lines[0].split()[2]
    wanted = {f"{name}={value}" for name, value in request.parameters.items()}
    check(
        user == "hacluster" and wanted <= set(lines),
        expected=f"as hacluster, with {sorted(wanted)}",
        actual=f"as {user}, without {sorted(wanted - set(lines))}",
    )


@pytest.mark.requirement("ALR-003")
@pytest.mark.killed_by("alert_reply_late", "alert_end_told")
async def test_alert_is_replied_to_at_once_and_its_end_is_not_told(resources: Resources) -> None:
    client = resources.client
    request = alert(seconds=resources.daemon.seconds(2.5))
    reply = await client.request(request)
    lines = await resources.text(request.parameters["record"])
    check(
        reply.rc == 0 and not any(line.startswith("end ") for line in lines),
        expected="return code 0 before the alert has ended",
        actual=f"{reply}; {lines}",
    )
    before = len(client.events)
    await wait_for(resources, request, "end")
    await client.resource_info("nothing")  # its reply bounds what may have come
    told = [event.notify for event in client.events[before:] if isinstance(event, NotifyReceived)]
    strange = [notify for notify in told if not isinstance(notify, ExecNotify)]
    check(not strange, expected="no notify of the alert", actual=f"{strange}")


@pytest.mark.requirement("ALR-003")
async def test_alert_without_an_agent_is_harmless(client: FakeCluster) -> None:
    reply = await client.request(AlertExec(alert_id="a", path="/no/such/alert"))
    check(reply.rc is not None, expected="a reply", actual=str(reply))


@pytest.mark.requirement("ALR-004")
@pytest.mark.killed_by("alerts_abandoned", "waits_without_provider")
async def test_daemon_waits_for_a_running_alert(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    takes = daemon.seconds(1.5)
    async with daemon.client() as client:
        await client.register()
        begun = time.monotonic()
        await client.request(alert(seconds=takes, timeout_ms=daemon.milliseconds(10_000)))
        await daemon.terminate()
        status = await daemon.wait_exited(daemon.seconds(10))
    took = time.monotonic() - begun
    check(
        status == 0 and takes <= took < daemon.seconds(8),
        expected=f"exit status 0 when the alert has ended, after {takes:g} s",
        actual=f"exit status {status} after {took:.2f} s",
    )


@pytest.mark.requirement("ALR-004")
@pytest.mark.killed_by("alerts_awaited_for_ever", "waits_without_provider")
async def test_daemon_does_not_wait_for_ever_for_an_alert(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with daemon.client() as client:
        await client.register()
        await client.request(alert(seconds=daemon.seconds(60), timeout_ms=daemon.milliseconds(500)))
        await daemon.terminate()
        # Its time-out and five seconds, and two for a busy machine.
        status = await daemon.wait_exited(daemon.seconds(0.5 + 5 + 2))
    check(status == 0, expected="exit status 0", actual=f"exit status {status}")


@pytest.mark.requirement("ALR-005")
@pytest.mark.killed_by("check_replied", "check_always_fatal")
@pytest.mark.parametrize("watchdog", [None, "0"], ids=["none", "zero"])
async def test_check_without_time_out_does_nothing(
    client: FakeCluster, watchdog: str | None
) -> None:
    before = len(client.events)
    client.send(Check(watchdog=watchdog))
    info = await client.resource_info("nothing")  # its reply bounds what may have come
    said = client.events[before:]
    check(
        len(said) == 1 and isinstance(said[0], ReplyReceived) and said[0].reply is info,
        expected="no answer but that to the next request",
        actual=f"{said}",
    )


@pytest.mark.requirement("ALR-006")
@pytest.mark.killed_by("check_ignored")
async def test_check_with_time_out_stops_a_daemon_without_sbd(start_daemon: StartDaemon) -> None:
    daemon: Daemon = await start_daemon()
    async with daemon.client() as client:
        await client.register()
        client.send(Check(watchdog="10s"))
        status = await daemon.wait_exited(daemon.seconds(10))
    check(status == 100, expected="exit status 100 (fatal)", actual=f"exit status {status}")
