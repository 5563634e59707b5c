# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions with certificates: who is believed, and when each side learns that it is not."""

import gc
import weakref
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509

from fixtures.tls import (
    CertifiedKey,
    ClientCredentials,
    CloseNotifyReceived,
    HandshakeCompleted,
    HandshakeEnding,
    MixedServerCredentials,
    ServerCredentials,
    TLSError,
    TLSSession,
    Trust,
    X509ClientCredentials,
    X509ServerCredentials,
)
from fixtures.tls.certificates import SERVER_ONLY, Authority, wrong_certificates

from .helpers import IDENTITY, KEY, TLS12_DHE_PSK, Pair, exchange, plaintexts

TLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2"
TLS13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3"

AUTHORITY = Authority()
SERVER = AUTHORITY.issue("server")
CLIENT = AUTHORITY.issue("client")
TRUST = AUTHORITY.trust()
WRONG = wrong_certificates(AUTHORITY)
#: What GnuTLS says of each, where it is the verification that finds the fault.
FAULTS = {
    "of another authority": "issuer is unknown",
    "of another authority of the same name": "issuer is unknown",
    "signed by itself": "issuer is unknown",
    "issued by one that is no authority": "issuer is not a CA",
    "expired": "expired certificate",
    "not yet valid": "not yet valid certificate",
    "signature altered": "signature in the certificate is invalid",
}


def pair(
    *,
    client: CertifiedKey | None = CLIENT,
    client_trust: Trust | None = TRUST,
    server: CertifiedKey = SERVER,
    server_trust: Trust | None = TRUST,
    required: bool = True,
    priority: str | None = None,
) -> Pair:
    """Two sessions that have not spoken yet; ``priority`` is the client's alone."""
    return Pair(
        TLSSession(X509ClientCredentials(client, client_trust), priority=priority),
        TLSSession(X509ServerCredentials(server, server_trust, required=required)),
    )


def refused_by_server(both: Pair) -> TLSError:
    """Play the handshake until the server fails."""
    both.client.start()
    with pytest.raises(TLSError) as refusal:
        exchange(both)
    assert not both.server.established
    assert refusal.value.handshake_ending is HandshakeEnding.LOCAL
    return refusal.value


def subject(certificate: bytes | None) -> str:
    """The name in a DER certificate."""
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()


@pytest.mark.parametrize(
    ("priority", "protocol", "kx"),
    [
        (None, "TLS1.3", "ECDHE-RSA"),
        (TLS12, "TLS1.2", "ECDHE-ECDSA"),
    ],
)
def test_both_sides_learn_what_was_negotiated(priority: str | None, protocol: str, kx: str) -> None:
    client, server = both = pair(priority=priority)
    client.start()
    exchange(both)

    for session, peer in ((client, "CN=server"), (server, "CN=client")):
        assert session.events_received() == [HandshakeCompleted(session.info)]
        assert session.info.protocol == protocol
        assert session.info.kx == kx
        assert session.info.identity is None
        assert subject(session.info.certificate) == peer
    client.send_record(b"hello")
    server.receive_data(client.data_to_send())
    assert plaintexts(server) == [b"hello"]


def test_there_is_no_certificate_with_a_shared_key() -> None:
    both = Pair(
        TLSSession(ClientCredentials(IDENTITY, KEY)),
        TLSSession(ServerCredentials(lambda identity: KEY)),
    )
    both.client.start()
    exchange(both)
    assert both.client.info.certificate is None
    assert both.server.info.certificate is None


@pytest.mark.parametrize("wrong", WRONG)
def test_a_tls13_client_learns_after_its_handshake_that_it_is_refused(wrong: str) -> None:
    both = pair(client=WRONG[wrong], priority=TLS13)
    refusal = refused_by_server(both)
    assert refusal.verification is None or FAULTS[wrong] in refusal.verification
    assert (refusal.verification is None) == (wrong not in FAULTS)

    both.client.receive_data(both.server.data_to_send())
    completed, ended = both.client.events_received()
    assert isinstance(completed, HandshakeCompleted)
    assert isinstance(ended, CloseNotifyReceived)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_tls12_client_is_refused_in_its_handshake(wrong: str) -> None:
    both = pair(client=WRONG[wrong], priority=TLS12)
    refusal = refused_by_server(both)
    assert refusal.verification is None or FAULTS[wrong] in refusal.verification

    with pytest.raises(TLSError) as failure:
        both.client.receive_data(both.server.data_to_send())
    assert failure.value.handshake_ending is HandshakeEnding.CLOSE_NOTIFY


@pytest.mark.parametrize("priority", [TLS12, TLS13])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_server_is_refused(wrong: str, priority: str) -> None:
    both = pair(server=WRONG[wrong], priority=priority)
    both.client.start()
    with pytest.raises(TLSError) as refusal:
        exchange(both)

    assert not both.client.established
    assert refusal.value.handshake_ending is HandshakeEnding.LOCAL
    assert (FAULTS.get(wrong) or "") in (refusal.value.verification or "")


@pytest.mark.parametrize("priority", [TLS12, TLS13])
def test_a_client_without_certificate_is_refused(priority: str) -> None:
    refusal = refused_by_server(pair(client=None, priority=priority))
    assert refusal.verification is None


@pytest.mark.parametrize("priority", [TLS12, TLS13])
def test_a_server_may_do_without_the_client_s_certificate(priority: str) -> None:
    both = pair(client=None, server_trust=None, required=False, priority=priority)
    both.client.start()
    exchange(both)
    assert both.server.established
    assert both.server.info.certificate is None


@pytest.mark.parametrize("priority", [TLS12, TLS13])
@pytest.mark.parametrize("wrong", FAULTS)
def test_whoever_trusts_nobody_in_particular_believes_everybody(wrong: str, priority: str) -> None:
    both = pair(
        client=WRONG[wrong],
        server=WRONG[wrong],
        client_trust=None,
        server_trust=None,
        priority=priority,
    )
    both.client.start()
    exchange(both)
    assert both.server.established


def test_even_so_a_peer_needs_the_key_of_its_certificate() -> None:
    refused_by_server(pair(client=WRONG["without its key"], server_trust=None))


@pytest.mark.parametrize("priority", [TLS12, TLS13])
def test_a_revoked_certificate_is_refused_and_another_is_not(priority: str) -> None:
    revoking = AUTHORITY.trust(CLIENT)
    refusal = refused_by_server(pair(server_trust=revoking, priority=priority))
    assert refusal.verification is not None
    assert "revoked" in refusal.verification

    both = pair(client=AUTHORITY.issue("other"), server_trust=revoking, priority=priority)
    both.client.start()
    exchange(both)
    assert both.server.established


@pytest.mark.parametrize(
    "client",
    [AUTHORITY.issue("soon", ends=timedelta(days=3)), AUTHORITY.issue("s", purpose=SERVER_ONLY)],
    ids=["ends soon", "meant for servers"],
)
def test_an_authority_s_certificate_is_believed_whatever_its_name_and_purpose(
    client: CertifiedKey,
) -> None:
    """As Pacemaker does not ask for them either."""
    both = pair(client=client)
    both.client.start()
    exchange(both)
    assert both.server.established


def test_a_client_with_a_shared_key_meets_a_server_with_a_certificate() -> None:
    both = pair()._replace(client=TLSSession(ClientCredentials(IDENTITY, KEY)))
    both.client.start()
    with pytest.raises(TLSError) as failure:
        exchange(both)
    # It offered certificates too, as Pacemaker does, and has none.
    assert failure.value.handshake_ending is HandshakeEnding.LOCAL
    assert not both.client.established

    both = pair()._replace(
        client=TLSSession(ClientCredentials(IDENTITY, KEY), priority=TLS12_DHE_PSK)
    )
    refused_by_server(both)


def test_a_client_with_a_certificate_meets_a_server_with_a_shared_key() -> None:
    refused_by_server(pair()._replace(server=TLSSession(ServerCredentials(lambda identity: KEY))))


@pytest.mark.parametrize(
    ("what", "own", "trust"),
    [
        ("certificate and key", CertifiedKey(b"", b""), TRUST),
        ("certificate and key", CertifiedKey(SERVER.certificate, b"no PEM"), TRUST),
        ("certificate and key", CertifiedKey(SERVER.key, SERVER.key), TRUST),
        ("authorities", SERVER, Trust(b"no PEM")),
        ("authorities", SERVER, Trust(SERVER.key)),
        ("revocation lists", SERVER, Trust(TRUST.authorities, b"no PEM")),
    ],
)
def test_what_is_no_pem_is_named_and_not_shown(what: str, own: CertifiedKey, trust: Trust) -> None:
    with pytest.raises(ValueError, match=what) as raised:
        X509ServerCredentials(own, trust)
    assert "PRIVATE" not in str(raised.value)


def test_credentials_do_not_show_their_key() -> None:
    assert "PRIVATE" not in repr(SERVER)


def test_credentials_are_freed_with_the_last_session() -> None:
    gc.collect()
    gc.disable()
    try:
        credentials = X509ServerCredentials(SERVER, TRUST)
        session = TLSSession(credentials)
        reference = weakref.ref(credentials.owned)
        credentials.close()
        assert reference() is not None  # GnuTLS still has its address
        session.close()
        assert reference() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("client", "identity"),
    [
        (lambda: TLSSession(ClientCredentials(IDENTITY, KEY)), IDENTITY),
        (lambda: TLSSession(ClientCredentials(IDENTITY, KEY), priority=TLS12_DHE_PSK), IDENTITY),
        (lambda: TLSSession(X509ClientCredentials(CLIENT, TRUST)), None),
        (lambda: TLSSession(X509ClientCredentials(CLIENT, TRUST), priority=TLS12), None),
    ],
)
def test_a_mixed_server_takes_both_kinds(
    client: Callable[[], TLSSession], identity: bytes | None
) -> None:
    certificates = X509ServerCredentials(SERVER, TRUST)
    server = TLSSession(MixedServerCredentials(lambda identity: KEY, certificates))
    both = Pair(client(), server)
    both.client.start()
    exchange(both)
    assert server.info.identity == identity
    assert (server.info.certificate is None) == (identity is not None)


@pytest.mark.parametrize(
    "client",
    [
        lambda: TLSSession(ClientCredentials(IDENTITY, b"wrong")),
        lambda: TLSSession(X509ClientCredentials(WRONG["expired"], TRUST)),
        lambda: TLSSession(X509ClientCredentials(None, TRUST)),
    ],
)
def test_and_refuses_the_wrong_of_either_kind(client: Callable[[], TLSSession]) -> None:
    certificates = X509ServerCredentials(SERVER, TRUST)
    server = TLSSession(MixedServerCredentials(lambda identity: KEY, certificates))
    refused_by_server(Pair(client(), server))
