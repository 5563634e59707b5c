# SPDX-License-Identifier: GPL-2.0-or-later
"""One side of a session: ids, matching, what survives (docs/protocol.md §4.2, §4.3, §10)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.wire import (
    BadMagic,
    BadMessage,
    BadXML,
    ByteOrder,
    Check,
    Connection,
    Event,
    Header,
    LateReplyReceived,
    MalformedReceived,
    NotifyReceived,
    Poke,
    PokeNotify,
    Reply,
    ReplyReceived,
    RequestReceived,
    ResourceInfo,
    Role,
    StreamBroken,
    UnknownRequest,
    UnsolicitedReplyReceived,
    WireError,
    build_frame,
    pack_frame,
    parse_xml,
)

from .helpers import cuts, notifies, pieces, replies, requests

Pair = tuple[Connection, Connection]


@pytest.fixture
def pair() -> Pair:
    return Connection(Role.CLUSTER), Connection(Role.REMOTE)


def deliver(source: Connection, target: Connection) -> list[Event]:
    for record in source.data_to_send():
        target.receive_data(record)
    return target.events_received()


def test_a_request_and_its_reply_find_each_other(pair: Pair) -> None:
    cluster, remote = pair
    question, answer = ResourceInfo(resource_id="web"), Reply(rc=-19, call_id=1)

    cluster.send_request(question)
    [asked] = deliver(cluster, remote)
    assert isinstance(asked, RequestReceived)
    remote.send_reply(asked.message_id, answer)
    [told] = deliver(remote, cluster)

    assert asked.request == question
    assert isinstance(told, ReplyReceived)
    assert (told.reply, told.request, told.message_id) == (answer, question, 1)


def test_a_request_as_the_protocol_shows_it(pair: Pair) -> None:
    cluster, _ = pair
    for _ in range(6):
        cluster.send_request(Poke())
    cluster.data_to_send()

    sent = cluster.send_request(Poke(origin="suite"))

    assert sent.xml == (
        b'<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_poke" lrmd_timeout="0" lrmd_callopt="0"'
        b' lrmd_remote_msg_id="7" lrmd_remote_msg_type="request">'
        b'<lrmd_calldata><lrmd_rsc lrmd_origin="suite"/></lrmd_calldata></lrmd_command>'
    )
    assert (sent.message_id, sent.header.id) == (7, 7)
    assert cluster.data_to_send() == [sent.header.pack(), sent.xml + b"\0"]
    assert cluster.data_to_send() == []


def test_a_notify_has_id_0(pair: Pair) -> None:
    cluster, remote = pair

    sent = remote.send_notify(PokeNotify(rc=0, call_id=3))
    [told] = deliver(remote, cluster)

    assert b'lrmd_remote_msg_id="0" lrmd_remote_msg_type="notify"' in sent.xml
    assert isinstance(told, NotifyReceived)
    assert (told.message_id, told.notify) == (0, PokeNotify(rc=0, call_id=3))


@given(st.lists(requests, min_size=1, max_size=3), st.sampled_from(ByteOrder), cuts)
def test_requests_arrive_the_same_however_they_are_cut(
    sent: list[object], order: ByteOrder, cuts: list[int]
) -> None:
    cluster, remote = Connection(Role.CLUSTER, order=order), Connection(Role.REMOTE)
    for request in sent:
        cluster.send_request(request)  # type: ignore[arg-type]

    for piece in pieces(b"".join(cluster.data_to_send()), cuts):
        remote.receive_data(piece)

    received = [e for e in remote.events_received() if isinstance(e, RequestReceived)]
    assert [event.request for event in received] == sent
    assert [event.message_id for event in received] == list(range(1, len(sent) + 1))
    assert {event.header.order for event in received} == {order}


@given(st.lists(notifies | replies, min_size=1, max_size=3), cuts)
def test_news_arrive_the_same_however_they_are_cut(sent: list[object], cuts: list[int]) -> None:
    cluster, remote = Connection(Role.CLUSTER), Connection(Role.REMOTE)
    for message in sent:
        if isinstance(message, Reply):
            remote.send_reply(cluster.send_request(Poke()).message_id, message)
        else:
            remote.send_notify(message)  # type: ignore[arg-type]

    for piece in pieces(b"".join(remote.data_to_send()), cuts):
        cluster.receive_data(piece)

    received = [
        event.reply if isinstance(event, ReplyReceived) else event.notify  # type: ignore[attr-defined]
        for event in cluster.events_received()
    ]
    assert received == sent


def test_replies_may_come_in_any_order(pair: Pair) -> None:
    cluster, remote = pair
    first = cluster.send_request(ResourceInfo(resource_id="a")).message_id
    second = cluster.send_request(ResourceInfo(resource_id="b")).message_id
    remote.send_reply(second, Reply(rc=2))
    remote.send_reply(first, Reply(rc=1))

    events = deliver(remote, cluster)

    assert [(e.message_id, e.reply.rc) for e in events if isinstance(e, ReplyReceived)] == [
        (second, 2),
        (first, 1),
    ]


def test_the_reply_to_a_request_given_up_is_late(pair: Pair) -> None:
    cluster, remote = pair
    old = cluster.send_request(ResourceInfo(resource_id="old")).message_id
    cluster.give_up(old)
    new = cluster.send_request(ResourceInfo(resource_id="new")).message_id
    assert (cluster.expects_reply(old), cluster.expects_reply(new)) == (False, True)
    remote.send_reply(old, Reply(rc=0))
    remote.send_reply(new, Reply(rc=-19))

    late, timely = deliver(remote, cluster)

    assert not cluster.expects_reply(new)
    assert isinstance(late, LateReplyReceived)
    assert late.request == ResourceInfo(resource_id="old")
    assert isinstance(timely, ReplyReceived)
    assert timely.reply.rc == -19


def test_a_second_answer_and_an_answer_to_nothing_are_unsolicited(pair: Pair) -> None:
    cluster, remote = pair
    asked = cluster.send_request(Poke()).message_id
    for message_id in (asked, asked, 99):
        remote.send_reply(message_id, Reply(rc=0))

    events = deliver(remote, cluster)

    assert [type(event) for event in events] == [
        ReplyReceived,
        UnsolicitedReplyReceived,
        UnsolicitedReplyReceived,
    ]


def test_an_answer_to_a_check_is_unsolicited(pair: Pair) -> None:
    cluster, remote = pair
    remote.send_reply(cluster.send_request(Check()).message_id, Reply(rc=0))

    [event] = deliver(remote, cluster)

    assert isinstance(event, UnsolicitedReplyReceived)


def test_giving_up_what_nobody_asked_is_a_mistake(pair: Pair) -> None:
    with pytest.raises(KeyError):
        pair[0].give_up(1)


def test_message_ids_wrap_at_the_largest_positive_integer(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, _ = pair
    monkeypatch.setattr(cluster, "_last_message_id", 2**31 - 2)

    assert [cluster.send_request(Poke()).message_id for _ in range(2)] == [2**31 - 1, 1]


def test_each_side_sends_only_what_is_its_own(pair: Pair) -> None:
    cluster, remote = pair

    with pytest.raises(ValueError, match="requests are sent by the cluster side"):
        remote.send_request(Poke())
    with pytest.raises(ValueError, match="replies are sent by the remote side"):
        cluster.send_reply(1, Reply(rc=0))
    with pytest.raises(ValueError, match="notifies are sent by the remote side"):
        cluster.send_notify(PokeNotify(rc=0, call_id=1))


def test_the_remote_side_takes_anything_with_an_op_for_a_request(pair: Pair) -> None:
    _, remote = pair
    remote.receive_data(
        b"".join(pack_frame(b'<x lrmd_op="lrmd_rsc_poke" lrmd_remote_msg_type="reply"/>'))
    )

    [event] = remote.events_received()

    assert isinstance(event, RequestReceived)
    assert isinstance(event.request, Poke)
    assert event.message_id == 0


@pytest.mark.parametrize("compress", [False, True])
def test_a_prepared_request_is_sent_by_whoever_asked_for_it(pair: Pair, compress: bool) -> None:
    cluster, remote = pair

    message_id, frame = cluster.prepare_request(Poke(), compress=compress)

    assert cluster.data_to_send() == []
    assert cluster.expects_reply(message_id)
    assert bool(frame.header.payload_compressed) is compress
    remote.receive_data(frame.header.pack() + frame.payload)
    (event,) = remote.events_received()
    assert isinstance(event, RequestReceived)
    assert (event.message_id, event.request) == (message_id, Poke())


@pytest.mark.parametrize("kind", ["request", "reply", "notify", None])
def test_the_remote_side_is_told_what_a_message_says_that_it_is(
    pair: Pair, kind: str | None
) -> None:
    _, remote = pair
    attribute = f' lrmd_remote_msg_type="{kind}"' if kind else ""

    for record in pack_frame(f'<lrmd_command lrmd_op="lrmd_rsc_poke"{attribute}/>'.encode()):
        remote.receive_data(record)

    (event,) = remote.events_received()
    assert isinstance(event, RequestReceived)
    assert event.message_type == kind


def test_a_request_that_no_class_expresses_is_sent_as_an_element(pair: Pair) -> None:
    cluster, remote = pair
    cluster.send_request(parse_xml(b'<lrmd_command t="lrmd" lrmd_op="nope"/>'))

    [event] = deliver(cluster, remote)

    assert isinstance(event, RequestReceived)
    assert isinstance(event.request, UnknownRequest)
    assert (event.request.op, event.message_id) == ("nope", 1)


@pytest.mark.parametrize(
    ("xml", "error"),
    [
        (b'<lrmd_reply lrmd_rc="0"', BadXML),
        (b"<lrmd_reply lrmd_rc='0'/>", BadMessage),
        (b'<a lrmd_remote_msg_type="request" lrmd_remote_msg_id="1"/>', BadMessage),
        (b'<a lrmd_remote_msg_type="reply" lrmd_remote_msg_id="x"/>', BadMessage),
        (b'<lrmd_notify lrmd_remote_msg_type="notify" lrmd_op="lrmd_rsc_exec"/>', BadMessage),
    ],
)
def test_a_malformed_message_is_reported_and_the_stream_goes_on(
    pair: Pair, xml: bytes, error: type[WireError]
) -> None:
    cluster, remote = pair
    remote.send_notify(PokeNotify(rc=0, call_id=3))

    cluster.receive_data(b"".join(pack_frame(xml)))
    malformed, good = deliver(remote, cluster)

    assert isinstance(malformed, MalformedReceived)
    assert type(malformed.error) is error
    assert malformed.xml == xml
    assert isinstance(good, NotifyReceived)


def test_a_payload_that_cannot_be_expanded_is_reported_as_it_came(pair: Pair) -> None:
    _, remote = pair
    frame = build_frame(b"<a/>", compress=True)
    remote.receive_data(replace(frame.header, payload_uncompressed=6).pack() + frame.payload)

    [event] = remote.events_received()

    assert isinstance(event, MalformedReceived)
    assert event.xml == frame.payload


def test_a_wrong_header_is_the_last_event(pair: Pair) -> None:
    _, remote = pair
    good, bad = (
        b"".join(pack_frame(b'<a lrmd_op="x"/>')),
        b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n   ",
    )

    remote.receive_data(good + bad)
    first, broken = remote.events_received()
    remote.receive_data(good)

    assert isinstance(first, RequestReceived)
    assert isinstance(broken, StreamBroken)
    assert isinstance(broken.error, BadMagic)
    assert remote.events_received() == []


def test_a_hostile_frame_leaves_as_it_is(pair: Pair) -> None:
    cluster, _ = pair
    header = Header(size_total=0, payload_uncompressed=2**32 - 1)

    cluster.send_frame(header, b"")

    assert cluster.data_to_send() == [header.pack()]
