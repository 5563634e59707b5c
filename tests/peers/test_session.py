# SPDX-License-Identifier: GPL-2.0-or-later
"""One client and one daemon: registration, envelope, return codes."""

from dataclasses import replace

import pytest

from fixtures.peers import RELEASES, FakeCluster, FakeRemote, PeerTimeout
from fixtures.wire import (
    AlertExec,
    ByteOrder,
    Cancel,
    Check,
    Exec,
    Poke,
    PokeNotify,
    ProxyForward,
    RegisterNotify,
    RegisterRequest,
    Reply,
    Request,
    ResourceInfo,
    ResourceRegister,
    ResourceUnregister,
    ReturnCode,
    UnknownRequest,
    build_frame,
    parse_xml,
)

from .helpers import KEY, Join, spoken

SILENCE = 0.1


@pytest.mark.parametrize(
    ("release", "version"), [("2.1.5", "1.1"), ("3.0.1", "1.2"), ("3.0.3", "1.2")]
)
async def test_register_opens_a_session(release: str, version: str) -> None:
    async with (
        FakeRemote(KEY, release=RELEASES[release]) as remote,
        FakeCluster(remote.host, remote.port, key=KEY) as cluster,
    ):
        reply = await cluster.register()

        assert reply.rc == ReturnCode.OK
        assert reply.attributes["lrmd_op"] == "register"
        assert reply.attributes["lrmd_clientid"] == remote.clients[0].id
        assert reply.attributes["lrmd_protocol_version"] == version
        assert ("uptime" in reply.attributes) is RELEASES[release].tells_uptime


@pytest.mark.parametrize("version", ["1", "1.0", "1.1", "1.2", "1.9", "2.0", "9.9", "10.0"])
async def test_newer_versions_are_welcome(remote: FakeRemote, version: str) -> None:
    async with FakeCluster(remote.host, remote.port, key=KEY) as cluster:
        assert (await cluster.register(protocol_version=version)).rc == ReturnCode.OK


@pytest.mark.parametrize("version", ["0.9", "0", "x", None])
async def test_older_versions_are_refused_by_3_0_1(version: str | None) -> None:
    async with (
        FakeRemote(KEY, release=RELEASES["3.0.1"]) as remote,
        FakeCluster(remote.host, remote.port, key=KEY) as cluster,
    ):
        request = RegisterRequest(protocol_version=version, is_ipc_provider=True)

        reply = await cluster.request(request)

        assert reply.rc == ReturnCode.EPROTO
        assert reply.attributes["lrmd_protocol_version"] == "1.2"
        remote.terminate()
        assert remote.exit_code == 0, "a refused client must not become provider"


@pytest.mark.parametrize(
    "request_",
    [
        UnknownRequest(op="nope", xml=b'<lrmd_command t="lrmd" lrmd_op="nope"/>'),
        UnknownRequest(op=None, xml=b'<lrmd_command t="lrmd"/>'),
        Poke(addressee="crmd"),
        Poke(addressee=None),
    ],
    ids=str,
)
async def test_the_newest_release_is_silent(
    remote: FakeRemote, join: Join, request_: Request
) -> None:
    cluster = await join(remote)

    with pytest.raises(PeerTimeout):
        await cluster.request(request_, timeout=SILENCE)

    assert (await cluster.poke()).rc == ReturnCode.OK
    assert remote.exit_code is None


@pytest.mark.parametrize("op", ["nope", None])
async def test_older_releases_say_what_they_do_not_know(op: str | None) -> None:
    name = f' lrmd_op="{op}"' if op else ""
    async with (
        FakeRemote(KEY, release=RELEASES["3.0.1"]) as remote,
        FakeCluster(remote.host, remote.port, key=KEY) as cluster,
    ):
        reply = await cluster.request(parse_xml(f"<lrmd_command{name}/>".encode()))

        assert reply.rc == ReturnCode.EOPNOTSUPP


async def test_older_releases_do_not_mind_the_addressee() -> None:
    async with (
        FakeRemote(KEY, release=RELEASES["2.1.5"]) as remote,
        FakeCluster(remote.host, remote.port, key=KEY) as cluster,
    ):
        assert (await cluster.request(Poke(addressee=None))).rc == ReturnCode.OK


@pytest.mark.parametrize(
    ("request_", "rc"),
    [
        (ResourceInfo(resource_id="no"), ReturnCode.ENODEV),
        (ResourceInfo(resource_id=None), ReturnCode.ENODEV),
        (ResourceUnregister(resource_id="no"), ReturnCode.OK),
        (ResourceUnregister(resource_id=None), ReturnCode.ENODEV),
        (ResourceRegister(resource_id=None, standard="ocf", agent="Dummy"), ReturnCode.EINVAL),
        (Exec(resource_id="no", action="start"), ReturnCode.ENODEV),
        (Exec(resource_id=None, action="start"), ReturnCode.EINVAL),
        (Exec(resource_id="web", action=None), ReturnCode.EINVAL),
        (Cancel(resource_id="no", action="monitor"), ReturnCode.ENODEV),
        (Cancel(resource_id="web", action="monitor", interval_ms=9), ReturnCode.EOPNOTSUPP),
        (Cancel(resource_id=None, action="monitor"), ReturnCode.EINVAL),
        (Cancel(resource_id="web", action=None), ReturnCode.EINVAL),
        (AlertExec(alert_id="a", path="/x"), ReturnCode.OK),
        (AlertExec(alert_id=None, path="/x"), ReturnCode.EINVAL),
        (AlertExec(alert_id="a", path=None), ReturnCode.EINVAL),
        (ProxyForward.shutdown_ack(), ReturnCode.OK),
        (ProxyForward.shutdown_nack(), ReturnCode.OK),
        (ProxyForward(ipc_op=None), ReturnCode.OK),
    ],
    ids=str,
)
async def test_return_codes(
    remote: FakeRemote, join: Join, request_: Request, rc: ReturnCode
) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")

    assert (await cluster.request(request_)).rc == rc


async def test_a_resource_is_registered_and_known(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)

    registered = await cluster.resource_register("web", "systemd", None, "nginx")
    notify = await cluster.next_notify(RegisterNotify)
    info = await cluster.resource_info("web")

    assert (notify.rc, notify.call_id, notify.resource_id) == (0, registered.call_id, "web")
    assert info.attributes == {
        "lrmd_rsc_id": "web",
        "lrmd_class": "systemd",
        "lrmd_type": "nginx",
    }
    assert (await cluster.unregister("web")).rc == ReturnCode.OK
    assert (await cluster.resource_info("web")).rc == ReturnCode.ENODEV


async def test_the_reply_to_a_poke_precedes_its_notify(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)

    reply = await cluster.poke()
    notify = await cluster.next_notify(PokeNotify)

    assert spoken(cluster.events)[-2:] == [reply, notify]
    assert notify.call_id == reply.call_id


async def test_call_ids_count_every_request_of_every_client(remote: FakeRemote, join: Join) -> None:
    first, second = await join(remote, "a"), await join(remote, "b")

    replies = [await client.poke() for client in (first, second, first)]

    assert [reply.call_id for reply in replies] == [3, 4, 5]


async def test_pipelined_requests_are_answered_in_order(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)

    sent = [cluster.send(Poke()) for _ in range(50)]
    replies = [await cluster.reply_to(message_id) for message_id in sent]

    assert [reply.call_id for reply in replies] == list(range(2, 52))


async def test_big_endian_headers_are_understood(remote: FakeRemote) -> None:
    cluster = FakeCluster(remote.host, remote.port, key=KEY, order=ByteOrder.BIG)
    async with cluster:
        assert (await cluster.register()).rc == ReturnCode.OK


async def test_compressed_requests_are_understood(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    xml = b'<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_poke"/>'
    frame = build_frame(xml, compress=True)

    cluster.send_frame(frame.header, frame.payload)

    assert (await cluster.next_notify(PokeNotify)).rc == 0


async def test_the_whole_message_in_one_record_is_understood(
    remote: FakeRemote, join: Join
) -> None:
    cluster = await join(remote)
    frame = build_frame(b'<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_poke"/>')

    cluster.send_records([frame.header.pack() + frame.payload])

    assert (await cluster.next_notify(PokeNotify)).rc == 0


async def test_userdata_of_200_kb_comes_back_unchanged(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_register("web")
    userdata = "字:;&<>\"'" * 25_000

    reply = await cluster.execute("web", "start", userdata=userdata)

    assert (await cluster.completion(reply.rc)).userdata == userdata


@pytest.mark.parametrize(
    "payload", [b"<lrmd_command\0", b"<lrmd_command/>", b"<!DOCTYPE a><a/>\0", b"\xff\0"]
)
async def test_a_malformed_message_is_ignored(
    remote: FakeRemote, join: Join, payload: bytes
) -> None:
    cluster = await join(remote)
    header = build_frame(payload[:-1]).header

    cluster.send_frame(header, payload)

    assert (await cluster.poke()).rc == ReturnCode.OK


async def test_a_late_reply_is_not_taken_for_the_next(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    remote.misbehaviour = replace(remote.misbehaviour, no_poke_reply=True)
    with pytest.raises(PeerTimeout):
        await cluster.request(Poke(), timeout=SILENCE)
    asked = remote.requests[-1]
    remote.misbehaviour = replace(remote.misbehaviour, no_poke_reply=False)

    asked.client.link.send_reply(asked.message_id, Reply(rc=77))
    reply = await cluster.poke()

    assert reply.rc == ReturnCode.OK
    assert "LateReplyReceived" in [type(event).__name__ for event in cluster.events]


@pytest.mark.parametrize("watchdog", [None, "0", "never"])
async def test_a_check_without_timeout_has_no_answer(
    remote: FakeRemote, join: Join, watchdog: str | None
) -> None:
    cluster = await join(remote)
    seen = len(cluster.events)

    check = cluster.send(Check(watchdog=watchdog))
    poke = await cluster.poke()

    assert spoken(cluster.events[seen:])[0] == poke
    assert remote.exit_code is None
    with pytest.raises(ValueError, match=f"no reply to request {check} is expected"):
        await cluster.reply_to(check)


async def test_a_watchdog_timeout_without_sbd_is_fatal(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)

    cluster.send(Check(watchdog="10s"))

    assert await remote.wait_exited() == 100


async def test_the_first_name_stays(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote, "first")

    await cluster.request(Poke(client_name="second"))

    assert remote.clients[0].name == "first"


async def test_requests_can_be_awaited_by_kind(remote: FakeRemote, join: Join) -> None:
    cluster = await join(remote)
    await cluster.resource_info("a")
    await cluster.resource_info("b")

    asked = await remote.next_request(ResourceInfo, lambda it: it.resource_id == "b")
    other = await remote.next_request(ResourceInfo)

    assert (asked.request.resource_id, other.request.resource_id) == ("b", "a")
    assert asked.client is remote.clients[0]
    with pytest.raises(PeerTimeout, match="no Exec that was wanted within"):
        await remote.next_request(Exec, timeout=SILENCE)
