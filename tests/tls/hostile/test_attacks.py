# SPDX-License-Identifier: GPL-2.0-or-later
"""Every attack against libgnutls in memory: it does what the RFCs want, or is named here."""

from typing import Any

import pytest

from fixtures.tls import AlertReceived, CloseNotifyReceived, DataReceived, TLSEvent
from fixtures.tls.hostile.attacks import ATTACKS, ATTACKS_ON_CLIENTS, Attack, Outcome
from fixtures.tls.hostile.tls12 import Server12

from ..helpers import TLS12_PSK
from .helpers import IDENTITY, KEY, Talk, talk_to_client, talk_to_server

SMUGGLED = b"smuggled"

#: What GnuTLS lets pass although a rule says otherwise: 3.7.9, or only 3.8.9 and later.
LENIENT = {
    "hello-compression-offered",
    "records-change-before-the-hello",
    "records-change-of-another-value",
    "records-change-of-two-bytes",
    "unusual-key-update-shares-its-record",
    "tls12-bytes-behind-the-identity",
    "server13-session-id-of-its-own",
    "server13-extension-unasked",
    "server13-retry-that-changes-nothing",
}


def judge(talk: Talk, attack: Attack[Any]) -> None:
    """Compare what libgnutls made of it with what it must."""
    events = talk.real.events_received()
    data = [event.data for event in events if isinstance(event, DataReceived)]
    outcome = Outcome.OPEN if attack.name in LENIENT else attack.outcome
    assert outcome is Outcome.OPEN or SMUGGLED not in data
    match outcome:
        case Outcome.REFUSED:
            assert not talk.real.established
            assert talk.failure is not None, "libgnutls waits for more"
        case Outcome.ENDED:
            assert talk.failure is not None or any(map(ends, events)), f"{events}"
        case Outcome.UNFINISHED:
            assert not talk.real.established
        case Outcome.ACCEPTED:
            assert talk.failure is None, f"{talk.failure!r} {talk.failure.name}"
            assert talk.refusal is None
            talk.exchange_data()
        case Outcome.OPEN:
            if talk.real.established and talk.failure is None and not any(map(ends, events)):
                talk.exchange_data()


def ends(event: TLSEvent) -> bool:
    """Whether an event is the end of a session."""
    return isinstance(event, CloseNotifyReceived) or (
        isinstance(event, AlertReceived) and event.level == "fatal"
    )


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_server(attack: Attack[Any]) -> None:
    client = attack.attacker(IDENTITY, KEY, smuggle=[SMUGGLED])
    talk = talk_to_server(client, attack.script(client))
    judge(talk, attack)


@pytest.mark.parametrize("attack", ATTACKS_ON_CLIENTS, ids=lambda attack: attack.name)
def test_client(attack: Attack[Any]) -> None:
    server = attack.attacker(lambda identity: KEY, smuggle=[SMUGGLED])
    options = {}
    if attack.kind is Server12:
        shows = "downgrade" in attack.name
        options["priority"] = "NORMAL:+PSK" if shows else f"{TLS12_PSK}:+DHE-PSK"
    talk = talk_to_client(server, attack.script(server), **options)
    judge(talk, attack)


def test_names_are_unique_and_every_outcome_is_sourced() -> None:
    names = [attack.name for attack in (*ATTACKS, *ATTACKS_ON_CLIENTS)]
    assert len(set(names)) == len(names)
    assert all(
        "RFC" in attack.source or attack.outcome is Outcome.OPEN
        for attack in (*ATTACKS, *ATTACKS_ON_CLIENTS)
    )
    assert set(names) >= LENIENT
