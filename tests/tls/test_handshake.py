# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshakes that succeed: protocols, key lengths, identities, deliveries."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.tls import PACEMAKER_PRIORITY, ClientCredentials, HandshakeCompleted, TLSSession

from .helpers import (
    IDENTITY,
    KEY,
    PRIORITIES,
    TLS12_DHE_PSK,
    TLS12_PSK,
    exchange,
    pair,
    pieces,
    sizes,
)


@pytest.mark.parametrize(
    ("priority", "protocol", "kx", "cipher_suite"),
    [
        (PACEMAKER_PRIORITY, "TLS1.3", "ECDHE-PSK", "TLS_CHACHA20_POLY1305_SHA256"),
        (
            "NORMAL:-GROUP-ALL:+GROUP-FFDHE2048:+DHE-PSK:+PSK",
            "TLS1.3",
            "DHE-PSK",
            "TLS_CHACHA20_POLY1305_SHA256",
        ),
        (TLS12_DHE_PSK, "TLS1.2", "DHE-PSK", "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384"),
        (TLS12_PSK, "TLS1.2", "PSK", "TLS_PSK_WITH_AES_256_GCM_SHA384"),
    ],
)
def test_both_sides_learn_what_was_negotiated(
    priority: str, protocol: str, kx: str, cipher_suite: str
) -> None:
    client, server = both = pair(priority=priority)
    client.start()
    exchange(both)

    assert client.established
    assert server.established
    for session, identity in ((client, None), (server, IDENTITY)):
        assert session.info.protocol == protocol
        assert session.info.kx == kx
        assert session.info.cipher_suite == cipher_suite
        assert session.info.identity == identity
        assert session.events_received() == [HandshakeCompleted(session.info)]


@pytest.mark.parametrize("priority", PRIORITIES)
@pytest.mark.parametrize("length", [1, 64, 256, 4096, 65535])
def test_keys_of_every_length_that_tls_can_carry(priority: str, length: int) -> None:
    key = (KEY * 16)[:length]
    both = pair(priority=priority, client_key=key, lookup=lambda identity: key)
    both.client.start()
    exchange(both)
    assert both.server.established


@pytest.mark.parametrize("priority", [TLS12_DHE_PSK, TLS12_PSK])
@pytest.mark.parametrize(("identity", "key"), [(b"", KEY), (IDENTITY, b""), (b"", b"")])
def test_tls12_carries_an_empty_identity_and_an_empty_key(
    priority: str, identity: bytes, key: bytes
) -> None:
    """Needed to show that a daemon refuses them (TLS-016, TLS-017)."""
    both = pair(priority=priority, identity=identity, client_key=key, lookup=lambda seen: key)
    both.client.start()
    exchange(both)
    assert both.client.established
    assert both.server.info.identity == identity


@pytest.mark.parametrize("identity", [b"x", b"LRMD", b"with\0zero", b"\xff\xfe", b"x" * 200])
@pytest.mark.parametrize("priority", PRIORITIES)
def test_the_server_sees_the_identity_as_sent(priority: str, identity: bytes) -> None:
    asked: list[bytes] = []

    def lookup(seen: bytes) -> bytes:
        asked.append(seen)
        return KEY

    both = pair(priority=priority, identity=identity, lookup=lookup)
    both.client.start()
    exchange(both)
    assert set(asked) == {identity}
    assert both.server.info.identity == identity


@pytest.mark.parametrize("priority", PRIORITIES)
def test_byte_by_byte_delivery(priority: str) -> None:
    client, server = both = pair(priority=priority)
    client.start()
    while not (client.established and server.established):
        for sender, receiver in (both, reversed(both)):
            for byte in sender.data_to_send():
                receiver.receive_data(bytes([byte]))
    client.send_record(b"hello")
    for byte in client.data_to_send():
        server.receive_data(bytes([byte]))
    assert len(server.events_received()) == 2


@settings(max_examples=40, deadline=None)
@given(sizes=sizes, priority=st.sampled_from(PRIORITIES))
def test_any_split_of_the_handshake_will_do(sizes: list[int], priority: str) -> None:
    client, server = both = pair(priority=priority)
    client.start()
    while not (client.established and server.established):
        for sender, receiver in (both, reversed(both)):
            for piece in pieces(sender.data_to_send(), sizes):
                receiver.receive_data(piece)


def test_a_client_without_ffdhe_groups_gets_diffie_hellman_all_the_same() -> None:
    """GnuTLS before 3.6 and OpenSSL offer DHE-PSK without a group of RFC 7919."""
    both = pair(priority=f"{TLS12_DHE_PSK}:-GROUP-DH-ALL")
    both.client.start()
    exchange(both)
    assert both.server.info.kx == "DHE-PSK"


def test_start_sends_one_client_hello_and_only_once() -> None:
    client = pair().client
    client.start()
    hello = client.data_to_send()
    assert hello[0] == 22  # handshake
    assert hello[5] == 1  # ClientHello
    client.start()
    assert client.data_to_send() == b""


def test_a_server_may_be_started_and_says_nothing() -> None:
    server = pair().server
    server.start()
    assert server.pending_bytes == 0


def test_one_credentials_object_serves_many_sessions() -> None:
    credentials = ClientCredentials(IDENTITY, KEY)
    for _ in range(3):
        both = pair()._replace(client=TLSSession(credentials))
        both.client.start()
        exchange(both)
        assert both.server.established


def test_info_before_the_handshake_is_an_error() -> None:
    client = pair().client
    assert not client.established
    with pytest.raises(RuntimeError, match="not completed"):
        _ = client.info
