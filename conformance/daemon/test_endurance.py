# SPDX-License-Identifier: GPL-2.0-or-later
"""What many connections, many requests and long silence leave behind: nothing.

Every load is bounded, and ends by itself. Memory and files are compared between two moments at
which the daemon has the same clients, after what it sets aside once has been set aside.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from conformance.deviation import Deviation, check
from containers.processes import Vitals
from fixtures.peers import ConnectionEnded, FakeCluster, PeerTimeout
from fixtures.wire import NewClientNotify, NotifyReceived, ResourceRegister

from .conftest import StartDaemon
from .under_test import SIGN_OF_LIFE, Daemon

#: Makes freed memory useless at once (glibc's tunables; see mallopt(3), M_PERTURB).
PERTURBED = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.perturb=165"}

#: Resident memory, in KiB, that may come and go between two looks at an idle daemon.
SLACK_KIB = 4096


@asynccontextmanager
async def strangers(
    daemon: Daemon, number: int, bystander: FakeCluster
) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """So many connections that say nothing, left at the end.

    After each the bystander is answered, or they would come faster than the daemon takes them from
    its short queue, and the kernel would have them try again a second later.
    """
    made: list[asyncio.StreamWriter] = []
    try:
        for _ in range(number):
            made.append((await asyncio.open_connection(daemon.host, daemon.port))[1])
            await bystander.resource_info(SIGN_OF_LIFE)
        yield made
    finally:
        for each in made:
            each.close()
        await asyncio.gather(*(each.wait_closed() for each in made), return_exceptions=True)


async def settled(daemon: Daemon, files: int, within: float = 2.0) -> Vitals:
    """What the daemon holds once it has no more than so many files open, or at last."""
    deadline = time.monotonic() + daemon.seconds(within) + daemon.haste
    while True:
        seen = await daemon.vitals()
        if seen.open_files <= files or time.monotonic() > deadline:
            return seen
        await asyncio.sleep(0.05)


def check_no_growth(before: Vitals, after: Vitals) -> None:
    check(
        after.open_files <= before.open_files and after.memory <= before.memory + SLACK_KIB,
        expected=f"no more open files, and at most {SLACK_KIB} KiB of memory more than {before}",
        actual=str(after),
    )


@pytest.mark.requirement("SEC-001")
@pytest.mark.killed_by("failed_handshake_announced", "announce_before_handshake")
async def test_connections_that_say_nothing_are_not_announced(daemon: Daemon) -> None:
    async with daemon.client() as client:
        await client.register()
        async with strangers(daemon, daemon.many(100), client):
            pass
        # A newcomer's own announcement comes after any of theirs.
        async with daemon.client("newcomer"):
            await client.next_notify(NewClientNotify)
        await client.poke()
        announced = sum(
            isinstance(event, NotifyReceived) and isinstance(event.notify, NewClientNotify)
            for event in client.events
        )
    check(announced == 1, expected="one new client", actual=f"{announced} announced")


@pytest.mark.requirement("NEG-012")
@pytest.mark.killed_by("files_leak")
async def test_many_connections_leave_nothing(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    bystander = await daemon.bystander()
    files = (await daemon.vitals()).open_files
    async with strangers(daemon, daemon.many(100), bystander):
        pass
    before = await settled(daemon, files)
    for _ in range(10):
        async with strangers(daemon, daemon.many(100), bystander):
            pass
    await daemon.check_well(bystander)
    check_no_growth(before, await settled(daemon, files))
    await bystander.close()


@pytest.mark.requirement("NEG-012")
@pytest.mark.killed_by("files_leak", "memory_of_sessions_leaks")
async def test_many_sessions_leave_nothing(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    bystander = await daemon.bystander()
    files = (await daemon.vitals()).open_files

    async def sessions(number: int) -> None:
        for _ in range(number):
            client = await daemon.bystander()
            await client.register()
            await client.close()

    await sessions(daemon.many(20))
    before = await settled(daemon, files)
    await sessions(daemon.many(200))
    await daemon.check_well(bystander)
    check_no_growth(before, await settled(daemon, files))
    await bystander.close()


@pytest.mark.requirement("NEG-026")
@pytest.mark.killed_by("memory_of_requests_leaks")
async def test_large_requests_leave_nothing(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    bystander = await daemon.bystander()

    async def requests(number: int) -> None:
        for count in range(number):
            name = f"{count}".rjust(500_000, "x")
            await bystander.resource_register(name)
            await bystander.unregister(name)

    await requests(daemon.many(10))
    before = await daemon.vitals()
    await requests(daemon.many(40))
    check_no_growth(before, await daemon.vitals())
    await daemon.check_well(bystander)
    await bystander.close()


@pytest.mark.requirement("NEG-009")
@pytest.mark.killed_by("reset_is_fatal")
async def test_reset_while_the_daemon_writes(daemon: Daemon) -> None:
    name = "x" * 1_000_000
    bystander = await daemon.bystander()
    async with daemon.client("rude") as rude:
        await rude.register()
        rude.pause_reading()
        # Registered once more it is news again, which the daemon tells after its reply.
        news = ResourceRegister(resource_id=name, standard="ocf", agent="Dummy")
        sent = [bystander.send(news) for _ in range(6)]
        # Until all is queued; or the daemon waits for the one who does not read (FRM-027).
        with suppress(PeerTimeout):
            for each in sent:
                await bystander.reply_to(each, daemon.seconds(1) + daemon.haste)
        rude.reset()
    reply = await bystander.unregister(name)
    check(reply.rc == 0, expected="others are answered", actual=str(reply))
    await bystander.close()


@pytest.mark.requirement("NEG-011")
@pytest.mark.killed_by("auth_timeout_corrupts_memory")
@pytest.mark.waits(10)
async def test_silence_until_the_time_out_corrupts_no_memory(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon(PERTURBED)
    bystander = await daemon.bystander()
    reader, writer = await asyncio.open_connection(daemon.host, daemon.port)
    with suppress(ConnectionResetError):  # a legal end, and that of a daemon that died
        async with asyncio.timeout(daemon.seconds(12) + daemon.haste):
            await reader.read()
    writer.close()
    try:
        await bystander.resource_info(SIGN_OF_LIFE)
    except ConnectionEnded:
        status = await daemon.wait_exited(5)
        raise Deviation("the daemon lives", f"exit status {status}") from None
    await daemon.check_well(bystander)
    await bystander.close()


@pytest.mark.requirement("NEG-010")
@pytest.mark.killed_by("starved_by_strangers", "files_leak")
@pytest.mark.waits(13)
async def test_a_thousand_strangers_harm_nobody(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    bystander = await daemon.bystander()
    files = (await daemon.vitals()).open_files
    async with strangers(daemon, daemon.many(1000), bystander):
        # An old client and a new one are answered.
        await daemon.check_well(bystander)
        # They stay until the daemon has had enough of them.
        after = await settled(daemon, files, within=15)
    check(
        after.open_files <= files,
        expected=f"all strangers are gone: {files} open files",
        actual=str(after),
    )
    await daemon.check_well(bystander)
    await bystander.close()


@pytest.mark.requirement("NEG-010")
@pytest.mark.killed_by("busy_without_files", "files_leak")
async def test_more_strangers_than_open_files_fill_no_disk(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    bystander = await daemon.bystander()
    await daemon.limit_files((await daemon.vitals()).open_files + 4)
    before = daemon.log_size()
    async with strangers(daemon, 10, bystander):
        # Nothing happens for a second. A daemon that tries again and again says so each time; its
        # use of the processor would tell the same, but not on a busy machine.
        await asyncio.sleep(daemon.seconds(1))
        written = daemon.log_size() - before
    check(written < 20_000, expected="less than 20 kB of log", actual=f"{written} bytes")
    await daemon.check_well(bystander)
    await bystander.close()
