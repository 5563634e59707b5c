# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS handshakes and sessions that break a rule, one at a time, and some that only stretch one.

The attacks and what the RFCs want of a server are a table, ``fixtures.tls.hostile.attacks``. The
attacker holds the right key, so it is never the key that makes the daemon refuse. Where an attack
sends application data that must not count, that data is a poke: if the daemon processed it, every
named client would be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.deviation import check
from fixtures.peers import Ending, FakeCluster, HandshakeFailed, PeerTimeout
from fixtures.tls.hostile import Client12, HostileSession
from fixtures.tls.hostile.attacks import ATTACKS, Attack, Outcome, Topic
from fixtures.tls.hostile.messages import HandshakeType
from fixtures.wire import (
    DEFAULT_IDENTITY,
    Connection,
    NewClientNotify,
    NotifyReceived,
    Poke,
    PokeNotify,
    Role,
)

from .admittance import TURNED_AWAY
from .fake import FakeDaemon
from .under_test import SIGN_OF_LIFE, Daemon

#: The catalogue's row for each topic.
ROWS = {
    Topic.EARLY: "TLS-027",
    Topic.FORGED: "TLS-043",
    Topic.MALFORMED: "TLS-044",
    Topic.SHARE: "TLS-045",
    Topic.SEQUENCE: "TLS-046",
    Topic.RECORD: "TLS-047",
    Topic.CUT: "TLS-048",
    Topic.RETRY: "TLS-049",
    Topic.UPDATE: "TLS-050",
    Topic.OFFER: "TLS-051",
    Topic.ALERT: "TLS-052",
    Topic.ENDLESS: "TLS-053",
}

#: What some releases of GnuTLS let pass against the rule (``known_issues.toml`` tells whose). The
#: fake daemon's TLS is the GnuTLS of this machine, which proves nothing here.
LENIENT = {
    "hello-compression-offered",
    "records-change-before-the-hello",
    "records-change-of-another-value",
    "records-change-of-two-bytes",
    "tls12-bytes-behind-the-identity",
    "unusual-key-update-shares-its-record",
}

#: Attacks, so to speak, in which a ClientHello takes more than one record.
HELLO_IN_PIECES = {
    "unusual-one-byte-per-record",
    "unusual-message-over-two-records",
    "unusual-message-of-40-kilobytes",
    "tls12-one-byte-per-record",
}

#: Attacks that no rule forbids and GnuTLS nevertheless ends.
ENDED_BY_GNUTLS = {"unusual-key-update-flood", "tls12-renegotiation"}

#: Documented seconds within which an attack must have ended the connection: well before the
#: time-out of the authentication would.
AT_ONCE = 5.0


def cases(outcome: Outcome) -> list[Any]:
    """The attacks with an outcome, each with its requirement and its own killers."""
    return [
        pytest.param(attack, id=attack.name, marks=list(marks(attack)))
        for attack in ATTACKS
        if attack.outcome is outcome
    ]


def marks(attack: Attack[Any]) -> Iterator[pytest.MarkDecorator]:
    yield pytest.mark.requirement(ROWS[attack.topic])
    if attack.name == "tls12-suites-without-authentication":
        yield pytest.mark.requirement("TLS-024")
        yield pytest.mark.killed_by("anonymous_accepted")
    if attack.name in ENDED_BY_GNUTLS:
        yield pytest.mark.killed_by("ignore_tls_faults")
    if attack.outcome is Outcome.ACCEPTED:
        if attack.kind is Client12:
            yield pytest.mark.killed_by("tls13_only")
        if attack.kind is Client12 or attack.name == "unusual-no-diffie-hellman":
            yield pytest.mark.killed_by("only_with_diffie_hellman")
        if attack.name in HELLO_IN_PIECES:
            yield pytest.mark.killed_by("take_records_for_messages")
        if attack.topic is Topic.RETRY:
            yield pytest.mark.killed_by("never_ask_again")


def a_poke() -> list[bytes]:
    """A poke as the records that a daemon wants it in."""
    connection = Connection(Role.CLUSTER)
    connection.send_request(Poke())
    return connection.data_to_send()


def attacker(daemon: Daemon, attack: Attack[Any]) -> FakeCluster:
    """The attacker; it counts as connected when its script is over."""

    def session(keylog: Callable[[str], None]) -> HostileSession:
        peer = attack.attacker(DEFAULT_IDENTITY, daemon.key, keylog=keylog, smuggle=a_poke())
        return HostileSession(peer, attack.script(peer))

    return daemon.client(attack.name, session=session)


def skip_if_gnutls_decides(daemon: Daemon, attack: Attack[Any]) -> None:
    if isinstance(daemon, FakeDaemon) and attack.name in LENIENT:
        pytest.skip("depends on this machine's GnuTLS, with which the fake daemon is made")


async def play(client: FakeCluster, seconds: float) -> Ending | None:
    """Play the attack to its end, and tell how the daemon ended it in time; None if it did not."""
    try:
        await client.connect(seconds)
        return await client.wait_closed(seconds)
    except HandshakeFailed as failure:
        return failure.ending
    except PeerTimeout:
        return None
    finally:
        await client.close()


async def told(witness: FakeCluster, before: int, *kinds: type) -> list[str]:
    """The notifies of some kinds behind the first *before* events, when the daemon has caught up.

    The daemon looks at its connections in turn: when it answers a second question that was asked
    after the first one's answer, it has seen what an attacker had sent before the first.
    """
    for _ in range(2):
        await witness.resource_info(SIGN_OF_LIFE)
    events = witness.events[before:]
    seen = (event.notify for event in events if isinstance(event, NotifyReceived))
    return [str(notify) for notify in seen if isinstance(notify, kinds)]


@pytest.mark.requirement("TLS-038")
@pytest.mark.killed_by(
    "ignore_tls_faults", "announce_before_handshake", "failed_handshake_announced"
)
@pytest.mark.parametrize("attack", cases(Outcome.REFUSED))
async def test_broken_handshake_is_refused(daemon: Daemon, attack: Attack[Any]) -> None:
    skip_if_gnutls_decides(daemon, attack)
    async with daemon.client("witness") as witness:
        await witness.register()
        before = len(witness.events)
        ending = await play(attacker(daemon, attack), daemon.seconds(AT_ONCE))
        check(
            ending is not None and ending.kind in TURNED_AWAY,
            expected=f"the daemon ends the connection at once: {attack}",
            actual=f"ended by {ending}" if ending else f"not ended: {attack.name}",
        )
        traces = await told(witness, before, NewClientNotify, PokeNotify)
        check(
            not traces,
            expected=f"no new client and no poke for others: {attack}",
            actual="\n".join(traces),
        )


@pytest.mark.requirement("TLS-038")
@pytest.mark.killed_by("ignore_tls_faults")
@pytest.mark.parametrize("attack", cases(Outcome.ENDED))
async def test_broken_session_is_ended(daemon: Daemon, attack: Attack[Any]) -> None:
    skip_if_gnutls_decides(daemon, attack)
    async with daemon.client("witness") as witness:
        await witness.register()
        before = len(witness.events)
        ending = await play(attacker(daemon, attack), daemon.seconds(AT_ONCE))
        check(
            ending is not None and ending.kind in TURNED_AWAY,
            expected=f"the daemon ends the connection at once: {attack}",
            actual=f"ended by {ending}" if ending else f"not ended: {attack.name}",
        )
        traces = await told(witness, before, PokeNotify)
        check(not traces, expected=f"no poke for others: {attack}", actual="\n".join(traces))


@pytest.mark.killed_by("announce_before_handshake")
@pytest.mark.parametrize("attack", cases(Outcome.UNFINISHED))
async def test_unfinished_handshake_never_counts(daemon: Daemon, attack: Attack[Any]) -> None:
    async with daemon.client("witness") as witness:
        await witness.register()
        before = len(witness.events)
        stranger = attacker(daemon, attack)
        try:
            await stranger.connect()
        except HandshakeFailed as failure:
            check(
                failure.ending.kind in TURNED_AWAY,
                expected=f"the daemon waits or ends the connection: {attack}",
                actual=f"ended by {failure.ending}",
            )
        traces = await told(witness, before, NewClientNotify, PokeNotify)
        await stranger.close()
        check(
            not traces,
            expected=f"no new client and no poke for others: {attack}",
            actual="\n".join(traces),
        )


@pytest.mark.killed_by("tls12_only")
@pytest.mark.parametrize("attack", cases(Outcome.ACCEPTED))
async def test_unusual_client_is_served(daemon: Daemon, attack: Attack[Any]) -> None:
    client = attacker(daemon, attack)
    try:
        async with client:
            replies = [await client.register(), await client.poke()]
    except (HandshakeFailed, ConnectionError, PeerTimeout) as problem:
        check(False, expected=f"the client is served: {attack}", actual=str(problem))
    check(
        [reply.rc for reply in replies] == [0, 0],
        expected=f"register and poke are answered: {attack}",
        actual=str(replies),
    )


@pytest.mark.parametrize("attack", cases(Outcome.OPEN))
async def test_what_no_rule_forbids_ends_or_is_served(daemon: Daemon, attack: Attack[Any]) -> None:
    client = attacker(daemon, attack)
    outcome = "neither"
    try:
        async with client:
            outcome = f"register answered with {(await client.register()).rc}"
    except PeerTimeout as problem:
        outcome = str(problem)
    except ConnectionError:  # HandshakeFailed and ConnectionEnded are
        assert client.ending is not None
        outcome = f"ended by {client.ending.kind.value}"
    check(
        outcome in {"register answered with 0", *(f"ended by {k.value}" for k in TURNED_AWAY)},
        expected=f"the daemon ends the connection, or answers: {attack}",
        actual=outcome,
    )


@pytest.mark.requirement("TLS-050")
@pytest.mark.killed_by("tls12_only")
async def test_requested_key_update_is_answered_by_one(daemon: Daemon) -> None:
    [attack] = [attack for attack in ATTACKS if attack.name == "unusual-key-update-requested"]
    peer = attack.attacker(DEFAULT_IDENTITY, daemon.key)
    session = HostileSession(peer, attack.script(peer))
    async with daemon.client(session=lambda keylog: session) as client:
        await client.register()
        check(
            peer.saw(HandshakeType.KEY_UPDATE),
            expected="the daemon sends a KeyUpdate before its next data",
            actual="no KeyUpdate",
        )


@pytest.mark.requirement("TLS-054")
@pytest.mark.killed_by("tls12_only", "tls13_only")
async def test_downgrade_to_tls12_shows(daemon: Daemon) -> None:
    peer = Client12(DEFAULT_IDENTITY, daemon.key)
    session = HostileSession(peer, peer.handshake())
    async with daemon.client(session=lambda keylog: session):
        assert peer.server_hello is not None
        check(
            peer.server_hello.random.endswith(b"DOWNGRD\x01"),
            expected="the server's random ends with DOWNGRD and 01",
            actual=peer.server_hello.random.hex(),
        )
