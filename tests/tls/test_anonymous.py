# SPDX-License-Identifier: GPL-2.0-or-later
"""Anonymous clients: made to be refused, and let in by a server that is wrong."""

import pytest

from fixtures.tls import (
    AnonymousClientCredentials,
    AnonymousServerCredentials,
    ClientCredentials,
    Credentials,
    ServerCredentials,
    TLSError,
    TLSSession,
)

ANONYMOUS = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL"
KEY = b"a key"


def shake(client: Credentials, server: Credentials, priority: str | None = None) -> TLSSession:
    ours, theirs = TLSSession(client, priority=priority), TLSSession(server)
    ours.start()
    theirs.start()
    while not (ours.established and theirs.established):
        theirs.receive_data(ours.data_to_send())
        ours.receive_data(theirs.data_to_send())
    return theirs


@pytest.mark.parametrize("exchange", ["ANON-DH", "ANON-ECDH"])
def test_anonymous_client_and_server_agree(exchange: str) -> None:
    server = AnonymousServerCredentials(lambda identity: KEY)

    session = shake(AnonymousClientCredentials(), server, f"{ANONYMOUS}:+{exchange}")

    assert session.info.kx == exchange
    assert session.info.identity is None


def test_client_with_a_key_is_taken_too() -> None:
    server = AnonymousServerCredentials(lambda identity: KEY)

    assert "PSK" in shake(ClientCredentials(b"lrmd", KEY), server).info.kx


def test_server_that_wants_a_key_refuses_anonymous_clients() -> None:
    with pytest.raises(TLSError, match="cipher suites"):
        shake(AnonymousClientCredentials(), ServerCredentials(lambda identity: KEY))
