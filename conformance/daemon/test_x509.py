# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS with certificates: when they take the place of the key, and whose are believed.

Four variables name files on the daemon's host, which are placed there before it starts. Client and
daemon show each other certificates; an authority's own is all that either believes. A TLS 1.3
client has finished its handshake before the daemon looks at its certificate (RFC 8446 section
4.4.4), so there it is sent away just after it, and in TLS 1.2 in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta

import pytest

from conformance.deviation import check
from containers.node import File
from fixtures.peers import Ending, FakeCluster, HandshakeFailed, PeerTimeout
from fixtures.tls import CertifiedKey, TLSSession, X509ClientCredentials
from fixtures.tls.certificates import Authority, wrong_certificates
from fixtures.wire import NewClientNotify, NotifyReceived

from .admittance import TURNED_AWAY
from .conftest import LendDaemon, Settings, StartDaemon
from .under_test import Daemon

CERTIFICATE, AUTHORITY, KEY, REVOKED = (
    f"/etc/pacemaker/tls/{name}.pem" for name in ("certificate", "authority", "key", "revoked")
)
VARIABLES = {
    "PCMK_cert_file": CERTIFICATE,
    "PCMK_ca_file": AUTHORITY,
    "PCMK_key_file": KEY,
}

TLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2"
TLS13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3"
both_versions = pytest.mark.parametrize("priority", [TLS12, TLS13], ids=["TLS1.2", "TLS1.3"])

unverified = pytest.mark.killed_by("client_certificate_optional", "client_certificate_unverified")

#: Names of the wrong certificates that :func:`wrong_certificates` makes. No fake daemon is so wrong
#: that it would believe a client without the key of its certificate.
WRONG_CERTIFICATES = [
    pytest.param(wrong, marks=() if wrong == "without its key" else unverified)
    for wrong in wrong_certificates(Authority())
]


class Certificates:
    """Those of one run: an authority, what it issued, and what only looks like it."""

    def __init__(self) -> None:
        self.authority = Authority()
        self.daemon = self.authority.issue("pacemaker-remoted")
        self.client = self.authority.issue("cluster node")
        self.revoked = self.authority.issue("former cluster node")
        self.refused = {**wrong_certificates(self.authority), "revoked": self.revoked}
        self.settings = Settings(
            variables={**VARIABLES, "PCMK_crl_file": REVOKED},
            files=self.files(),
            credentials=self.credentials(self.client),
        )

    def files(self, own: CertifiedKey | None = None) -> Mapping[str, File]:
        """Everything that a daemon's variables may name; *own* is its certificate."""
        own = own or self.daemon
        return {
            CERTIFICATE: File(own.certificate),
            KEY: File(own.key, 0o600),
            AUTHORITY: File(self.authority.certificate),
            REVOKED: File(self.authority.revocation_list(self.revoked)),
        }

    def credentials(self, own: CertifiedKey | None) -> X509ClientCredentials:
        """A client's that believes the authority, whatever it has itself."""
        return X509ClientCredentials(own, self.authority.trust())


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates()


async def unprovoked_ending(client: FakeCluster, daemon: Daemon) -> Ending | None:
    """How the daemon ends the connection of a client that says nothing; None if it does not.

    It has less time than a real one gives a client for its handshake.
    """
    promptly = daemon.patience / 2
    try:
        await client.connect(promptly)
        return await client.wait_closed(promptly)
    except HandshakeFailed as failure:
        return failure.ending
    except PeerTimeout:
        return None
    finally:
        await client.close()


def turned_away(ending: Ending | None) -> bool:
    return ending is not None and ending.kind in TURNED_AWAY


def told(ending: Ending | None) -> str:
    return f"ended: {ending}" if ending else "the connection stays open"


async def last_flight(
    client: TLSSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Iterator[bytes]:
    """The TLS records, not sent yet, with which *client* would complete its handshake.

    Raises:
        TLSError: the daemon ended the handshake before.
    """
    client.start()
    writer.write(client.data_to_send())
    while not client.established:
        if data := await reader.read(65536):
            client.receive_data(data)
        else:
            client.receive_eof()
    return records(client.data_to_send())


def records(stream: bytes) -> Iterator[bytes]:
    """The TLS records of a stream that holds whole ones (RFC 8446 section 5.1)."""
    while stream:
        end = 5 + int.from_bytes(stream[3:5])
        yield stream[:end]
        stream = stream[end:]


async def ends_within(seconds: float, reader: asyncio.StreamReader) -> bool:
    """Whether the stream ends, whatever comes before that."""
    try:
        await asyncio.wait_for(reader.read(), seconds)
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.fixture
async def x509_daemon(lend_daemon: LendDaemon, certificates: Certificates) -> AsyncIterator[Daemon]:
    """A daemon that asks for certificates and knows of a revoked one."""
    async with lend_daemon(certificates.settings) as daemon:
        yield daemon


@pytest.mark.requirement("TLS-029")
@pytest.mark.killed_by("certificates_ignored")
@both_versions
async def test_client_and_daemon_verify_each_other(x509_daemon: Daemon, priority: str) -> None:
    async with x509_daemon.client(priority=priority) as client:
        assert client.info.certificate is not None
        reply = await client.register()
        check(reply.rc == 0, expected="a session", actual=str(reply))


@pytest.mark.requirement("TLS-029")
@pytest.mark.killed_by("any_certificate_variable_disables_psk")
@pytest.mark.parametrize("missing", VARIABLES)
async def test_with_two_of_three_variables_the_key_counts(
    start_daemon: StartDaemon, certificates: Certificates, missing: str
) -> None:
    variables = {name: path for name, path in VARIABLES.items() if name != missing}
    daemon = await start_daemon(variables, files=certificates.files())
    async with daemon.client() as client:
        reply = await client.register()
        check(reply.rc == 0, expected="a session by the key", actual=str(reply))


@pytest.mark.requirement("TLS-030")
@pytest.mark.killed_by("client_certificate_optional")
@both_versions
async def test_client_without_certificate_is_refused(
    x509_daemon: Daemon, certificates: Certificates, priority: str
) -> None:
    stranger = x509_daemon.client(credentials=certificates.credentials(None), priority=priority)
    ending = await unprovoked_ending(stranger, x509_daemon)
    check(turned_away(ending), expected="the daemon ends the connection", actual=told(ending))


@pytest.mark.requirement("TLS-031")
@both_versions
@pytest.mark.parametrize("wrong", WRONG_CERTIFICATES)
async def test_wrong_certificate_is_refused(
    x509_daemon: Daemon, certificates: Certificates, wrong: str, priority: str
) -> None:
    credentials = certificates.credentials(certificates.refused[wrong])
    stranger = x509_daemon.client(credentials=credentials, priority=priority)
    ending = await unprovoked_ending(stranger, x509_daemon)
    check(turned_away(ending), expected="the daemon ends the connection", actual=told(ending))


@pytest.mark.requirement("TLS-031")
@unverified
@pytest.mark.killed_by("ignore_tls_faults")
async def test_wrong_certificate_is_refused_before_the_handshake_is_over(
    x509_daemon: Daemon, certificates: Certificates
) -> None:
    wrong = certificates.credentials(certificates.refused["of another authority of the same name"])
    reader, writer = await asyncio.open_connection(x509_daemon.host, x509_daemon.port)
    try:
        async with asyncio.timeout(x509_daemon.patience):
            flight = await last_flight(TLSSession(wrong, priority=TLS13), reader, writer)
        *all_but_finished, _ = flight
        writer.write(b"".join(all_but_finished))
        check(
            # Sooner than for being late (TLS-025).
            await ends_within(x509_daemon.seconds(8), reader),
            expected="the daemon ends the connection when it has seen certificate and proof",
            actual=told(None),
        )
    finally:
        writer.close()


@pytest.mark.requirement("NTF-004")
@pytest.mark.versions(">=3.0.0", reason="older releases know no certificates")
@pytest.mark.killed_by("failed_handshake_announced", "announce_before_handshake")
@unverified
@both_versions
@pytest.mark.parametrize(
    "wrong",
    [
        "of another authority of the same name",
        "expired",
        pytest.param("revoked", marks=pytest.mark.killed_by("revocation_ignored")),
    ],
)
async def test_client_with_a_wrong_certificate_is_not_announced(
    x509_daemon: Daemon, certificates: Certificates, wrong: str, priority: str
) -> None:
    credentials = certificates.credentials(certificates.refused[wrong])
    async with x509_daemon.client() as client:
        await client.register()
        before = len(client.events)
        stranger = x509_daemon.client("stranger", credentials=credentials, priority=priority)
        await unprovoked_ending(stranger, x509_daemon)
        # The poke's notify comes after whatever the stranger may have caused.
        await client.poke()
        news = client.events[before:]
        seen = [event.notify for event in news if isinstance(event, NotifyReceived)]
        check(
            not any(isinstance(notify, NewClientNotify) for notify in seen),
            expected="no lrmd_rsc_new_client for a client that was refused",
            actual=f"notified: {seen}",
        )


@pytest.mark.requirement("TLS-032")
@pytest.mark.killed_by("mixed_mode", "certificates_ignored")
@pytest.mark.parametrize(
    "priority",
    [None, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-PSK:+PSK"],
    ids=["as Pacemaker offers it", "nothing else offered"],
)
async def test_client_with_the_key_is_refused_where_certificates_are_asked_for(
    x509_daemon: Daemon, priority: str | None
) -> None:
    # A client of Pacemaker's offers certificates too, and fails by itself when asked for one.
    stranger = x509_daemon.client(key=x509_daemon.key, priority=priority)
    ending = await unprovoked_ending(stranger, x509_daemon)
    check(
        ending is not None and ending.handshake,
        expected="no TLS session comes about",
        actual=told(ending),
    )


@pytest.mark.requirement("TLS-032")
@pytest.mark.killed_by("mixed_mode")
@both_versions
async def test_client_with_a_certificate_is_refused_where_the_key_is_asked_for(
    daemon: Daemon, certificates: Certificates, priority: str
) -> None:
    credentials = X509ClientCredentials(certificates.client, None)
    stranger = daemon.client(credentials=credentials, priority=priority)
    ending = await unprovoked_ending(stranger, daemon)
    check(turned_away(ending), expected="the daemon ends the connection", actual=told(ending))


@pytest.mark.requirement("TLS-033")
@pytest.mark.killed_by("revocation_ignored")
@unverified
@both_versions
async def test_revoked_certificate_is_refused(
    x509_daemon: Daemon, certificates: Certificates, priority: str
) -> None:
    credentials = certificates.credentials(certificates.revoked)
    stranger = x509_daemon.client(credentials=credentials, priority=priority)
    ending = await unprovoked_ending(stranger, x509_daemon)
    check(turned_away(ending), expected="the daemon ends the connection", actual=told(ending))


@pytest.mark.requirement("TLS-034")
@pytest.mark.killed_by("certificate_ending_soon_refused", "certificates_ignored")
async def test_certificates_that_end_soon_are_believed(
    start_daemon: StartDaemon, certificates: Certificates
) -> None:
    ending_soon = [certificates.authority.issue("soon", ends=timedelta(days=20)) for _ in range(2)]
    daemon = await start_daemon(VARIABLES, files=certificates.files(ending_soon[0]))
    credentials = certificates.credentials(ending_soon[1])
    async with daemon.client(credentials=credentials) as client:
        reply = await client.register()
        check(reply.rc == 0, expected="a session", actual=str(reply))


@pytest.mark.requirement("TLS-034")
@pytest.mark.parametrize(
    ("days", "warns"),
    [
        pytest.param(
            20,
            True,
            marks=pytest.mark.killed_by(
                "certificate_ending_soon_refused", "certificate_ending_soon_not_warned_of"
            ),
        ),
        (40, False),
    ],
)
async def test_daemon_warns_in_the_last_month_of_its_certificate(
    start_daemon: StartDaemon, certificates: Certificates, days: int, warns: bool
) -> None:
    own = certificates.authority.issue("pacemaker-remoted", ends=timedelta(days=days))
    daemon = await start_daemon(VARIABLES, files=certificates.files(own))
    credentials = certificates.credentials(certificates.client)
    async with daemon.client(credentials=credentials) as client:
        await client.register()
    log = daemon.log()  # nothing else shows it
    check(
        ("TLS certificate will expire on" in log) is warns,
        expected=f"{'a' if warns else 'no'} warning in the log",
        actual=log,
    )


@pytest.mark.requirement("TLS-035")
@pytest.mark.killed_by("cib_names_ignored", "certificates_ignored")
async def test_cib_names_of_the_variables_are_a_fallback(
    start_daemon: StartDaemon, certificates: Certificates
) -> None:
    variables = {name.replace("PCMK_", "CIB_"): path for name, path in VARIABLES.items()}
    daemon = await start_daemon(variables, files=certificates.files())
    credentials = certificates.credentials(certificates.client)
    async with daemon.client(credentials=credentials) as client:
        reply = await client.register()
        check(reply.rc == 0, expected="a session by certificates", actual=str(reply))


@pytest.mark.requirement("TLS-036")
@pytest.mark.killed_by("any_certificate_variable_disables_psk")
async def test_old_daemon_ignores_the_variables(
    start_daemon: StartDaemon, certificates: Certificates
) -> None:
    daemon = await start_daemon(VARIABLES, files=certificates.files())
    async with daemon.client() as client:
        reply = await client.register()
        check(reply.rc == 0, expected="a session by the key", actual=str(reply))
