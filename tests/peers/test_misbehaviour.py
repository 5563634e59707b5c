# SPDX-License-Identifier: GPL-2.0-or-later
"""Each misbehaviour is visible, and only where it is switched on.

Those about keys, identities and TLS versions are in ``test_handshake``, those about certificates
in ``test_certificates``, the one about stopping in ``test_shutdown``.
"""

from dataclasses import fields

import pytest

from fixtures.peers import EndingKind, FakeCluster, FakeRemote, Misbehaviour, PeerTimeout
from fixtures.wire import (
    BadSizes,
    ExecNotify,
    ExitCode,
    NewClientNotify,
    Poke,
    PokeNotify,
    RegisterRequest,
    ReturnCode,
    StreamBroken,
)

from .helpers import KEY, Join, notified, run

SILENCE = 0.1


def behave(remote: FakeRemote, bug: str, on: bool) -> None:
    remote.misbehaviour = Misbehaviour.parse(bug if on else "")


bug = pytest.mark.parametrize("on", [False, True])


@bug
async def test_header_bad_total(remote: FakeRemote, on: bool) -> None:
    behave(remote, "header_bad_total", on)
    async with FakeCluster(remote.host, remote.port, key=KEY) as cluster:
        if not on:
            assert (await cluster.register()).rc == ReturnCode.OK
            return

        cluster.send(Poke())

        assert (await cluster.wait_closed()).kind is EndingKind.FAULT
        broken = cluster.events[-1]
        assert isinstance(broken, StreamBroken)
        assert isinstance(broken.error, BadSizes)


@bug
async def test_register_any_version(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "register_any_version", on)
    cluster = await join(remote, "")
    reply = await cluster.request(RegisterRequest(protocol_version="0.9"))

    assert reply.rc == (ReturnCode.OK if on else ReturnCode.EPROTO)


@bug
async def test_no_client_id(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "no_client_id", on)
    cluster = await join(remote, "")

    assert ("lrmd_clientid" not in (await cluster.register()).attributes) is on


@bug
async def test_no_poke_reply(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "no_poke_reply", on)
    cluster = await join(remote)

    poke = cluster.send(Poke())
    await cluster.next_notify(PokeNotify)

    if on:
        with pytest.raises(PeerTimeout):
            await cluster.reply_to(poke, timeout=SILENCE)
    else:
        assert (await cluster.reply_to(poke)).rc == ReturnCode.OK


@bug
async def test_no_poke_notify(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "no_poke_notify", on)
    cluster = await join(remote)

    await cluster.poke()
    await cluster.resource_info("barrier")

    assert (PokeNotify not in map(type, notified(cluster.events))) is on


@bug
async def test_announce_new_client_to_self(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "announce_new_client_to_self", on)
    cluster = await join(remote)

    assert (NewClientNotify() in notified(cluster.events)) is on


@bug
async def test_info_knows_everything(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "info_knows_everything", on)
    cluster = await join(remote)

    assert ((await cluster.resource_info("unknown")).rc == ReturnCode.OK) is on


@bug
async def test_no_exec_notify(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "no_exec_notify", on)
    cluster = await join(remote)
    await cluster.resource_register("web")

    await cluster.execute("web", "start")
    await remote.until(lambda: remote.running, "resource that is started")
    await cluster.resource_info("barrier")

    assert (ExecNotify not in map(type, notified(cluster.events))) is on


@bug
async def test_wrong_call_id_in_notify(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "wrong_call_id_in_notify", on)
    cluster = await join(remote)
    await cluster.resource_register("web")

    reply = await cluster.execute("web", "start")
    end = await cluster.next_notify(ExecNotify)

    assert (end.call_id != reply.rc) is on


@bug
async def test_userdata_altered(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "userdata_altered", on)
    cluster = await join(remote)
    await cluster.resource_register("web")

    await cluster.execute("web", "start", userdata="3:9:0:1111")
    end = await cluster.next_notify(ExecNotify)

    assert (end.userdata != "3:9:0:1111") is on


@bug
async def test_stop_does_nothing(remote: FakeRemote, join: Join, on: bool) -> None:
    behave(remote, "stop_does_nothing", on)
    cluster = await join(remote)
    await cluster.resource_register("web")
    await run(cluster, "web", "start")

    stop = await run(cluster, "web", "stop")
    monitor = await run(cluster, "web", "monitor")

    assert stop.exit_code == ExitCode.OK
    assert monitor.exit_code == (ExitCode.OK if on else ExitCode.NOT_RUNNING)


def test_switches_are_read_by_name() -> None:
    assert Misbehaviour.parse("") == Misbehaviour()
    assert Misbehaviour.parse("no_poke_reply, tls12_only,") == Misbehaviour(
        no_poke_reply=True, tls12_only=True
    )
    assert str(Misbehaviour(no_poke_reply=True, tls12_only=True)) == "tls12_only,no_poke_reply"


def test_an_unknown_name_is_one_clear_error() -> None:
    with pytest.raises(ValueError, match="no misbehaviour nope, no_poke; there is: accept_any"):
        Misbehaviour.parse("no_poke_reply,nope,no_poke")


def test_good_behaviour_is_the_default() -> None:
    assert {getattr(Misbehaviour(), field.name) for field in fields(Misbehaviour)} == {False}
