# SPDX-License-Identifier: GPL-2.0-or-later
"""What passes through the IPC proxy, both ways (docs/protocol.md §11.1)."""

from __future__ import annotations

import pytest

from conformance.deviation import Deviation, check
from fixtures.peers import CLIENT_RESPONSE, PeerTimeout, publish, respond
from fixtures.wire import ProxyForward, ProxyOp

from .conftest import StartDaemon
from .proxying import provider, same_xml, session
from .under_test import SIGN_OF_LIFE, Daemon

REQUEST = b'<request task="anything"/>'
MIB = 1024 * 1024


@pytest.mark.requirement("PRX-004")
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"<request/>", id="empty"),
        pytest.param(
            b'<request a="x &quot;y&quot; z"/>',
            id="quotes",
            marks=pytest.mark.killed_by("local_request_altered"),
        ),
        pytest.param(b'<request a="&lt;b&gt; &amp;amp; c"/>', id="markup"),
        pytest.param(b'<request a="tab&#9;line&#10;return&#13;"/>', id="white space"),
        pytest.param('<request a="höher, 高, 🦀"/>'.encode(), id="UTF-8"),
        pytest.param(b'<request a=""><b c="1"><d/></b><b c="2"/></request>', id="nested"),
        pytest.param(b'<request a="' + b"x" * 100_000 + b'"/>', id="100 kB"),
    ],
)
async def test_local_request_is_forwarded_unchanged(daemon: Daemon, payload: bytes) -> None:
    async with provider(daemon) as client, session(daemon, client) as opened:
        seen = await opened.ask(3, payload)
    check(
        same_xml(seen.payload, payload),
        expected=f"{payload[:200]!r}",
        actual=f"{(seen.payload or b'')[:200]!r}",
    )


@pytest.mark.requirement("PRX-004")
@pytest.mark.parametrize(
    "message_id",
    [7, pytest.param(2**31 - 1, marks=pytest.mark.killed_by("local_message_id_cut"))],
)
async def test_local_request_keeps_its_message_id(daemon: Daemon, message_id: int) -> None:
    async with provider(daemon) as client, session(daemon, client) as opened:
        seen = await opened.ask(message_id, REQUEST)
    check(
        seen.ipc_message_id == message_id,
        expected=f"message id {message_id}",
        actual=f"{seen.ipc_message_id}",
    )


@pytest.mark.requirement("PRX-004")
@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(CLIENT_RESPONSE, id="response wanted"),
        pytest.param(0, id="none", marks=pytest.mark.killed_by("local_flags_lost")),
    ],
)
async def test_local_request_keeps_its_flags_and_is_marked_proxied(
    daemon: Daemon, flags: int
) -> None:
    async with provider(daemon) as client, session(daemon, client) as opened:
        seen = await opened.ask(3, REQUEST, flags)
    check(
        seen.ipc_message_flags == flags | 0x100,
        expected=f"flags {flags | 0x100}",
        actual=f"{seen.ipc_message_flags}",
    )


@pytest.mark.requirement("PRX-004")
@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("root", "root"),
        pytest.param("hacluster", "hacluster", marks=pytest.mark.killed_by("local_user_is_root")),
        pytest.param(
            "nobody:haclient", "nobody", marks=pytest.mark.killed_by("local_user_is_root")
        ),
    ],
)
async def test_provider_is_told_who_asks(daemon: Daemon, user: str, name: str) -> None:
    async with provider(daemon) as client, session(daemon, client, "attrd", user) as opened:
        seen = await opened.ask(3, REQUEST)
        known_as = (seen.client or "").split("-")
    check(seen.user == name, expected=f"user {name}", actual=f"{seen.user}")
    check(
        known_as[:2] == ["proxy", "attrd"] and known_as[-1] == opened.id[:8],
        expected=f"client proxy-attrd-(pid)-{opened.id[:8]}",
        actual=f"{seen.client}",
    )


@pytest.mark.requirement("PRX-004")
async def test_local_requests_arrive_in_order(daemon: Daemon) -> None:
    async with provider(daemon) as client, session(daemon, client) as opened:
        for message_id in range(1, 51):
            opened.local.send(message_id, REQUEST, 0)
        seen = [(await opened.next_request()).ipc_message_id for _ in range(50)]
    check(seen == list(range(1, 51)), expected="ids 1 to 50 in order", actual=f"{seen}")


@pytest.mark.requirement("PRX-005")
@pytest.mark.killed_by("response_to_newest_session")
async def test_response_reaches_exactly_who_asked(daemon: Daemon) -> None:
    async with (
        provider(daemon) as client,
        session(daemon, client) as first,
        session(daemon, client) as second,
    ):
        # The same message id in both: only the session tells them apart.
        asked = [await each.ask(3, REQUEST) for each in (first, second)]
        await client.request(respond(asked[0], b'<answer to="first"/>'))
        await client.request(respond(asked[1], b'<answer to="second"/>'))
        answers = [await each.local.response() for each in (first, second)]
    check(
        answers == [(3, b'<answer to="first"/>'), (3, b'<answer to="second"/>')],
        expected="each the answer to its own request",
        actual=f"{answers}",
    )


@pytest.mark.requirement("PRX-005")
async def test_one_session_carries_many_requests(daemon: Daemon) -> None:
    async with provider(daemon) as client, session(daemon, client) as opened:
        for message_id in range(1, 21):
            request = await opened.ask(message_id, REQUEST)
            await client.request(respond(request, b'<answer n="%d"/>' % message_id))
            response = await opened.local.response()
            assert response == (message_id, b'<answer n="%d"/>' % message_id)


@pytest.mark.requirement("NEG-016")
@pytest.mark.killed_by("response_id_not_checked")
async def test_response_under_a_wrong_id_is_no_answer_to_the_request(daemon: Daemon) -> None:
    async with provider(daemon) as client, session(daemon, client) as opened:
        request = await opened.ask(3, REQUEST)
        wrong = ProxyForward(
            ipc_op=ProxyOp.RESPONSE, session=opened.id, ipc_message_id=99, payload=b"<wrong/>"
        )
        await client.request(wrong)
        await client.request(respond(request, b"<right/>"))
        response = await opened.local.response()
        while response[0] != 3:
            response = await opened.local.response()
    check(
        response == (3, b"<right/>"),
        expected="the answer that carries the request's own id",
        actual=f"{response}",
    )


@pytest.mark.requirement("PRX-006")
@pytest.mark.killed_by("tenth_event_lost")
async def test_events_reach_their_session_unasked_and_in_order(daemon: Daemon) -> None:
    async with (
        provider(daemon) as client,
        session(daemon, client) as first,
        session(daemon, client) as second,
    ):
        for number in range(20):
            await client.request(publish(first.id, b'<event n="%d"/>' % number))
        await client.request(publish(second.id, b"<other/>"))
        events = [await first.local.event() for _ in range(20)]
        other = await second.local.event()
    check(
        events == [b'<event n="%d"/>' % number for number in range(20)] and other == b"<other/>",
        expected="20 events at the first, the other one at the second",
        actual=f"{events}; {other!r}",
    )


@pytest.mark.requirement("PRX-005")
@pytest.mark.killed_by("large_response_lost")
async def test_a_response_of_one_mib_is_delivered_whole(daemon: Daemon) -> None:
    answer = b'<answer a="' + b"0123456789abcdef" * (MIB // 16) + b'"/>'
    async with provider(daemon) as client, session(daemon, client) as opened:
        request = await opened.ask(3, REQUEST)
        await client.request(respond(request, answer))
        response = await opened.local.response()
    check(
        response == (3, answer),
        expected=f"{len(answer)} bytes as they were sent",
        actual=f"message {response[0]} of {len(response[1])} bytes",
    )


@pytest.mark.requirement("PRX-006")
async def test_an_event_of_one_mib_is_delivered_whole(daemon: Daemon) -> None:
    event = b'<event a="' + b"0123456789abcdef" * (MIB // 16) + b'"/>'
    async with provider(daemon) as client, session(daemon, client) as opened:
        await client.request(publish(opened.id, event))
        found = await opened.local.event()
    check(
        found == event,
        expected=f"{len(event)} bytes as they were sent",
        actual=f"{len(found)} bytes",
    )


@pytest.mark.requirement("PRX-024")
@pytest.mark.killed_by("waits_for_deaf_local_client")
async def test_a_local_client_that_reads_nothing_holds_up_nobody(
    start_daemon: StartDaemon,
) -> None:
    # 3.0.1 writes two lines for each of its hundreds of thousands of attempts.
    daemon = await start_daemon({"PCMK_logfile": "none"})
    answer = b'<answer a="' + b"0123456789abcdef" * (MIB // 16) + b'"/>'
    async with (
        daemon.client("bystander") as bystander,
        provider(daemon) as client,
        session(daemon, client) as opened,
    ):
        opened.local.stop_reading()
        request = await opened.ask(3, REQUEST)
        sent = [client.send(respond(request, answer)) for _ in range(3)]
        try:
            for message_id in sent:
                await client.reply_to(message_id, client.patience / 2)
            reply = await bystander.resource_info(SIGN_OF_LIFE)
        except PeerTimeout as silence:
            raise Deviation("the provider and others are answered", f"{silence}") from None
        check(reply.rc == -19, expected="another client is served", actual=str(reply))


@pytest.mark.requirement("NEG-015")
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nothing", marks=pytest.mark.killed_by("dies_of_empty_forward")),
        pytest.param(
            {"session": ...},
            id="session only",
            marks=pytest.mark.killed_by("dies_of_empty_forward"),
        ),
        pytest.param({"ipc_op": "response"}, id="response to nobody"),
        pytest.param({"ipc_op": "event"}, id="event for nobody"),
        pytest.param({"ipc_op": "destroy"}, id="destroy of nobody"),
        pytest.param({"ipc_op": "nonsense", "session": ...}, id="unknown operation"),
        pytest.param({"ipc_op": "new", "session": ...}, id="the daemon's own operation"),
        pytest.param({"ipc_op": "event", "session": ...}, id="event without message"),
        pytest.param(
            {"ipc_op": "response", "session": ..., "ipc_message_id": 3},
            id="response without message",
        ),
        pytest.param(
            {"ipc_op": "response", "session": ..., "payload": b"<x/>"}, id="response without id"
        ),
        pytest.param(
            {"ipc_op": "response", "session": ..., "ipc_message_id": -1, "payload": b"<x/>"},
            id="negative id",
        ),
    ],
)
async def test_incomplete_forward_is_harmless(daemon: Daemon, fields: dict[str, object]) -> None:
    async with provider(daemon) as client, session(daemon, client) as opened:
        request = await opened.ask(3, REQUEST)
        values = {name: opened.id if value is ... else value for name, value in fields.items()}
        reply = await client.request(ProxyForward(**{"ipc_op": None, **values}))  # type: ignore[arg-type]
        check(reply.rc == 0, expected="a reply with return code 0", actual=str(reply))
        await client.request(respond(request, b"<right/>"))
        response = await opened.local.response()
        while response[1] != b"<right/>":
            response = await opened.local.response()


@pytest.mark.requirement("NEG-017")
@pytest.mark.killed_by("anybody_forwards")
@pytest.mark.parametrize("ipc_op", [ProxyOp.RESPONSE, ProxyOp.EVENT, ProxyOp.DESTROY])
async def test_a_client_that_is_no_provider_cannot_reach_local_clients(
    daemon: Daemon, ipc_op: ProxyOp
) -> None:
    async with (
        provider(daemon) as client,
        session(daemon, client) as opened,
        daemon.client("stranger") as stranger,
    ):
        await stranger.register()
        request = await opened.ask(3, REQUEST)
        await stranger.request(
            ProxyForward(ipc_op=ipc_op, session=opened.id, ipc_message_id=3, payload=b"<forged/>")
        )
        # Whatever the provider says must be the first that the local client hears.
        await client.request(publish(opened.id, b"<genuine/>"))
        await client.request(respond(request, b"<genuine/>"))
        heard = [await opened.local.event(), (await opened.local.response())[1]]
    check(
        heard == [b"<genuine/>"] * 2,
        expected="only what the provider says reaches its local client",
        actual=f"{heard}",
    )
