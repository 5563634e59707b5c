# SPDX-License-Identifier: GPL-2.0-or-later
"""What a session holds, and that it is given back."""

import gc
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.tls import (
    ClientCredentials,
    HandshakeCompleted,
    ServerCredentials,
    TLSError,
    TLSSession,
    native,
)

from .helpers import IDENTITY, KEY, TLS12_PSK, Pair, established, exchange, pair, plaintexts


@pytest.fixture
def without_cycle_collector() -> Iterator[None]:
    """Only reference counts free anything."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def resident_bytes() -> int:
    """This process's resident set."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_using_a_closed_session_is_a_clear_error() -> None:
    session = established().client
    session.close()
    session.close()
    uses = {
        "start": session.start,
        "receive_data": lambda: session.receive_data(b"x"),
        "receive_eof": session.receive_eof,
        "send_record": lambda: session.send_record(b"x"),
        "send_close_notify": session.send_close_notify,
    }
    for verb, use in uses.items():
        with pytest.raises(RuntimeError, match=rf"{verb}\(\) on a closed TLS session"):
            use()


def test_what_was_ready_before_the_close_can_still_be_fetched() -> None:
    both = pair()
    both.client.start()
    exchange(both)
    both.client.send_close_notify()
    info = both.client.info
    both.client.close()
    assert both.client.established
    assert both.client.events_received() == [HandshakeCompleted(info)]
    both.server.events_received()
    both.server.receive_data(both.client.data_to_send())
    assert len(both.server.events_received()) == 1


def test_a_client_must_start_before_it_receives() -> None:
    client = pair().client
    with pytest.raises(RuntimeError, match="before start"):
        client.receive_data(b"x")
    with pytest.raises(RuntimeError, match="before start"):
        client.receive_eof()


def test_nothing_can_be_sent_before_the_handshake() -> None:
    client = pair().client
    client.start()
    with pytest.raises(RuntimeError, match="before the handshake"):
        client.send_record(b"x")


def test_a_lookup_cannot_close_its_session() -> None:
    """It would free what GnuTLS is working with."""
    sessions: list[TLSSession] = []

    def lookup(identity: bytes) -> bytes:
        sessions[0].close()
        return KEY

    both = pair(lookup=lookup)
    sessions.append(both.server)
    both.client.start()
    with pytest.raises(RuntimeError, match="inside a key look-up"):
        exchange(both)


def test_sessions_outlive_closed_credentials() -> None:
    with (
        ClientCredentials(IDENTITY, KEY) as client_credentials,
        ServerCredentials(lambda identity: KEY) as server_credentials,
    ):
        both = Pair(TLSSession(client_credentials), TLSSession(server_credentials))
    client_credentials.close()
    both.client.start()
    exchange(both)
    both.server.events_received()
    both.client.send_record(b"still here")
    both.server.receive_data(both.client.data_to_send())
    assert plaintexts(both.server) == [b"still here"]

    with pytest.raises(RuntimeError, match="ClientCredentials is closed"):
        TLSSession(client_credentials)
    with pytest.raises(RuntimeError, match="ServerCredentials is closed"):
        TLSSession(server_credentials)


def test_credentials_do_not_show_their_key() -> None:
    assert "secret" not in repr(ClientCredentials(IDENTITY, b"secret"))


@pytest.mark.parametrize(("identity", "key"), [(bytes(65536), KEY), (IDENTITY, bytes(65536))])
def test_credentials_that_tls_cannot_carry(identity: bytes, key: bytes) -> None:
    with pytest.raises(ValueError, match="65536 bytes, at most 65535"):
        ClientCredentials(identity, key)


@pytest.mark.usefixtures("without_cycle_collector")
def test_an_established_session_is_in_no_reference_cycle() -> None:
    lines: list[str] = []
    client, server = established(keylog=lines.append, server_keylog=lines.append)
    references = [weakref.ref(client), weakref.ref(server)]
    del client, server
    assert [reference() for reference in references] == [None, None]


@pytest.mark.usefixtures("without_cycle_collector")
def test_credentials_are_freed_with_the_last_session() -> None:
    credentials = ServerCredentials(lambda identity: KEY)
    sessions = [TLSSession(credentials), TLSSession(credentials)]
    reference = weakref.ref(credentials.owned)
    credentials.close()
    sessions[0].close()
    assert reference() is not None  # GnuTLS still has its address
    sessions[1].close()
    assert reference() is None


@pytest.mark.parametrize("closing", [True, False])
@pytest.mark.usefixtures("without_cycle_collector")
def test_nothing_leaks(closing: bool) -> None:
    def one_round() -> None:
        both = established(priority=TLS12_PSK, keylog=lambda line: None)
        both.client.send_record(b"x" * 16384)
        both.server.receive_data(both.client.data_to_send())
        refused = pair(client_key=b"wrong")
        refused.client.start()
        with pytest.raises(TLSError):
            exchange(refused)
        if closing:
            for session in (*both, *refused):
                session.close()

    for _ in range(60):
        one_round()
    before = resident_bytes()
    for _ in range(200):
        one_round()
    # One of two sessions leaked in each round would be 2 MB, one key 0.8 MB.
    assert resident_bytes() - before < 500_000


def test_a_session_is_small() -> None:
    established()
    before = resident_bytes()
    pairs = [established() for _ in range(200)]
    each = (resident_bytes() - before) / (2 * len(pairs))
    assert each < 20_000


def test_the_cache_of_priority_strings_is_bounded() -> None:
    native.priority.cache_clear()
    client = pair().client
    limit = native.priority.cache_parameters()["maxsize"]
    assert limit is not None
    for number in range(limit + 10):
        pair(priority="NORMAL:+PSK" + ":+DHE-PSK" * (number + 1))
    assert native.priority.cache_info().currsize == limit
    # The first string's object has been dropped; the session that uses it has not noticed.
    client.start()
    assert client.pending_bytes > 0


def test_a_priority_string_that_gnutls_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"does not understand .*'\+NONSENSE'"):
        pair(priority="NORMAL:+NONSENSE")
