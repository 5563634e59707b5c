# SPDX-License-Identifier: GPL-2.0-or-later
"""What the TLS tests share: a client and a server in memory, and a reader of record headers."""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hypothesis import strategies as st

from fixtures.tls import (
    PACEMAKER_PRIORITY,
    ClientCredentials,
    DataReceived,
    ServerCredentials,
    TLSSession,
    gnutls,
)

TLS12_DHE_PSK = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-PSK"
TLS12_PSK = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK"
PRIORITIES = (PACEMAKER_PRIORITY, TLS12_DHE_PSK, TLS12_PSK)

IDENTITY = b"lrmd"
KEY = bytes(range(256)) * 16  # 4096 bytes, as the documented recipe makes

CLOSE_NOTIFY_IN_CLEAR = bytes.fromhex("15 03 03 00 02 01 00")


class Pair(NamedTuple):
    """A client and the server that it talks to."""

    client: TLSSession
    server: TLSSession


def pair(
    *,
    priority: str = PACEMAKER_PRIORITY,
    identity: bytes = IDENTITY,
    client_key: bytes = KEY,
    lookup: Callable[[bytes], bytes | None] = lambda identity: KEY,
    keylog: Callable[[str], None] | None = None,
    server_keylog: Callable[[str], None] | None = None,
) -> Pair:
    """Two sessions that have not spoken yet; ``priority`` is the client's alone."""
    client = TLSSession(ClientCredentials(identity, client_key), priority=priority, keylog=keylog)
    server = TLSSession(ServerCredentials(lookup), keylog=server_keylog)
    return Pair(client, server)


def exchange(both: Pair) -> None:
    """Carry bytes between the two until neither has any."""
    while True:
        to_server = both.client.data_to_send()
        if to_server:
            both.server.receive_data(to_server)
        to_client = both.server.data_to_send()
        if to_client:
            both.client.receive_data(to_client)
        if not to_server and not to_client:
            return


def established(
    *,
    priority: str = PACEMAKER_PRIORITY,
    keylog: Callable[[str], None] | None = None,
    server_keylog: Callable[[str], None] | None = None,
) -> Pair:
    """Two sessions after their handshake, with no events left."""
    both = pair(priority=priority, keylog=keylog, server_keylog=server_keylog)
    both.client.start()
    exchange(both)
    both.client.events_received()
    both.server.events_received()
    return both


# How a stream is cut, whatever its length turns out to be: sizes to be used over and over.
sizes = st.lists(st.integers(1, 400), min_size=1, max_size=20)


def pieces(stream: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The stream cut into pieces of these sizes."""
    for size in itertools.cycle(sizes):
        if not stream:
            return
        yield stream[:size]
        stream = stream[size:]


def record_sizes(ciphertext: bytes) -> Iterator[tuple[int, int]]:
    """Type and body size of each TLS record (RFC 8446 §5.1); the bytes must be whole records."""
    while ciphertext:
        size = int.from_bytes(ciphertext[3:5])
        assert len(ciphertext) >= 5 + size, "an unfinished record"
        yield ciphertext[0], size
        ciphertext = ciphertext[5 + size :]


def plaintexts(session: TLSSession) -> list[bytes]:
    """The data of the events so far, which must all be data."""
    events = session.events_received()
    assert all(isinstance(event, DataReceived) for event in events), events
    return [event.data for event in events if isinstance(event, DataReceived)]


def send_alert(session: TLSSession, *, level: int, description: int) -> None:
    """Have GnuTLS send an alert that no session sends of its own accord."""
    assert gnutls.load().gnutls_alert_send(session._pointer, level, description) == 0


def ask_for_renegotiation(server: TLSSession) -> None:
    """Have GnuTLS send a HelloRequest."""
    assert gnutls.load().gnutls_rehandshake(server._pointer) == 0
