# SPDX-License-Identifier: GPL-2.0-or-later
"""Many resources, and what must never happen to a daemon that is asked to run the impossible."""

from __future__ import annotations

import asyncio

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster, PeerTimeout
from fixtures.wire import (
    Exec,
    ExecNotify,
    ResourceInfo,
    ResourceRegister,
    ResourceUnregister,
)

from .conftest import StartDaemon
from .scripted import Resources
from .under_test import Daemon

INIT_SCRIPT = ("lsb", None, "conformance-scripted")


@pytest.mark.requirement("EXE-001", "EXE-007", "EXE-015")
@pytest.mark.killed_by("no_exec_notify", "wrong_call_id_in_notify")
async def test_500_resources_at_once(daemon: Daemon, client: FakeCluster) -> None:
    daemon.need_agents()
    ids = [f"many{number}" for number in range(500)]
    standard, provider, agent = INIT_SCRIPT
    for each in ids:
        client.send(
            ResourceRegister(resource_id=each, standard=standard, provider=provider, agent=agent)
        )
    # Each fifth is also used, which costs a process.
    asked = [client.send(Exec(resource_id=each, action="exit-0")) for each in ids[::5]]
    calls = [(await client.reply_to(message_id, timeout=30)).rc for message_id in asked]
    results = [await client.completion(call_id, timeout=30) for call_id in calls]
    failed = [end for end in results if (end.exit_code, end.status) != (0, 0)]
    check(not failed, expected="100 successes", actual=f"{len(failed)} failed: {failed[:3]}")
    gone = [client.send(ResourceUnregister(resource_id=each)) for each in ids]
    codes = {(await client.reply_to(message_id, timeout=30)).rc for message_id in gone}
    check(codes == {0}, expected="all forgotten", actual=f"return codes {codes}")


@pytest.mark.requirement("EXE-039")
@pytest.mark.killed_by("monitors_starve")
async def test_64_monitors_of_one_second_all_run(resources: Resources) -> None:
    client, daemon = resources.client, resources.daemon
    several = [await resources.add(*INIT_SCRIPT) for _ in range(64)]
    for each in several:
        await each.ask("monitor", interval_ms=daemon.milliseconds(1000))
    left = {each.id: 3 for each in several}
    try:
        async with asyncio.timeout(max(daemon.seconds(10), 5)):
            while any(left.values()):
                end = await client.next_notify(ExecNotify)
                left[end.resource_id] = max(0, left[end.resource_id] - 1)
    except (TimeoutError, PeerTimeout):
        hungry = {resource_id: runs for resource_id, runs in left.items() if runs}
        check(
            False,
            expected="three runs of each of 64 within 10 s",
            actual=f"{len(hungry)} still miss runs: {hungry}",
        )


@pytest.mark.requirement("EXE-044")
@pytest.mark.killed_by("stonith_blocks")
@pytest.mark.parametrize("action", ["monitor", "start"])
async def test_fence_devices_do_not_block_the_daemon(
    start_daemon: StartDaemon, action: str
) -> None:
    daemon = await start_daemon()
    async with daemon.client() as client:
        await client.register()
        await client.resource_register("fence", "stonith", None, "fence_dummy")
        asked = client.send(Exec(resource_id="fence", action=action, timeout_ms=2000))
        call_id = (await client.reply_to(asked)).rc
        await client.reply_to(client.send(ResourceInfo(resource_id="fence")), daemon.seconds(3))
        end = await client.completion(call_id)
    check(end.status != 0, expected="an error, as nothing here can fence", actual=str(end))


@pytest.mark.requirement("EXE-045")
@pytest.mark.killed_by("crash_without_systemd")
@pytest.mark.parametrize("standard", ["systemd", "service"])
async def test_services_without_systemd_are_an_error(
    start_daemon: StartDaemon, standard: str
) -> None:
    daemon = await start_daemon()
    bystander = await daemon.bystander()
    async with daemon.client() as client:
        await client.register()
        await client.resource_register("unit", standard, None, "no-such-service")
        end = await client.completion((await client.execute("unit", "monitor")).rc)
    check(end.status != 0, expected="an error, as there is no such service", actual=str(end))
    await daemon.check_well(bystander)
    await bystander.close()
