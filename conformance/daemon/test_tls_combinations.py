# SPDX-License-Identifier: GPL-2.0-or-later
"""Which versions, key exchanges and ciphers of TLS a daemon speaks, with and without settings.

What a client offers is a GnuTLS priority string; suites are named as IANA does.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from conformance.deviation import check
from fixtures.peers import HandshakeFailed
from fixtures.tls import AnonymousClientCredentials, X509ClientCredentials

from .admittance import TLS12, TLS13, refused
from .conftest import StartDaemon
from .under_test import Daemon

killed_by = pytest.mark.killed_by

TLS11 = "NORMAL:-VERS-ALL:+VERS-TLS1.1:-KX-ALL"
TLS10 = "NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL"
ANY_KEY_EXCHANGE = ":+DHE-PSK:+PSK"

#: Of GnuTLS's NORMAL, those that fit a key whose hash is SHA-256 (RFC 8446 §4.2.11).
CIPHERS_13 = {
    "AES-128-GCM": "TLS_AES_128_GCM_SHA256",
    "AES-128-CCM": "TLS_AES_128_CCM_SHA256",
    "CHACHA20-POLY1305": "TLS_CHACHA20_POLY1305_SHA256",
}
CIPHERS_12 = {
    "AES-128-GCM": "AES_128_GCM_SHA256",
    "AES-256-GCM": "AES_256_GCM_SHA384",
    "CHACHA20-POLY1305": "CHACHA20_POLY1305_SHA256",
    "AES-128-CCM": "AES_128_CCM",
    "AES-256-CCM": "AES_256_CCM",
    "AES-128-CBC": "AES_128_CBC_SHA",
    "AES-256-CBC": "AES_256_CBC_SHA",
}
PREFERRED = {"CHACHA20-POLY1305", "AES-256-GCM", "AES-256-CBC"}


def with_bug(cipher: str) -> object:
    marks = () if cipher in PREFERRED else (killed_by("few_ciphers"),)
    return pytest.param(cipher, marks=marks)


async def negotiated(daemon: Daemon, priority: str) -> tuple[str, str, str]:
    """Version, key exchange and suite; the session must be usable."""
    async with daemon.client(priority=priority) as client:
        assert (await client.register()).rc == 0
        return client.info.protocol, client.info.kx, client.info.cipher_suite


@pytest.mark.requirement("TLS-020")
@killed_by("tls12_only")
@pytest.mark.parametrize(
    ("offered", "settled"),
    [
        pytest.param("PSK", "PSK", marks=killed_by("only_with_diffie_hellman")),
        ("DHE-PSK:-GROUP-ALL:+GROUP-FFDHE2048", "DHE-PSK"),
        ("ECDHE-PSK:-GROUP-ALL:+GROUP-X25519", "ECDHE-PSK"),
        ("ECDHE-PSK:-GROUP-ALL:+GROUP-SECP256R1", "ECDHE-PSK"),
    ],
    ids=["psk_ke", "psk_dhe_ke FFDHE2048", "psk_dhe_ke X25519", "psk_dhe_ke P-256"],
)
async def test_tls13_key_exchange_is_accepted(daemon: Daemon, offered: str, settled: str) -> None:
    found = await negotiated(daemon, f"{TLS13}:+{offered}")
    check(found[:2] == ("TLS1.3", settled), expected=f"TLS 1.3, {settled}", actual=f"{found}")


@pytest.mark.requirement("TLS-040")
@killed_by("tls12_only")
@pytest.mark.parametrize("cipher", [with_bug(cipher) for cipher in CIPHERS_13])
async def test_tls13_cipher_is_accepted(daemon: Daemon, cipher: str) -> None:
    found = await negotiated(daemon, f"{TLS13}{ANY_KEY_EXCHANGE}:-CIPHER-ALL:+{cipher}")
    check(found[2] == CIPHERS_13[cipher], expected=CIPHERS_13[cipher], actual=f"{found}")


@pytest.mark.requirement("TLS-040")
@killed_by("tls13_only")
@pytest.mark.parametrize("cipher", [with_bug(cipher) for cipher in CIPHERS_12])
async def test_tls12_cipher_is_accepted(daemon: Daemon, cipher: str) -> None:
    found = await negotiated(daemon, f"{TLS12}:+DHE-PSK:-CIPHER-ALL:+{cipher}:+SHA1")
    suite = f"TLS_DHE_PSK_WITH_{CIPHERS_12[cipher]}"
    check(found[2] == suite, expected=suite, actual=f"{found}")


@pytest.mark.requirement("TLS-023")
@killed_by("old_versions_refused", "tls13_only", "tls12_only")
@pytest.mark.parametrize("version", [TLS11, TLS10], ids=["TLS1.1", "TLS1.0"])
@pytest.mark.parametrize(
    "exchange",
    ["DHE-PSK", pytest.param("PSK", marks=killed_by("only_with_diffie_hellman"))],
)
async def test_old_version_is_accepted(daemon: Daemon, version: str, exchange: str) -> None:
    found = await negotiated(daemon, f"{version}:+{exchange}")
    check(found[1] == exchange, expected=f"a session with {exchange}", actual=f"{found}")


@pytest.mark.requirement("TLS-024")
@killed_by("anonymous_accepted")
@pytest.mark.parametrize("exchange", ["ANON-DH", "ANON-ECDH"])
async def test_anonymous_client_is_refused(daemon: Daemon, exchange: str) -> None:
    nobody = AnonymousClientCredentials()
    client = daemon.client("anonymous", credentials=nobody, priority=f"{TLS12}:+{exchange}")
    check(await refused(client), expected="no session", actual=f"ended: {client.ending}")


#: What NORMAL leaves out, with an exchange that is accepted: broken, null, or with a short tag.
WEAK = {
    "3DES": f"{TLS12}:+DHE-PSK:-CIPHER-ALL:+3DES-CBC:+SHA1",
    "RC4": f"{TLS12}:+DHE-PSK:-CIPHER-ALL:+ARCFOUR-128:+SHA1",
    "null": f"{TLS12}:+DHE-PSK:-CIPHER-ALL:+NULL:+SHA1",
    "CCM-8": f"{TLS12}:+DHE-PSK:-CIPHER-ALL:+AES-128-CCM-8",
    "CCM-8 in TLS 1.3": f"{TLS13}{ANY_KEY_EXCHANGE}:-CIPHER-ALL:+AES-128-CCM-8",
}


@pytest.mark.requirement("TLS-041")
@pytest.mark.parametrize(
    "cipher",
    [
        pytest.param(name, marks=() if name == "null" else killed_by("weak_ciphers_accepted"))
        for name in WEAK
    ],
)
async def test_weak_cipher_is_refused(daemon: Daemon, cipher: str) -> None:
    client = daemon.client("stranger", priority=WEAK[cipher])
    check(await refused(client), expected="no session", actual=f"ended: {client.ending}")


@pytest.mark.requirement("TLS-041")
@pytest.mark.parametrize(
    "exchange",
    [
        pytest.param("ECDHE-PSK", marks=killed_by("more_key_exchanges")),
        "RSA-PSK",
    ],
)
async def test_other_key_exchange_is_refused(daemon: Daemon, exchange: str) -> None:
    client = daemon.client("stranger", priority=f"{TLS12}:+{exchange}")
    check(await refused(client), expected="no session", actual=f"ended: {client.ending}")


@pytest.mark.requirement("TLS-041")
@pytest.mark.parametrize(
    "priority",
    [
        "NORMAL:-VERS-ALL:+VERS-TLS1.3",
        f"{TLS12}:+ECDHE-RSA:+ECDHE-ECDSA:+DHE-RSA:+RSA",
    ],
    ids=["TLS1.3", "TLS1.2"],
)
async def test_client_that_wants_a_certificate_is_refused(daemon: Daemon, priority: str) -> None:
    believer = X509ClientCredentials(None, None)
    client = daemon.client("believer", credentials=believer, priority=priority)
    check(await refused(client), expected="no session", actual=f"ended: {client.ending}")


#: An SSL 3.0 ClientHello with PSK and RSA suites (RFC 6101 §5.6.1.2); GnuTLS no longer makes one.
SSL3_HELLO = bytes.fromhex("16 0300 002f 01 00002b 0300" + "5a" * 32 + "00 0004 008c 002f 01 00")


@pytest.mark.requirement("TLS-041")
async def test_ssl3_is_refused(daemon: Daemon) -> None:
    reader, writer = await asyncio.open_connection(daemon.host, daemon.port)
    try:
        writer.write(SSL3_HELLO)
        answer = await asyncio.wait_for(reader.read(), daemon.patience)
    finally:
        writer.close()
    check(
        answer[:1] in (b"", b"\x15"), expected="no handshake, at most an alert", actual=repr(answer)
    )


NARROWED = {
    "without old versions": ("NORMAL:-VERS-TLS1.0:-VERS-TLS1.1", {"TLS1.2", "TLS1.3"}),
    "TLS 1.2 alone": ("NORMAL:-VERS-ALL:+VERS-TLS1.2", {"TLS1.2"}),
    "TLS 1.3 alone": ("NORMAL:-VERS-ALL:+VERS-TLS1.3", {"TLS1.3"}),
}


@pytest.mark.requirement("TLS-022")
@killed_by("priorities_ignored")
@pytest.mark.parametrize("name", NARROWED)
async def test_priorities_narrow_what_is_accepted(start_daemon: StartDaemon, name: str) -> None:
    value, wanted = NARROWED[name]
    daemon = await start_daemon({"PCMK_tls_priorities": value})
    found = set()
    for base in (TLS10, TLS11, TLS12, TLS13):
        # A daemon may also answer with an older version, which the client then refuses.
        with suppress(HandshakeFailed):
            found.add((await negotiated(daemon, base + ANY_KEY_EXCHANGE))[0])
    check(found == wanted, expected=f"accepted: {sorted(wanted)}", actual=f"{sorted(found)}")


@pytest.mark.requirement("TLS-042")
@killed_by("priorities_forgiven", "priorities_ignored")
async def test_with_invalid_priorities_nobody_is_let_in(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_tls_priorities": "NO-SUCH-KEYWORD"})
    for name in ("first", "second"):
        client = daemon.client(name)
        check(await refused(client), expected="no session", actual=f"ended: {client.ending}")
    check(await daemon.alive(), expected="the daemon lives", actual="it ended")
