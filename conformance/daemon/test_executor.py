# SPDX-License-Identifier: GPL-2.0-or-later
"""Resources: registered, started, monitored, stopped, forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster, PeerTimeout
from fixtures.wire import ExecNotify, NotifyReceived, ReplyReceived

from .under_test import Daemon

#: Exit codes of OCF agents (OCF resource agent API 1.1).
OCF_OK, OCF_NOT_INSTALLED, OCF_NOT_RUNNING = 0, 5, 7
DONE, CANCELLED, NOT_INSTALLED = 0, 1, 7
ENODEV = -19


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[FakeCluster]:
    """A registered client; the resource ``d1`` is stopped and forgotten when it leaves."""
    async with daemon.client() as client:
        await client.register()
        yield client
        if (await client.resource_info("d1")).rc == 0:
            await client.completion((await client.execute("d1", "stop")).rc)
            await client.unregister("d1")


async def run(client: FakeCluster, action: str, **options: int) -> ExecNotify:
    """Run *action* of ``d1`` to its end."""
    reply = await client.execute("d1", action, **options)
    assert reply.rc is not None
    assert reply.rc > 0, f"{action} was not accepted: {reply}"
    return await client.completion(reply.rc)


def is_done(notify: ExecNotify) -> bool:
    return notify.status == DONE


@pytest.mark.requirement("EXE-001")
async def test_registered_resource_is_known(client: FakeCluster) -> None:
    assert (await client.resource_register("d1")).rc == 0
    info = await client.resource_info("d1")
    found = [info.attributes.get(f"lrmd_{name}") for name in ("class", "provider", "type")]
    check(
        found == ["ocf", "pacemaker", "Dummy"],
        expected="class ocf, provider pacemaker, type Dummy",
        actual=str(info),
    )


@pytest.mark.requirement("EXE-002")
@pytest.mark.killed_by("info_knows_everything")
async def test_unknown_resource_is_enodev(client: FakeCluster) -> None:
    info = await client.resource_info("nobody-registered-this")
    check(
        info.rc == ENODEV and "lrmd_class" not in info.attributes,
        expected="return code -19 (ENODEV) and no class",
        actual=str(info),
    )


@pytest.mark.requirement("EXE-005")
@pytest.mark.killed_by("info_knows_everything")
async def test_exec_of_an_unregistered_resource_is_enodev(client: FakeCluster) -> None:
    reply = await client.execute("nobody-registered-this", "start")
    check(reply.rc == ENODEV, expected="return code -19 (ENODEV)", actual=str(reply))


@pytest.mark.requirement("EXE-007", "EXE-010")
@pytest.mark.killed_by("no_exec_notify", "wrong_call_id_in_notify", "stop_does_nothing")
async def test_start_monitor_stop(client: FakeCluster) -> None:
    await client.resource_register("d1")
    story = [
        ("monitor", OCF_NOT_RUNNING),
        ("start", OCF_OK),
        ("monitor", OCF_OK),
        ("stop", OCF_OK),
        ("monitor", OCF_NOT_RUNNING),
    ]
    for action, exit_code in story:
        done = await run(client, action)
        check(
            (done.exit_code, done.status) == (exit_code, DONE),
            expected=f"{action} ends with exit code {exit_code}, status done",
            actual=str(done),
        )


@pytest.mark.requirement("EXE-008")
@pytest.mark.killed_by("userdata_altered")
async def test_userdata_comes_back_unchanged(client: FakeCluster) -> None:
    await client.resource_register("d1")
    userdata = "3:9:0:11111111-2222;<&>\"'"
    reply = await client.execute("d1", "monitor", userdata=userdata)
    done = await client.completion(reply.rc)
    check(done.userdata == userdata, expected=userdata, actual=str(done.userdata))


@pytest.mark.requirement("EXE-013")
@pytest.mark.versions(">=2.1.5", reason="before, the status was 0")
async def test_missing_agent_is_not_installed(client: FakeCluster) -> None:
    await client.resource_register("d1", agent="NoSuchAgent")
    done = await run(client, "start")
    check(
        (done.exit_code, done.status) == (OCF_NOT_INSTALLED, NOT_INSTALLED),
        expected="exit code 5, status 7 (not installed)",
        actual=str(done),
    )


@pytest.mark.requirement("EXE-022", "MSG-007")
async def test_cancelled_monitor_is_told_before_the_reply_and_then_silent(
    client: FakeCluster,
) -> None:
    interval = 200
    await client.resource_register("d1")
    await run(client, "start")
    reply = await client.execute("d1", "monitor", interval_ms=interval)
    for _ in range(3):
        await client.completion(reply.rc)
    cancelled = await client.cancel("d1", "monitor", interval)
    check(cancelled.rc == 0, expected="cancel returns 0", actual=str(cancelled))
    with pytest.raises(PeerTimeout):  # three more runs would have come in that time
        await client.next_notify(ExecNotify, is_done, timeout=3 * interval / 1000)
    story = [
        event.notify.status if isinstance(event, NotifyReceived) else "reply"
        for event in client.events
        if (isinstance(event, NotifyReceived) and isinstance(event.notify, ExecNotify))
        or (isinstance(event, ReplyReceived) and event.reply is cancelled)
    ]
    check(
        story[-2:] == [CANCELLED, "reply"],
        expected="the cancelled operation's notify (status 1), then the reply, then nothing",
        actual=f"{story[-4:]}",
    )
    left = await client.get_recurring("d1")
    check(not left.recurring(), expected="no recurring operation is left", actual=str(left))


@pytest.mark.requirement("EXE-026")
@pytest.mark.killed_by("info_knows_everything")
async def test_unregistered_resource_is_forgotten(client: FakeCluster) -> None:
    await client.resource_register("d1")
    assert (await client.unregister("d1")).rc == 0
    info = await client.resource_info("d1")
    check(info.rc == ENODEV, expected="return code -19 (ENODEV)", actual=str(info))
