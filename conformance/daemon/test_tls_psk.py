# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS with a pre-shared key: who is let in, and how the others are turned away."""

from __future__ import annotations

import asyncio

import pytest

from conformance.deviation import check
from fixtures.peers import wrong_keys

from .admittance import TLS12, TLS13, admitted, refused
from .under_test import Daemon

#: What the daemon's TLS library says to a handshake that it gives up: close_notify, in the clear.
PLAIN_CLOSE_NOTIFY = bytes.fromhex("15030300020100")

#: Names of the wrong keys that :func:`wrong_keys` makes of a 4096-byte key.
WRONG_KEYS = list(wrong_keys(bytes(4096)))


@pytest.mark.requirement("TLS-002", "TLS-020")
@pytest.mark.killed_by("tls12_only")
async def test_same_key_completes_a_tls13_handshake(daemon: Daemon) -> None:
    async with daemon.client() as client:
        check(
            client.info.protocol == "TLS1.3",
            expected="TLS 1.3 with the pre-shared key",
            actual=str(client.info),
        )
        assert (await client.register()).rc == 0


@pytest.mark.requirement("TLS-021")
@pytest.mark.killed_by("tls13_only")
@pytest.mark.parametrize(
    "exchange",
    [
        "DHE-PSK",
        pytest.param("PSK", marks=pytest.mark.killed_by("tls12_only", "only_with_diffie_hellman")),
    ],
)
async def test_tls12_key_exchange_is_accepted(daemon: Daemon, exchange: str) -> None:
    async with daemon.client(priority=f"{TLS12}:+{exchange}") as client:
        check(
            client.info.protocol == "TLS1.2" and client.info.kx == exchange,
            expected=f"TLS 1.2 with {exchange}",
            actual=str(client.info),
        )
        assert (await client.register()).rc == 0


@pytest.mark.requirement("TLS-003", "TLS-004", "TLS-005")
@pytest.mark.killed_by("accept_any_key")
@pytest.mark.parametrize("wrong", WRONG_KEYS)
async def test_wrong_key_is_refused(daemon: Daemon, wrong: str) -> None:
    client = daemon.client("stranger", key=wrong_keys(daemon.key)[wrong])
    check(await refused(client), expected="the handshake fails", actual=f"ended: {client.ending}")


@pytest.mark.requirement("TLS-003", "NTF-004")
@pytest.mark.killed_by(
    "failed_handshake_announced",
    "accept_any_key",
    "announce_before_handshake",
    "announce_new_client_to_self",
)
async def test_refused_client_is_not_announced_to_others(daemon: Daemon) -> None:
    async with daemon.client() as client:
        await client.register()
        key = wrong_keys(daemon.key)["unrelated"]
        assert await refused(daemon.client("stranger", key=key))
        # The poke's notify comes after whatever the stranger may have caused.
        await client.poke()
        seen = [type(event).__name__ + str(event) for event in client.events]
        check(
            not any("NewClientNotify" in event for event in seen),
            expected="no lrmd_rsc_new_client for a client that was refused",
            actual="\n".join(seen),
        )


#: Identities that are not ``lrmd``, and the bugs that each of them shows besides the plain one.
OTHER_IDENTITIES = {
    "root": (b"root", []),
    "upper case": (b"LRMD", ["identity_in_any_case"]),
    "beginning": (b"lrm", []),
    "longer": (b"lrmd2", []),
    "blank added": (b"lrmd ", []),
    "NUL before": (b"\0lrmd", []),
    "NUL after": (b"lrmd\0", ["identity_ends_at_nul"]),
    "NUL within": (b"lrmd\0x", ["identity_ends_at_nul"]),
    "not ASCII": ("lrmd\u00e9".encode(), []),
    "not UTF-8": (b"\xff\xfe", []),
    "128 bytes": (b"x" * 128, []),
    "65000 bytes": (b"x" * 65000, []),
}


@pytest.mark.requirement("TLS-017")
@pytest.mark.parametrize("version", [TLS13, TLS12], ids=["TLS1.3", "TLS1.2"])
@pytest.mark.parametrize(
    "identity",
    [
        pytest.param(text, id=name, marks=pytest.mark.killed_by("ignore_identity_rule", *bugs))
        for name, (text, bugs) in OTHER_IDENTITIES.items()
    ],
)
async def test_other_identity_is_refused(daemon: Daemon, identity: bytes, version: str) -> None:
    stranger = daemon.client("stranger", identity=identity, priority=f"{version}:+DHE-PSK")
    let_in = await admitted(stranger)
    check(not let_in, expected="only lrmd is let in", actual=f"{identity[:16]!r} was let in")


@pytest.mark.requirement("TLS-017")
@pytest.mark.killed_by("ignore_identity_rule")
async def test_empty_identity_is_refused(daemon: Daemon) -> None:
    # TLS 1.3 knows none (RFC 8446 section 4.2.11).
    stranger = daemon.client("stranger", identity=b"", priority=f"{TLS12}:+DHE-PSK")
    check(await refused(stranger), expected="only lrmd is let in", actual=f"{stranger.ending}")


@pytest.mark.requirement("TLS-018")
@pytest.mark.killed_by("identity_always_checked")
@pytest.mark.parametrize("identity", [b"xyz", b"LRMD", b"\xff\xfe", b"x" * 128], ids=repr)
async def test_any_identity_is_accepted(daemon: Daemon, identity: bytes) -> None:
    client = daemon.client("stranger", identity=identity)
    check(await admitted(client), expected="any identity is let in", actual=f"{client.ending}")


@pytest.mark.requirement("TLS-001")
async def test_plaintext_peer_gets_no_protocol_answer(daemon: Daemon) -> None:
    reader, writer = await asyncio.open_connection(daemon.host, daemon.port)
    try:
        writer.write(b"<lrmd_command lrmd_op='lrmd_rsc_poke'/>\0")
        answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionResetError:
        answer = b""  # what TLS did not read is still in the daemon's socket when it closes
    finally:
        writer.close()
    check(
        answer in (PLAIN_CLOSE_NOTIFY, b""),
        expected="at most a TLS close_notify, then the end of the stream",
        actual=repr(answer),
    )


@pytest.mark.requirement("TLS-038")
@pytest.mark.killed_by("accept_any_key")
async def test_failed_handshake_leaves_established_clients_alone(daemon: Daemon) -> None:
    async with daemon.client() as client:
        await client.register()
        key = wrong_keys(daemon.key)["unrelated"]
        assert await refused(daemon.client("stranger", key=key))
        reply = await client.poke()
        check(reply.rc == 0, expected="a poke is answered", actual=str(reply))
