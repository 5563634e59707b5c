# SPDX-License-Identifier: GPL-2.0-or-later
"""Local IPC clients of the fake daemon, and their provider (docs/protocol.md §11)."""

import pytest

from fixtures.peers import FakeRemote, NoProvider
from fixtures.wire import ProxyForward, ProxyNotify, ReturnCode

from .helpers import Join, notified, spoken

NEW = ProxyNotify(ipc_op="new", server="attrd", session="0c9e")
REQUEST = ProxyNotify(
    ipc_op="request",
    session="0c9e",
    client="proxy-attrd-2211-0c9e",
    user="root",
    ipc_message_id=3,
    ipc_message_flags=768,
    payload=b'<attrd task="update"/>',
)
RESPONSE = ProxyForward(
    ipc_op="response", session="0c9e", ipc_message_id=3, payload=b'<ack status="0"/>'
)


async def test_without_provider_there_is_nobody_to_talk_to(remote: FakeRemote, join: Join) -> None:
    await join(remote)

    with pytest.raises(NoProvider):
        remote.proxy(NEW)


async def test_a_local_client_talks_to_the_cluster(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, provider=True)

    remote.proxy(NEW)
    remote.proxy(REQUEST)
    asked = [await provider.next_notify(ProxyNotify) for _ in range(2)]
    reply = await provider.request(RESPONSE)
    answer = await remote.next_request(ProxyForward)

    assert asked == [NEW, REQUEST]
    assert reply.rc == ReturnCode.OK
    assert answer.request == RESPONSE


async def test_a_session_stays_with_its_provider(remote: FakeRemote, join: Join) -> None:
    first = await join(remote, "a", provider=True)
    remote.proxy(NEW)
    second = await join(remote, "b", provider=True)

    remote.proxy(REQUEST)
    remote.proxy(ProxyNotify(ipc_op="new", server="cib_ro", session="1d1d"))

    assert [await first.next_notify(ProxyNotify) for _ in range(2)] == [NEW, REQUEST]
    assert (await second.next_notify(ProxyNotify)).session == "1d1d"


@pytest.mark.parametrize("session", ["0c9e", None])
async def test_a_message_for_nobody_is_answered_by_destroy(
    remote: FakeRemote, join: Join, session: str | None
) -> None:
    provider = await join(remote, provider=True)

    reply = await provider.request(ProxyForward(ipc_op="event", session=session))

    if session is not None:
        destroy = ProxyNotify(ipc_op="destroy", session=session)
        assert spoken(provider.events)[-2:] == [destroy, reply]
    assert reply.rc == ReturnCode.OK


@pytest.mark.parametrize("by_whom", ["cluster", "local client", "loss of the provider"])
async def test_a_session_that_is_over_is_forgotten(
    remote: FakeRemote, join: Join, by_whom: str
) -> None:
    provider = await join(remote, "a", provider=True)
    remote.proxy(NEW)
    assert remote.knows_proxy_session("0c9e")

    if by_whom == "cluster":
        await provider.request(ProxyForward(ipc_op="destroy", session="0c9e"))
        assert ProxyNotify(ipc_op="destroy", session="0c9e") not in notified(provider.events)
    elif by_whom == "local client":
        remote.proxy(ProxyNotify(ipc_op="destroy", session="0c9e"))
    else:
        await provider.close()
        await remote.until(lambda: not remote.clients, "loss of the provider")

    assert not remote.knows_proxy_session("0c9e")
