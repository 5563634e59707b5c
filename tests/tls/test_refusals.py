# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshakes that fail: who ended them, how, and what the other side can tell of it."""

import pytest

from fixtures.tls import PACEMAKER_PRIORITY, HandshakeEnding, TLSError

from .helpers import (
    CLOSE_NOTIFY_IN_CLEAR,
    KEY,
    PRIORITIES,
    TLS12_PSK,
    Pair,
    exchange,
    pair,
)

HANDSHAKE_FAILURE = bytes.fromhex("15 03 03 00 02 02 28")


def server_refuses(both: Pair) -> TLSError:
    """Play the handshake until the server fails."""
    both.client.start()
    with pytest.raises(TLSError) as refusal:
        exchange(both)
    assert not both.server.established
    assert not both.client.established
    return refusal.value


def client_fails(both: Pair, data: bytes) -> TLSError:
    """Give the client something to fail on."""
    with pytest.raises(TLSError) as failure:
        both.client.receive_data(data)
    return failure.value


@pytest.mark.parametrize("priority", PRIORITIES)
@pytest.mark.parametrize("wrong", [KEY + b"\n", KEY[:-1], KEY[:64], KEY[:-1] + b"\0"])
def test_a_wrong_key_ends_as_pacemaker_ends_it(priority: str, wrong: bytes) -> None:
    both = pair(priority=priority, client_key=wrong)

    refusal = server_refuses(both)
    assert refusal.handshake_ending is HandshakeEnding.LOCAL
    assert refusal.alert is None
    assert refusal.rc < 0
    assert refusal.name.startswith("GNUTLS_E_")

    answer = both.server.data_to_send()
    assert answer == CLOSE_NOTIFY_IN_CLEAR
    failure = client_fails(both, answer)
    assert failure.handshake_ending is HandshakeEnding.CLOSE_NOTIFY
    assert failure.alert == "close_notify"


@pytest.mark.parametrize("priority", PRIORITIES)
def test_an_identity_that_the_lookup_refuses(priority: str) -> None:
    both = pair(
        priority=priority, identity=b"root", lookup=lambda name: KEY if name == b"lrmd" else None
    )
    assert server_refuses(both).handshake_ending is HandshakeEnding.LOCAL
    failure = client_fails(both, both.server.data_to_send())
    assert failure.handshake_ending is HandshakeEnding.CLOSE_NOTIFY


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_fatal_alert_is_told_from_close_notify(priority: str) -> None:
    both = pair(priority=priority)
    both.client.start()
    failure = client_fails(both, HANDSHAKE_FAILURE)
    assert failure.handshake_ending is HandshakeEnding.FATAL_ALERT
    assert failure.alert == "handshake_failure"
    assert "handshake_failure" in str(failure)
    assert both.client.events_received() == []


@pytest.mark.parametrize("alert", [CLOSE_NOTIFY_IN_CLEAR, HANDSHAKE_FAILURE])
@pytest.mark.parametrize("priority", PRIORITIES)
def test_an_alert_in_mid_handshake_byte_by_byte(priority: str, alert: bytes) -> None:
    """In TLS 1.2 the client has the ServerHello by then, and GnuTLS reports any alert alike."""
    both = pair(priority=priority, client_key=b"wrong")
    server_refuses(both)
    said = both.server.data_to_send()
    assert said.endswith(CLOSE_NOTIFY_IN_CLEAR)
    *all_but_last, last = said.removesuffix(CLOSE_NOTIFY_IN_CLEAR) + alert
    for byte in all_but_last:
        both.client.receive_data(bytes([byte]))
    failure = client_fails(both, bytes([last]))
    endings = {
        CLOSE_NOTIFY_IN_CLEAR: HandshakeEnding.CLOSE_NOTIFY,
        HANDSHAKE_FAILURE: HandshakeEnding.FATAL_ALERT,
    }
    assert failure.handshake_ending is endings[alert]


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_bare_end_of_stream(priority: str) -> None:
    client = pair(priority=priority).client
    client.start()
    with pytest.raises(TLSError) as failure:
        client.receive_eof()
    assert failure.value.handshake_ending is HandshakeEnding.EOF
    assert failure.value.alert is None


def test_the_end_of_stream_before_a_client_said_anything() -> None:
    server = pair().server
    with pytest.raises(TLSError) as failure:
        server.receive_eof()
    assert failure.value.handshake_ending is HandshakeEnding.EOF


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.0\r\n\r\n", bytes(64), b"<lrmd_command/>"])
def test_a_plaintext_peer_gets_seven_bytes(garbage: bytes) -> None:
    """As from a daemon (TLS-001)."""
    server = pair().server
    with pytest.raises(TLSError) as failure:
        server.receive_data(garbage)
    assert failure.value.handshake_ending is HandshakeEnding.LOCAL
    assert server.data_to_send() == CLOSE_NOTIFY_IN_CLEAR


def test_a_server_may_lose_patience_in_the_clear() -> None:
    """As a daemon does after ten seconds (TLS-025)."""
    both = pair()
    both.server.send_close_notify()
    answer = both.server.data_to_send()
    assert answer == CLOSE_NOTIFY_IN_CLEAR
    both.client.start()
    assert client_fails(both, answer).handshake_ending is HandshakeEnding.CLOSE_NOTIFY


def test_a_failed_session_ignores_the_rest_and_sends_nothing() -> None:
    both = pair(client_key=b"wrong")
    server_refuses(both)
    both.server.data_to_send()

    both.server.receive_data(b"more of the same flight")
    both.server.receive_eof()
    both.server.send_close_notify()
    assert both.server.events_received() == []
    assert both.server.pending_bytes == 0
    with pytest.raises(RuntimeError, match="handshake"):
        both.server.send_record(b"x")


def test_no_cipher_suite_in_common() -> None:
    both = pair(priority="NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-PSK")
    assert server_refuses(both).handshake_ending is HandshakeEnding.LOCAL


def test_an_identity_that_tls13_cannot_carry_fails_at_start() -> None:
    client = pair(identity=b"").client
    with pytest.raises(TLSError) as failure:
        client.start()
    assert failure.value.handshake_ending is HandshakeEnding.LOCAL


@pytest.mark.parametrize("priority", [PACEMAKER_PRIORITY, TLS12_PSK])
def test_an_exception_of_the_lookup_comes_out_unchanged(priority: str) -> None:
    error = LookupError("key file vanished")

    def lookup(identity: bytes) -> bytes:
        raise error

    both = pair(priority=priority, lookup=lookup)
    both.client.start()
    with pytest.raises(LookupError) as raised:
        exchange(both)
    assert raised.value is error
    # The client is told as if the key had been wrong.
    assert both.server.data_to_send().endswith(CLOSE_NOTIFY_IN_CLEAR)


def test_a_key_that_is_too_long_for_tls_is_named_but_not_shown() -> None:
    both = pair(lookup=lambda identity: b"secret" * 20000)
    both.client.start()
    with pytest.raises(ValueError, match="PSK of 120000 bytes, at most 65535") as raised:
        exchange(both)
    assert "secret" not in str(raised.value)
