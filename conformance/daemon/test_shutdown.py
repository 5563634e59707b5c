# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGTERM: the daemon asks the cluster and waits until it may go (seed section 9.4.8)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from conformance.deviation import Deviation, check
from fixtures.peers import ConnectionEnded, FakeCluster, PeerTimeout
from fixtures.wire import ProxyForward, ProxyNotify, ProxyOp, build_frame

from .conftest import StartDaemon
from .proxying import provider, told
from .under_test import SIGN_OF_LIFE, Daemon

#: How a client leaves.
LEAVING = [
    pytest.param(FakeCluster.close, id="close_notify"),
    pytest.param(FakeCluster.drop, id="fin"),
    pytest.param(FakeCluster.reset, id="rst"),
]


async def leave(client: FakeCluster, how: Callable[[FakeCluster], object]) -> None:
    """Let a client leave in one of the ways of ``LEAVING``."""
    leaving = how(client)
    if asyncio.iscoroutine(leaving):
        await leaving


async def check_exits(daemon: Daemon, within: float = 2.0) -> None:
    """That the daemon exits with status 0, within so many seconds."""
    begun = time.monotonic()
    status = await daemon.wait_exited(10)
    elapsed = time.monotonic() - begun
    check(
        status == 0 and elapsed < within,
        expected=f"exit status 0 within {within:g} s",
        actual=f"exit status {status} after {elapsed:.1f} s",
    )


async def check_waits(daemon: Daemon, client: FakeCluster) -> None:
    """That the daemon still serves this client."""
    try:
        await client.resource_info(SIGN_OF_LIFE)
    except (ConnectionEnded, PeerTimeout) as problem:
        raise Deviation("the daemon waits, and serves meanwhile", str(problem)) from None
    assert await daemon.alive(), "the daemon answered, and then was gone"


async def await_request(client: FakeCluster) -> None:
    """The daemon's request, and that it then waits for the answer."""
    await told(client, ProxyOp.SHUTDOWN_REQ)
    # The oldest releases wait for twenty seconds; a tenth of what clients wait is enough to see.
    try:
        ending = await client.wait_closed(client.patience / 10)
    except PeerTimeout:
        return
    raise Deviation("the daemon waits for the answer", f"it ended the connection: {ending}")


@pytest.mark.requirement("SHD-010")
@pytest.mark.killed_by("waits_without_provider")
async def test_without_provider_sigterm_ends_the_daemon_at_once(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with daemon.client("no provider") as client:
        await client.register()
        await daemon.terminate()
        await check_exits(daemon)


@pytest.mark.requirement("SHD-004")
@pytest.mark.killed_by("exit_at_once_on_stop_request", "shutdown_asks_all")
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
@pytest.mark.killed_by("exit_at_once_on_stop_request", "exits_at_ack", "waits_for_all_clients")
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
        await check_exits(daemon)


@pytest.mark.requirement("SHD-008")
@pytest.mark.killed_by("exit_at_once_on_stop_request", "nack_ignored")
async def test_nack_ends_the_daemon_at_once(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await daemon.terminate()
        await await_request(client)
        client.send(ProxyForward.shutdown_nack())
        await check_exits(daemon)


@pytest.mark.requirement("SHD-005")
@pytest.mark.killed_by("exit_at_once_on_stop_request", "listens_while_stopping")
async def test_a_stopping_daemon_takes_no_new_clients(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await daemon.terminate()
        await told(client, ProxyOp.SHUTDOWN_REQ)
        await check_waits(daemon, client)
        newcomer = daemon.client("newcomer")
        try:
            await newcomer.connect()
        except ConnectionRefusedError:
            return
        await newcomer.close()
    check(False, expected="connection refused", actual="a new client is let in")


@pytest.mark.requirement("SHD-007")
@pytest.mark.killed_by("older_provider_forgotten", "exit_at_once_on_stop_request", "exits_at_ack")
async def test_the_daemon_waits_for_every_provider(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon, "older") as older, provider(daemon, "newer") as newer:
        await daemon.terminate()
        await told(newer, ProxyOp.SHUTDOWN_REQ)
        newer.send(ProxyForward.shutdown_ack())
        await check_waits(daemon, newer)
        await newer.close()
        await check_waits(daemon, older)
        await older.close()
        await check_exits(daemon)


@pytest.mark.requirement("SHD-007")
@pytest.mark.killed_by("exit_at_once_on_stop_request")
@pytest.mark.parametrize("how", LEAVING)
async def test_a_provider_that_leaves_without_an_answer_ends_the_wait(
    start_daemon: StartDaemon, how: Callable[[FakeCluster], object]
) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await daemon.terminate()
        await await_request(client)
        await leave(client, how)
        await check_exits(daemon)


@pytest.mark.requirement("SHD-009")
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ProxyForward.shutdown_ack(), id="ack"),
        pytest.param(
            ProxyForward.shutdown_nack(),
            id="nack",
            marks=pytest.mark.killed_by("stray_nack_exits"),
        ),
    ],
)
async def test_answers_that_nobody_asked_for_are_ignored(
    daemon: Daemon, answer: ProxyForward
) -> None:
    async with provider(daemon) as client:
        reply = await client.request(answer)
        check(reply.rc == 0, expected="a reply with return code 0", actual=str(reply))
        await check_waits(daemon, client)


@pytest.mark.requirement("SHD-012")
@pytest.mark.killed_by("second_stop_request_exits", "exit_at_once_on_stop_request", "exits_at_ack")
async def test_a_second_sigterm_changes_nothing(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await daemon.terminate()
        await await_request(client)
        await daemon.terminate()
        await check_waits(daemon, client)
        client.send(ProxyForward.shutdown_ack())
        await daemon.terminate()
        await check_waits(daemon, client)
        await client.close()
        await check_exits(daemon)


@pytest.mark.requirement("SHD-011")
@pytest.mark.versions(">=2.1.0", reason="2.0.5 gives up after 20 s")
@pytest.mark.waits(25)
@pytest.mark.killed_by("gives_up_waiting_for_ack", "exit_at_once_on_stop_request")
async def test_without_an_answer_the_daemon_waits(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await daemon.terminate()
        await told(client, ProxyOp.SHUTDOWN_REQ)
        with suppress(PeerTimeout):
            ending = await client.wait_closed(daemon.seconds(25))
            raise Deviation("the daemon waits for the answer", f"it ended the connection: {ending}")
        await check_waits(daemon, client)


@pytest.mark.requirement("SHD-011")
@pytest.mark.versions("<2.1.0", reason="later releases wait without limit")
@pytest.mark.waits(20)
async def test_without_an_answer_the_daemon_gives_up_after_20_s(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await daemon.terminate()
        begun = time.monotonic()
        await told(client, ProxyOp.SHUTDOWN_REQ)
        status = await daemon.wait_exited(daemon.seconds(25))
    elapsed = time.monotonic() - begun
    check(
        status == 0 and abs(elapsed - daemon.seconds(20)) <= daemon.seconds(2),
        expected="exit status 0 after 20 s (2 s more or less)",
        actual=f"exit status {status} after {elapsed:.1f} s",
    )


@pytest.mark.requirement("SHD-029")
@pytest.mark.killed_by("actions_end_at_ack", "exits_at_ack", "exit_at_once_on_stop_request")
async def test_an_action_that_is_under_way_is_waited_for(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await client.resource_register("d1")
        started = await client.execute("d1", "start", parameters={"op_sleep": "1"})
        await daemon.terminate()
        await await_request(client)
        await client.request(ProxyForward.shutdown_ack())
        try:
            completed = await client.completion(started.rc)
        except (PeerTimeout, ConnectionEnded) as problem:
            raise Deviation("the end of the action is told", str(problem)) from None
        check(completed.exit_code == 0, expected="a start that succeeded", actual=str(completed))
        await client.close()
        await check_exits(daemon)


@pytest.mark.requirement("NEG-017")
@pytest.mark.killed_by("anybody_refuses_shutdown", "exit_at_once_on_stop_request")
async def test_a_client_that_is_no_provider_cannot_refuse_the_shutdown(
    start_daemon: StartDaemon,
) -> None:
    daemon = await start_daemon()
    async with daemon.client("stranger") as stranger, provider(daemon) as client:
        await stranger.register()
        await daemon.terminate()
        await await_request(client)
        stranger.send(ProxyForward.shutdown_nack())
        with suppress(ConnectionEnded):
            await stranger.resource_info(SIGN_OF_LIFE)
        await check_waits(daemon, client)


@pytest.mark.requirement("SHD-010")
@pytest.mark.killed_by("waits_without_provider")
async def test_sigterm_during_a_handshake(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    _, writer = await asyncio.open_connection(daemon.host, daemon.port)
    async with daemon.client("witness") as client:
        await client.resource_info(SIGN_OF_LIFE)  # by now the silent one was accepted
        await daemon.terminate()
        await check_exits(daemon)
    writer.close()
    with suppress(ConnectionResetError):
        await writer.wait_closed()


@pytest.mark.requirement("SHD-010", "FRM-022")
@pytest.mark.killed_by("waits_without_provider")
async def test_sigterm_during_a_message(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    frame = build_frame(b"<never-finished/>", id=1)
    async with daemon.client("half a message") as client:
        await client.resource_info(SIGN_OF_LIFE)
        client.send_frame(frame.header, frame.payload[:4])
        await client.drain()
        await daemon.terminate()
        await check_exits(daemon)
