# SPDX-License-Identifier: GPL-2.0-or-later
"""Local IPC clients of the fake daemon, and their provider (docs/protocol.md §11)."""

import pytest

from fixtures.peers import (
    EREMOTEIO,
    FakeRemote,
    LocalClosed,
    LocalRefused,
    PeerTimeout,
    publish,
    respond,
)
from fixtures.wire import ProxyForward, ProxyNotify, ReturnCode

from .helpers import Join, notified, spoken

REQUEST = b'<attrd task="update"/>'


async def test_without_provider_there_is_nobody_to_talk_to(remote: FakeRemote, join: Join) -> None:
    await join(remote)

    with pytest.raises(LocalRefused) as refusal:
        remote.local("attrd")

    assert refusal.value.error == EREMOTEIO


async def test_a_local_client_talks_to_the_cluster(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, provider=True)

    local = remote.local("attrd", "hacluster")
    local.send(3, REQUEST)
    new, request = [await provider.next_notify(ProxyNotify) for _ in range(2)]
    reply = await provider.request(respond(request, b'<ack status="0"/>'))

    assert (new.ipc_op, new.server) == ("new", "attrd")
    assert request == ProxyNotify(
        ipc_op="request",
        session=new.session,
        client=f"proxy-attrd-2211-{new.session[:8]}",
        user="hacluster",
        ipc_message_id=3,
        ipc_message_flags=768,
        payload=REQUEST,
    )
    assert reply.rc == ReturnCode.OK
    assert await local.response() == (3, b'<ack status="0"/>')


async def test_events_come_unasked(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, provider=True)
    local = remote.local("cib_rw")
    new = await provider.next_notify(ProxyNotify)

    await provider.request(publish(new.session, b"<notify/>"))

    assert await local.event() == b"<notify/>"
    with pytest.raises(PeerTimeout):
        await local.event(timeout=0.01)


async def test_a_session_stays_with_its_provider(remote: FakeRemote, join: Join) -> None:
    first = await join(remote, "a", provider=True)
    local = remote.local("attrd")
    second = await join(remote, "b", provider=True)

    local.send(1, REQUEST)
    remote.local("cib_ro")

    assert [(await first.next_notify(ProxyNotify)).ipc_op for _ in range(2)] == ["new", "request"]
    assert (await second.next_notify(ProxyNotify)).server == "cib_ro"


@pytest.mark.parametrize("session", ["0c9e", None])
async def test_a_message_for_nobody_is_answered_by_destroy(
    remote: FakeRemote, join: Join, session: str | None
) -> None:
    provider = await join(remote, provider=True)

    reply = await provider.request(ProxyForward(ipc_op="event", session=session))

    destroy = ProxyNotify(ipc_op="destroy", session=session or "0")
    assert spoken(provider.events)[-2:] == [destroy, reply]
    assert reply.rc == ReturnCode.OK


@pytest.mark.parametrize("by_whom", ["cluster", "local client"])
async def test_the_end_of_a_session_is_told_to_its_provider(
    remote: FakeRemote, join: Join, by_whom: str
) -> None:
    provider = await join(remote, "a", provider=True)
    local = remote.local("attrd")
    new = await provider.next_notify(ProxyNotify)

    if by_whom == "cluster":
        await provider.request(ProxyForward(ipc_op="destroy", session=new.session))
        await local.wait_closed()
    await local.close()
    await provider.resource_info("nothing")

    destroyed = ProxyNotify(ipc_op="destroy", session=new.session)
    assert notified(provider.events).count(destroyed) == 1


async def test_sessions_end_with_their_provider(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, "a", provider=True)
    local = remote.local("attrd")

    await provider.close()

    await local.wait_closed()
    with pytest.raises(LocalClosed):
        await local.response()


async def test_who_is_no_provider_reaches_no_local_client(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, "a", provider=True)
    stranger = await join(remote, "b")
    local = remote.local("attrd")
    new = await provider.next_notify(ProxyNotify)

    reply = await stranger.request(publish(new.session, b"<forged/>"))

    assert reply.rc == ReturnCode.OK
    with pytest.raises(PeerTimeout):
        await local.event(timeout=0.01)
