# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGTERM: the daemon asks the cluster and waits until it may go (seed section 9.4.8)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from conformance.deviation import Deviation, check
from fixtures.peers import ConnectionEnded, FakeCluster, PeerTimeout
from fixtures.wire import ProxyForward, ProxyNotify, ProxyOp

from .conftest import StartDaemon
from .under_test import Daemon


@asynccontextmanager
async def provider(daemon: Daemon) -> AsyncIterator[FakeCluster]:
    """A client that carries the daemon's local IPC, as a controller does."""
    async with daemon.client("provider") as client:
        reply = await client.register(is_ipc_provider=True)
        assert reply.rc == 0
        yield client


async def await_request(client: FakeCluster) -> None:
    """The daemon's request, and that it then waits for the answer."""
    await client.next_notify(ProxyNotify, lambda notify: notify.ipc_op == ProxyOp.SHUTDOWN_REQ)
    # The oldest releases wait for twenty seconds; a tenth of what clients wait is enough to see.
    try:
        ending = await client.wait_closed(client.patience / 10)
    except PeerTimeout:
        return
    raise Deviation("the daemon waits for the answer", f"it ended the connection: {ending}")


@pytest.mark.requirement("SHD-010")
async def test_without_provider_sigterm_ends_the_daemon_at_once(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    begun = time.monotonic()
    await daemon.terminate()
    status = await daemon.wait_exited(10)
    check(
        status == 0 and time.monotonic() - begun < 2,
        expected="exit status 0 within 2 s",
        actual=f"exit status {status} after {time.monotonic() - begun:.1f} s",
    )


@pytest.mark.requirement("SHD-004")
@pytest.mark.killed_by("exit_at_once_on_stop_request")
async def test_sigterm_asks_the_newest_provider_under_session_0(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as older, provider(daemon) as newer:
        await daemon.terminate()
        request = await newer.next_notify(ProxyNotify)
        check(
            (request.ipc_op, request.session) == (ProxyOp.SHUTDOWN_REQ, "0"),
            expected="shutdown_req with session 0",
            actual=str(request),
        )
        with suppress(PeerTimeout, ConnectionEnded):
            asked = await older.next_notify(ProxyNotify, timeout=older.patience / 20)
            raise Deviation("the older provider is not asked", f"it was sent {asked}")


@pytest.mark.requirement("SHD-006", "SHD-007")
@pytest.mark.killed_by("exit_at_once_on_stop_request")
async def test_after_the_ack_operations_run_until_the_provider_leaves(
    start_daemon: StartDaemon,
) -> None:
    daemon = await start_daemon()
    async with daemon.client("bystander") as bystander, provider(daemon) as client:
        await bystander.register()
        await client.resource_register("d1")
        await client.completion((await client.execute("d1", "start")).rc)
        await daemon.terminate()
        await await_request(client)
        await client.request(ProxyForward(ipc_op=ProxyOp.SHUTDOWN_ACK))
        stopped = await client.completion((await client.execute("d1", "stop")).rc)
        check(
            stopped.exit_code == 0 and await daemon.alive(),
            expected="a stop is executed after the ack, and the daemon lives",
            actual=str(stopped),
        )
        await client.close()
        # The bystander is no provider: nobody waits for it.
        status = await daemon.wait_exited(10)
        check(status == 0, expected="exit status 0", actual=f"exit status {status}")


@pytest.mark.requirement("SHD-008")
@pytest.mark.killed_by("exit_at_once_on_stop_request")
async def test_nack_ends_the_daemon_at_once(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await daemon.terminate()
        await await_request(client)
        begun = time.monotonic()
        client.send(ProxyForward(ipc_op=ProxyOp.SHUTDOWN_NACK))
        status = await daemon.wait_exited(10)
        check(
            status == 0 and time.monotonic() - begun < 2,
            expected="exit status 0 within 2 s",
            actual=f"exit status {status} after {time.monotonic() - begun:.1f} s",
        )
