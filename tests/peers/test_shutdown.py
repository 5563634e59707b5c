# SPDX-License-Identifier: GPL-2.0-or-later
"""The graceful stop (docs/protocol.md §13)."""

import pytest

from fixtures.peers import EndingKind, FakeCluster, FakeRemote, Misbehaviour
from fixtures.wire import ProxyForward, ProxyNotify, ReturnCode

from .helpers import KEY, Join, notified, run


async def test_without_provider_the_daemon_exits_at_once(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    await run(cluster, "web", "start")

    remote.terminate()

    assert remote.exit_code == 0
    assert (await cluster.wait_closed()).kind is EndingKind.FIN
    assert remote.running == {"web"}


async def test_the_newest_provider_alone_is_asked(remote: FakeRemote, join: Join) -> None:
    old, new = await join(remote, "a", provider=True), await join(remote, "b", provider=True)

    remote.terminate()
    asked = await new.next_notify(ProxyNotify)
    await old.poke()

    assert asked == ProxyNotify.shutdown_request()
    assert asked.session == "0"
    assert asked not in notified(old.events)
    assert remote.exit_code is None


async def test_a_graceful_stop(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, "a", provider=True)
    bystander = await join(remote, "b")
    await provider.resource_register("web")
    await run(provider, "web", "start")

    remote.terminate()
    await provider.next_notify(ProxyNotify)
    with pytest.raises(ConnectionRefusedError):
        await FakeCluster(remote.host, remote.port, key=KEY).connect()
    assert (await provider.request(ProxyForward.shutdown_ack())).rc == ReturnCode.OK
    assert (await run(provider, "web", "stop")).exit_code == 0
    assert remote.exit_code is None
    await provider.close()

    assert await remote.wait_exited() == 0
    assert (await bystander.wait_closed()).kind is EndingKind.FIN
    assert remote.running == frozenset()


async def test_the_daemon_waits_for_all_providers(remote: FakeRemote, join: Join) -> None:
    first, second = await join(remote, "a", provider=True), await join(remote, "b", provider=True)

    remote.terminate()
    await second.close()
    await remote.until(lambda: len(remote.clients) == 1, "end of the second provider")
    assert remote.exit_code is None
    await first.close()

    assert await remote.wait_exited() == 0


async def test_a_nack_ends_the_daemon_at_once(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, "a", provider=True)
    await provider.resource_register("web")
    await run(provider, "web", "start")

    remote.terminate()
    provider.send(ProxyForward.shutdown_nack())

    assert await remote.wait_exited() == 0
    assert (await provider.wait_closed()).kind is EndingKind.FIN
    assert remote.running == {"web"}


async def test_answers_that_nobody_asked_for_are_ignored(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, "a", provider=True)

    for answer in (ProxyForward.shutdown_ack(), ProxyForward.shutdown_nack()):
        assert (await provider.request(answer)).rc == ReturnCode.OK

    assert remote.exit_code is None


async def test_asking_twice_changes_nothing(remote: FakeRemote, join: Join) -> None:
    provider = await join(remote, "a", provider=True)

    remote.terminate()
    remote.terminate()
    await provider.poke()

    assert notified(provider.events).count(ProxyNotify.shutdown_request()) == 1
    assert remote.exit_code is None


async def test_registering_twice_as_provider_is_being_one_provider(
    remote: FakeRemote, join: Join
) -> None:
    provider = await join(remote, "a", provider=True)
    await provider.register(is_ipc_provider=True)

    remote.terminate()
    await provider.close()

    assert await remote.wait_exited() == 0


async def test_the_first_exit_code_counts(remote: FakeRemote) -> None:
    remote.kill()
    remote.terminate()

    assert remote.exit_code == -9


async def test_exit_at_once_on_stop_request_strands_the_resource(join: Join) -> None:
    bugs = Misbehaviour(exit_at_once_on_stop_request=True)
    async with FakeRemote(KEY, misbehaviour=bugs) as remote:
        provider = await join(remote, "a", provider=True)
        await provider.resource_register("web")
        await run(provider, "web", "start")

        remote.terminate()

        assert remote.exit_code == 0
        assert (await provider.wait_closed()).kind is EndingKind.FIN
        assert ProxyNotify.shutdown_request() not in notified(provider.events)
        assert remote.running == {"web"}
