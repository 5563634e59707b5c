# SPDX-License-Identifier: GPL-2.0-or-later
"""The IPC proxy's sessions: who gets one, with whom, and how it ends (docs/protocol.md §11)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from conformance.deviation import check
from fixtures.peers import EREMOTEIO, FakeCluster, respond
from fixtures.wire import NotifyReceived, ProxyForward, ProxyNotify, ProxyOp

from .conftest import StartDaemon
from .proxying import SERVERS, provider, refusal, session, told
from .under_test import Daemon

REQUEST = b'<request task="anything"/>'


@pytest.mark.requirement("PRX-001", "PRX-003")
@pytest.mark.parametrize("server", SERVERS)
async def test_local_client_gets_a_session_at_the_provider(daemon: Daemon, server: str) -> None:
    async with provider(daemon) as client, await daemon.local(server):
        new = await client.next_notify(ProxyNotify)
        check(
            (new.ipc_op, new.server) == (ProxyOp.NEW, SERVERS[server]),
            expected=f"new for {SERVERS[server]}",
            actual=str(new),
        )
        assert uuid.UUID(new.session)


@pytest.mark.requirement("PRX-002")
@pytest.mark.killed_by("local_client_without_provider_hangs")
@pytest.mark.parametrize("server", SERVERS)
async def test_without_provider_local_clients_are_refused(daemon: Daemon, server: str) -> None:
    async with daemon.client("no provider") as client:
        await client.register()
        error = await refusal(daemon, server)
    check(error == EREMOTEIO, expected="EREMOTEIO (121)", actual=f"errno {error}")


@pytest.mark.requirement("PRX-013")
@pytest.mark.killed_by("pacemakerd_is_proxied")
async def test_pacemakerd_is_refused_even_with_a_provider(daemon: Daemon) -> None:
    async with provider(daemon):
        error = await refusal(daemon, "pacemakerd")
    check(error == EREMOTEIO, expected="EREMOTEIO (121)", actual=f"errno {error}")


@pytest.mark.requirement("PRX-003")
@pytest.mark.killed_by("session_id_used_again")
async def test_each_local_client_gets_a_session_of_its_own(daemon: Daemon) -> None:
    async with provider(daemon) as client, AsyncExitStack() as stack:
        ids = set()
        for number in range(30):
            server = list(SERVERS)[number % len(SERVERS)]
            opened = await stack.enter_async_context(session(daemon, client, server))
            ids.add(opened.id)
    check(len(ids) == 30, expected="30 different ids", actual=f"{len(ids)} ids")


@pytest.mark.requirement("PRX-011")
@pytest.mark.killed_by("oldest_of_three_providers_is_used")
async def test_new_sessions_go_to_the_newest_provider_alone(daemon: Daemon) -> None:
    async with (
        provider(daemon, "first") as first,
        provider(daemon, "second") as second,
        provider(daemon, "third") as third,
    ):
        async with session(daemon, third):
            for older in (first, second):
                await older.resource_info("nothing")  # bounds what may have been said before
        check(
            not proxy_traffic(first) and not proxy_traffic(second),
            expected="the older providers are told nothing",
            actual=f"{proxy_traffic(first)}; {proxy_traffic(second)}",
        )


@pytest.mark.requirement("PRX-012")
@pytest.mark.killed_by("older_provider_forgotten", "sessions_outlive_provider")
async def test_when_the_newest_provider_left_the_older_is_used(daemon: Daemon) -> None:
    async with provider(daemon, "older") as older:
        async with provider(daemon, "newer") as newer, session(daemon, newer) as cut:
            await newer.close()
            await cut.local.wait_closed()
        async with session(daemon, older):
            pass


@pytest.mark.requirement("PRX-011")
async def test_a_session_stays_with_its_provider_when_a_newer_one_comes(daemon: Daemon) -> None:
    async with (
        provider(daemon, "older") as older,
        session(daemon, older) as opened,
        provider(daemon, "newer") as newer,
    ):
        request = await opened.ask(3, REQUEST)
        await older.request(respond(request, b"<answer/>"))
        assert await opened.local.response() == (3, b"<answer/>")
        assert not proxy_traffic(newer)


@pytest.mark.requirement("PRX-008")
@pytest.mark.killed_by("local_disconnect_not_told")
async def test_local_disconnect_is_told_to_the_provider(daemon: Daemon) -> None:
    async with (
        provider(daemon) as client,
        session(daemon, client) as first,
        session(daemon, client) as second,
    ):
        await first.local.close()
        destroyed = await told(client, ProxyOp.DESTROY)
        check(
            destroyed.session == first.id, expected=f"destroy of {first.id}", actual=f"{destroyed}"
        )
        await second.ask(3, REQUEST)  # the other one lives on


@pytest.mark.requirement("PRX-007")
@pytest.mark.killed_by("destroy_from_cluster_ignored")
async def test_destroy_disconnects_that_local_client_and_no_other(daemon: Daemon) -> None:
    async with (
        provider(daemon) as client,
        session(daemon, client) as first,
        session(daemon, client) as second,
    ):
        await client.request(ProxyForward(ipc_op=ProxyOp.DESTROY, session=first.id))
        await first.local.wait_closed(1)
        await second.ask(3, REQUEST)
        assert not second.local.disconnected


@pytest.mark.requirement("PRX-009")
@pytest.mark.killed_by("unknown_session_ignored")
@pytest.mark.parametrize("ipc_op", [ProxyOp.EVENT, ProxyOp.RESPONSE, ProxyOp.DESTROY])
async def test_unknown_session_is_answered_by_destroy(daemon: Daemon, ipc_op: ProxyOp) -> None:
    unknown = str(uuid.uuid4())
    async with provider(daemon) as client:
        reply = await client.request(
            ProxyForward(ipc_op=ipc_op, session=unknown, ipc_message_id=1, payload=b"<x/>")
        )
        assert reply.rc == 0
        destroyed = await told(client, ProxyOp.DESTROY)
        check(destroyed.session == unknown, expected=f"destroy of {unknown}", actual=f"{destroyed}")


@pytest.mark.requirement("PRX-009")
@pytest.mark.killed_by("unknown_session_ignored", "local_disconnect_not_told")
async def test_a_session_that_is_over_is_unknown(daemon: Daemon) -> None:
    async with provider(daemon) as client:
        async with session(daemon, client) as opened:
            pass
        await told(client, ProxyOp.DESTROY, opened.id)
        await client.request(
            ProxyForward(ipc_op=ProxyOp.EVENT, session=opened.id, payload=b"<late/>")
        )
        await told(client, ProxyOp.DESTROY, opened.id)


@pytest.mark.requirement("PRX-010")
@pytest.mark.killed_by("sessions_outlive_provider")
@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(FakeCluster.close, id="close_notify"),
        pytest.param(FakeCluster.drop, id="fin"),
        pytest.param(FakeCluster.reset, id="rst"),
    ],
)
async def test_loss_of_the_provider_disconnects_its_local_clients(
    daemon: Daemon, leave: Callable[[FakeCluster], object]
) -> None:
    async with provider(daemon, "older") as older, session(daemon, older) as spared:
        async with provider(daemon, "newer") as newer, AsyncExitStack() as stack:
            cut = [await stack.enter_async_context(session(daemon, newer)) for _ in range(3)]
            leaving = leave(newer)
            if asyncio.iscoroutine(leaving):
                await leaving
            for opened in cut:
                await opened.local.wait_closed()
        await spared.ask(3, REQUEST)
        check(
            not spared.local.disconnected,
            expected="the older provider's local client stays connected",
            actual="it was disconnected",
        )


@pytest.mark.requirement("PRX-023")
@pytest.mark.killed_by(
    "double_provider_stays", "local_client_without_provider_hangs", "sessions_outlive_provider"
)
async def test_who_registered_twice_as_provider_leaves_none_behind(
    start_daemon: StartDaemon,
) -> None:
    daemon = await start_daemon()
    async with provider(daemon) as client:
        await client.register(is_ipc_provider=True)
        async with session(daemon, client) as opened:
            await client.close()
            await opened.local.wait_closed()
        error = await refusal(daemon, "attrd")
        check(
            error == EREMOTEIO and await daemon.alive(),
            expected="EREMOTEIO (121): there is no provider",
            actual=f"errno {error}; alive: {await daemon.alive()}",
        )


@pytest.mark.requirement("REG-010")
@pytest.mark.killed_by(
    "refused_client_is_provider", "local_client_without_provider_hangs", "register_any_version"
)
async def test_refused_client_is_no_provider(daemon: Daemon) -> None:
    async with daemon.client() as client:
        try:
            reply = await client.register(is_ipc_provider=True, protocol_version="0.9")
            assert reply.rc < 0
        except TimeoutError:
            pass  # how a refusal is told is REG-003's and REG-004's
        error = await refusal(daemon, "attrd")
    check(
        error == EREMOTEIO,
        expected="EREMOTEIO (121): there is no provider",
        actual="it became the provider" if error is None else f"errno {error}",
    )


def proxy_traffic(client: FakeCluster) -> list[ProxyNotify]:
    """What the client was told of local clients so far."""
    notifies = [event.notify for event in client.events if isinstance(event, NotifyReceived)]
    return [notify for notify in notifies if isinstance(notify, ProxyNotify)]
