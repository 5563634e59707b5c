# SPDX-License-Identifier: GPL-2.0-or-later
"""Established sessions: records, their borders, and the ways to end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.tls import (
    MAX_RECORD,
    AlertReceived,
    CloseNotifyReceived,
    DataReceived,
    HandshakeCompleted,
    TLSError,
    Truncated,
)

from .helpers import (
    PRIORITIES,
    TLS12_PSK,
    ask_for_renegotiation,
    established,
    exchange,
    pair,
    pieces,
    plaintexts,
    record_sizes,
    send_alert,
    sizes,
)

APPLICATION_DATA = 23
TLS10_CBC = "NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+PSK"


@pytest.mark.parametrize("priority", [*PRIORITIES, TLS10_CBC])
@pytest.mark.parametrize("size", [1, 40, 41, 1000, MAX_RECORD])
def test_one_send_is_one_record(priority: str, size: int) -> None:
    """Also in TLS 1.0, where others split records against the BEAST attack."""
    client, server = established(priority=priority)
    for _ in range(3):
        client.send_record(b"x" * size)
    ciphertext = client.data_to_send()
    records = list(record_sizes(ciphertext))
    assert [kind for kind, _ in records] == [APPLICATION_DATA] * 3
    assert all(size < body <= size + 2048 for _, body in records)

    server.receive_data(ciphertext)
    assert plaintexts(server) == [b"x" * size] * 3


@pytest.mark.parametrize("priority", PRIORITIES)
def test_both_directions(priority: str) -> None:
    client, server = established(priority=priority)
    server.send_record(b"from the server")
    client.receive_data(server.data_to_send())
    assert plaintexts(client) == [b"from the server"]


@pytest.mark.parametrize("size", [0, MAX_RECORD + 1])
def test_what_does_not_fit_into_one_record(size: int) -> None:
    client = established().client
    with pytest.raises(ValueError, match=f"{size} bytes"):
        client.send_record(b"x" * size)
    assert client.pending_bytes == 0


@settings(max_examples=60, deadline=None)
@given(
    sizes=sizes,
    priority=st.sampled_from(PRIORITIES),
    messages=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=8),
)
def test_any_split_gives_the_same_plaintext(
    sizes: list[int], priority: str, messages: list[bytes]
) -> None:
    client, server = established(priority=priority)
    for message in messages:
        client.send_record(message)
    client.send_close_notify()
    for piece in pieces(client.data_to_send(), sizes):
        server.receive_data(piece)
    expected = [DataReceived(message) for message in messages]
    assert server.events_received() == [*expected, CloseNotifyReceived()]


def test_pending_bytes_tell_what_waits() -> None:
    client = established().client
    assert client.pending_bytes == 0
    client.send_record(b"x" * 1000)
    waiting = client.pending_bytes
    assert waiting > 1000
    assert len(client.data_to_send()) == waiting
    assert client.pending_bytes == 0


def test_a_record_in_the_flight_of_the_handshake_is_not_forgotten() -> None:
    """A TLS 1.3 client may speak at once; the server gets both in one segment."""
    client, server = pair()
    client.start()
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())
    assert client.established
    client.send_record(b"first")
    client.send_record(b"second")
    server.receive_data(client.data_to_send())
    assert server.events_received() == [
        HandshakeCompleted(server.info),
        DataReceived(b"first"),
        DataReceived(b"second"),
    ]


@pytest.mark.parametrize("priority", PRIORITIES)
def test_close_notify_and_then_the_end_of_the_stream(priority: str) -> None:
    client, server = established(priority=priority)
    client.send_close_notify()
    client.send_close_notify()
    server.receive_data(client.data_to_send())
    server.receive_eof()
    assert server.events_received() == [CloseNotifyReceived()]


@pytest.mark.parametrize("priority", PRIORITIES)
def test_the_end_of_the_stream_without_close_notify(priority: str) -> None:
    server = established(priority=priority).server
    server.receive_eof()
    assert server.events_received() == [Truncated()]
    server.receive_eof()
    assert server.events_received() == []


@pytest.mark.parametrize("priority", PRIORITIES)
def test_an_unfinished_record_at_the_end_is_truncation(priority: str) -> None:
    client, server = established(priority=priority)
    client.send_record(b"never to be read in whole")
    server.receive_data(client.data_to_send()[:-1])
    server.receive_eof()
    assert server.events_received() == [Truncated()]


def test_the_other_direction_survives_close_notify() -> None:
    client, server = established()
    client.send_close_notify()
    server.receive_data(client.data_to_send())
    server.send_record(b"last words")
    client.receive_data(server.data_to_send())
    assert plaintexts(client) == [b"last words"]


def test_nothing_may_be_sent_after_close_notify() -> None:
    client = established().client
    client.send_close_notify()
    with pytest.raises(RuntimeError, match="after the end"):
        client.send_record(b"x")


def test_what_follows_close_notify_is_ignored() -> None:
    """RFC 8446 §6.1."""
    client, server = established()
    client.send_close_notify()
    server.receive_data(client.data_to_send() + b"rubbish")
    server.receive_data(b"and more")
    assert server.events_received() == [CloseNotifyReceived()]


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_fatal_alert_is_an_event_and_the_end(priority: str) -> None:
    client, server = established(priority=priority)
    send_alert(client, level=2, description=80)
    server.receive_data(client.data_to_send())
    assert server.events_received() == [AlertReceived("fatal", "internal_error")]
    server.receive_eof()
    assert server.events_received() == []
    with pytest.raises(RuntimeError, match="after the end"):
        server.send_record(b"x")


def test_a_warning_is_an_event_and_no_end() -> None:
    client, server = established(priority=TLS12_PSK)
    send_alert(client, level=1, description=100)
    client.send_record(b"still here")
    server.receive_data(client.data_to_send())
    assert server.events_received() == [
        AlertReceived("warning", "no_renegotiation"),
        DataReceived(b"still here"),
    ]


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_forged_record_is_an_error_after_what_came_before(priority: str) -> None:
    client, server = established(priority=priority)
    client.send_record(b"genuine")
    forged = bytes([APPLICATION_DATA, 3, 3, 0, 40]) + bytes(40)
    with pytest.raises(TLSError) as failure:
        server.receive_data(client.data_to_send() + forged)
    assert failure.value.handshake_ending is None
    assert plaintexts(server) == [b"genuine"]


def test_renegotiation_is_refused() -> None:
    client, server = established(priority=TLS12_PSK)
    ask_for_renegotiation(server)
    with pytest.raises(TLSError) as failure:
        client.receive_data(server.data_to_send())
    assert failure.value.name == "GNUTLS_E_REHANDSHAKE"


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_handshake_in_records_of_one_byte(priority: str) -> None:
    """GnuTLS says E_AGAIN after each, though there is more to read."""
    client, server = both = pair(priority=priority)
    client.start()
    hello = client.data_to_send()
    server.receive_data(b"".join(hello[:3] + b"\0\1" + bytes([byte]) for byte in hello[5:]))
    exchange(both)
    assert server.established
