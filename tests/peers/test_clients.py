# SPDX-License-Identifier: GPL-2.0-or-later
"""Several clients of one daemon: who is told what (docs/protocol.md §10, §14)."""

import pytest

from fixtures.peers import RELEASES, FakeCluster, FakeRemote, HandshakeFailed
from fixtures.wire import (
    CallOption,
    ExecNotify,
    ExecStatus,
    NewClientNotify,
    PokeNotify,
    RegisterNotify,
    ReturnCode,
)

from .helpers import KEY, Join, notified, spoken

HOUR = 3_600_000


async def test_every_named_client_is_told_of_a_poke(remote: FakeRemote, join: Join) -> None:
    first, second = await join(remote, "a"), await join(remote, "b")
    unnamed = await join(remote, "")
    seen = len(second.events)

    await first.poke()
    await second.next_notify(PokeNotify)
    await first.next_notify(PokeNotify)
    await unnamed.resource_info("barrier")

    assert [type(said) for said in spoken(second.events[seen:])][-1:] == [PokeNotify]
    assert notified(unnamed.events) == []


async def test_a_newcomer_is_announced_to_the_others_only(remote: FakeRemote, join: Join) -> None:
    first = await join(remote, "a")

    newcomers = [await join(remote, name) for name in ("b", "")]
    for _ in newcomers:
        await first.next_notify(NewClientNotify)
    await newcomers[1].resource_info("barrier")
    await first.poke()

    assert [type(notify) for notify in notified(newcomers[0].events)] == [
        NewClientNotify,
        PokeNotify,
    ]
    assert notified(newcomers[1].events) == []
    assert notified(first.events).count(NewClientNotify()) == 2


async def test_a_refused_client_is_not_announced(remote: FakeRemote, join: Join) -> None:
    first = await join(remote, "a")
    with pytest.raises(HandshakeFailed):
        await FakeCluster(remote.host, remote.port, key=KEY[:-1]).connect()

    await first.poke()
    await first.next_notify(PokeNotify)

    assert NewClientNotify() not in notified(first.events)


async def test_the_end_of_an_action_is_told_to_all_or_to_whoever_asked(
    remote: FakeRemote, join: Join
) -> None:
    first, second = await join(remote, "a"), await join(remote, "b")
    await first.resource_register("web")

    public = await first.execute("web", "start")
    private = await first.execute("web", "monitor", call_options=CallOption.NOTIFY_ORIG_ONLY)
    await first.completion(private.rc)
    await second.poke()

    told = [n.call_id for n in notified(second.events) if isinstance(n, ExecNotify)]
    assert told == [public.rc]


async def test_the_end_of_an_action_reaches_those_who_stay(remote: FakeRemote, join: Join) -> None:
    first, second = await join(remote, "a"), await join(remote, "b")
    await first.resource_register("web")
    reply = await first.execute("web", "start", parameters={"op_sleep": "0.05"})

    await first.close()

    assert (await second.completion(reply.rc)).exit_code == 0


async def test_one_client_lost_does_not_disturb_the_others(remote: FakeRemote, join: Join) -> None:
    first, second = await join(remote, "a"), await join(remote, "b")

    second.reset()
    await remote.until(lambda: len(remote.clients) == 1, "end of the second client")

    assert (await first.poke()).rc == ReturnCode.OK


async def test_the_last_client_takes_recurring_operations_along(
    remote: FakeRemote, join: Join
) -> None:
    first, second = await join(remote, "a"), await join(remote, "b")
    for resource_id, options in (("drop", CallOption.DROP_RECURRING), ("keep", CallOption.NONE)):
        await first.resource_register(resource_id, call_options=options)
        reply = await first.execute(resource_id, "monitor", interval_ms=HOUR)
        await first.completion(reply.rc)

    await first.close()
    while_one_stays = await second.get_recurring()
    await second.close()
    await remote.until(lambda: not remote.clients, "end of all clients")
    third = await join(remote, "c")
    after_all_left = await third.get_recurring()

    assert len(while_one_stays.recurring()) == 2
    assert [operation.resource_id for operation in after_all_left.recurring()] == ["keep"]


@pytest.mark.parametrize(
    ("release", "options", "kept"),
    [
        ("2.1.5", CallOption.DROP_RECURRING, True),
        ("2.1.5", CallOption.DROP_RECURRING_2_1, False),
        ("3.0.1", CallOption.DROP_RECURRING, False),
        ("3.0.1", CallOption.DROP_RECURRING_2_1, False),
    ],
)
async def test_the_option_to_drop_means_what_the_release_says(
    join: Join, release: str, options: CallOption, kept: bool
) -> None:
    async with FakeRemote(KEY, release=RELEASES[release]) as remote:
        first = await join(remote, "a")
        await first.resource_register("web", call_options=options)
        monitor = await first.execute("web", "monitor", interval_ms=HOUR)
        await first.completion(monitor.rc)

        await first.close()
        await remote.until(lambda: not remote.clients, "end of all clients")

        assert bool(remote.executor.resources["web"].recurring) is kept


async def test_registrations_and_state_survive_a_reconnect(remote: FakeRemote, join: Join) -> None:
    first = await join(remote, "a")
    await first.resource_register("web")
    await first.completion((await first.execute("web", "start")).rc)
    await first.close()

    second = await join(remote, "a")

    assert (await second.resource_info("web")).rc == ReturnCode.OK
    reply = await second.execute("web", "monitor")
    assert (await second.completion(reply.rc)).exit_code == 0
    assert remote.running == {"web"}


async def test_notifies_of_another_kind_are_kept_for_later(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    await cluster.poke()

    await cluster.next_notify(PokeNotify)
    notify = await cluster.next_notify(RegisterNotify, lambda it: it.resource_id == "web")

    assert notify.rc == ReturnCode.OK


async def test_a_test_can_make_the_daemon_say_anything(remote: FakeRemote, join: Join) -> None:
    first, second = await join(remote, "a"), await join(remote, "b")
    invented = ExecNotify(
        interval_ms=0,
        exit_code=0,
        status=ExecStatus.DONE,
        call_id=4711,
        resource_id="nobody",
        action="start",
    )

    remote.clients[0].notify(invented)
    remote.broadcast(NewClientNotify())

    assert await first.completion(4711) == invented
    await first.next_notify(NewClientNotify)
    assert await second.next_notify(NewClientNotify) == NewClientNotify()
