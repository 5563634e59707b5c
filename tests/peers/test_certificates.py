# SPDX-License-Identifier: GPL-2.0-or-later
"""A fake daemon that asks for certificates: when it does, and whom it lets in."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from fixtures.peers import (
    RELEASES,
    ConnectionEnded,
    EndingKind,
    FakeCluster,
    FakeRemote,
    HandshakeFailed,
    Misbehaviour,
    Release,
)
from fixtures.peers.releases import NEWEST
from fixtures.tls import CertifiedKey, X509ClientCredentials
from fixtures.tls.certificates import Authority, wrong_certificates
from fixtures.wire import NewClientNotify

from .helpers import KEY, notified

AUTHORITY = Authority()
SERVER = AUTHORITY.issue("server")
CLIENT = AUTHORITY.issue("client")
REVOKED = AUTHORITY.issue("revoked")
SOON = AUTHORITY.issue("soon", ends=timedelta(days=20))
WRONG = wrong_certificates(AUTHORITY)

ALL = {"PCMK_cert_file": "/cert", "PCMK_ca_file": "/ca", "PCMK_key_file": "/key"}
PARTIAL = {name: path for name, path in ALL.items() if name != "PCMK_key_file"}
CIB = {name.replace("PCMK", "CIB"): path for name, path in ALL.items()}
ENDS_SOON = {**ALL, "PCMK_cert_file": "/soon", "PCMK_key_file": "/soon-key"}
WITH_CRL = {**ALL, "PCMK_crl_file": "/crl"}
FILES = {
    "/cert": SERVER.certificate,
    "/key": SERVER.key,
    "/ca": AUTHORITY.certificate,
    "/crl": AUTHORITY.revocation_list(REVOKED),
    "/soon": SOON.certificate,
    "/soon-key": SOON.key,
    "/other-ca": Authority("other").certificate,
}
TLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2"


def remote(
    variables: Mapping[str, str] = ALL, *, bug: str = "", release: Release = NEWEST
) -> FakeRemote:
    bugs = Misbehaviour.parse(bug)
    return FakeRemote(KEY, variables=variables, files=FILES, misbehaviour=bugs, release=release)


def with_key(remote: FakeRemote) -> FakeCluster:
    return FakeCluster(remote.host, remote.port, key=KEY)


def with_certificate(
    remote: FakeRemote, own: CertifiedKey | None = CLIENT, priority: str | None = None
) -> FakeCluster:
    """A client that believes any daemon, so that it is the daemon's word that counts."""
    credentials = X509ClientCredentials(own, None)
    return FakeCluster(remote.host, remote.port, credentials=credentials, priority=priority)


async def let_in(cluster: FakeCluster) -> bool:
    """Whether the daemon answers."""
    try:
        async with cluster:
            return (await cluster.register()).rc == 0
    except (HandshakeFailed, ConnectionEnded):
        return False


async def test_both_sides_verify_each_other() -> None:
    credentials = X509ClientCredentials(CLIENT, AUTHORITY.trust())
    async with (
        remote() as daemon,
        FakeCluster(daemon.host, daemon.port, credentials=credentials) as cluster,
    ):
        assert (await cluster.register()).rc == 0
        seen = (await daemon.next_client()).info

    assert seen is not None
    assert seen.certificate is not None
    assert cluster.info.certificate is not None


async def test_a_client_may_refuse_the_daemon() -> None:
    credentials = X509ClientCredentials(CLIENT, Authority("other").trust())
    async with remote() as daemon:
        with pytest.raises(HandshakeFailed, match="issuer is unknown") as raised:
            await FakeCluster(daemon.host, daemon.port, credentials=credentials).connect()

    assert raised.value.ending.kind is EndingKind.FAULT


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("priority", [None, TLS12])
async def test_a_wrong_certificate_is_refused(wrong: str, priority: str | None) -> None:
    async with remote() as daemon:
        assert not await let_in(with_certificate(daemon, WRONG[wrong], priority))
        await daemon.until(lambda: daemon.refused, "refused client")

        assert daemon.clients == []
        assert daemon.requests == []


async def test_in_tls13_the_refusal_comes_after_the_client_s_handshake() -> None:
    async with remote() as daemon:
        cluster = await with_certificate(daemon, WRONG["expired"]).connect()
        assert (await cluster.wait_closed()).kind is EndingKind.CLOSE_NOTIFY


@pytest.mark.parametrize("missing", ALL)
@pytest.mark.parametrize("how", ["unset", "empty"])
async def test_two_of_three_variables_leave_it_to_the_key(missing: str, how: str) -> None:
    variables = {name: path for name, path in ALL.items() if name != missing}
    if how == "empty":
        variables[missing] = ""
    async with remote(variables) as daemon:
        assert await let_in(with_key(daemon))
        assert not await let_in(with_certificate(daemon))


async def test_with_all_three_the_key_counts_no_more() -> None:
    async with remote() as daemon:
        assert not await let_in(with_key(daemon))


async def test_cib_names_are_the_fallback() -> None:
    async with remote(CIB) as daemon:
        assert await let_in(with_certificate(daemon))
    async with remote({**ALL, "CIB_ca_file": "/other-ca"}) as daemon:
        assert await let_in(with_certificate(daemon))


async def test_a_revoked_certificate_is_refused_and_another_is_not() -> None:
    async with remote({**ALL, "PCMK_crl_file": "/crl"}) as daemon:
        assert not await let_in(with_certificate(daemon, REVOKED))
        assert await let_in(with_certificate(daemon))


async def test_old_releases_do_not_know_certificates() -> None:
    async with remote(release=RELEASES["2.1.5"]) as daemon:
        assert await let_in(with_key(daemon))
        assert not await let_in(with_certificate(daemon))


def test_a_variable_that_names_no_file_is_an_error() -> None:
    with pytest.raises(ValueError, match="PCMK_ca_file names /nowhere"):
        FakeRemote(KEY, variables={"PCMK_ca_file": "/nowhere"})


def test_a_client_needs_credentials_of_some_kind() -> None:
    with pytest.raises(ValueError, match="a key or other credentials"):
        FakeCluster("127.0.0.1")


@pytest.mark.parametrize(
    ("bug", "variables", "own", "right"),
    [
        ("any_certificate_variable_disables_psk", PARTIAL, "key", True),
        ("certificates_ignored", ALL, "key", False),
        ("certificates_ignored", ALL, CLIENT, True),
        ("cib_names_ignored", CIB, CLIENT, True),
        ("mixed_mode", ALL, "key", False),
        ("mixed_mode", {}, CLIENT, False),
        ("client_certificate_optional", ALL, None, False),
        ("client_certificate_optional", ALL, WRONG["expired"], False),
        ("client_certificate_unverified", ALL, WRONG["expired"], False),
        ("revocation_ignored", WITH_CRL, REVOKED, False),
        ("certificate_ending_soon_refused", ENDS_SOON, CLIENT, True),
    ],
)
async def test_a_misbehaviour_turns_the_decision_round(
    bug: str, variables: Mapping[str, str], own: CertifiedKey | str | None, right: bool
) -> None:
    for switches, expected in (("", right), (bug, not right)):
        async with remote(variables, bug=switches) as daemon:
            client = with_key(daemon) if own == "key" else with_certificate(daemon, own)
            assert await let_in(client) is expected


@pytest.mark.parametrize(
    "bug",
    [
        "mixed_mode",
        "client_certificate_optional",
        "client_certificate_unverified",
        "revocation_ignored",
        "certificate_ending_soon_refused",
        "cib_names_ignored",
        "any_certificate_variable_disables_psk",
    ],
)
async def test_a_misbehaviour_leaves_the_right_client_alone(bug: str) -> None:
    async with remote(bug=bug) as daemon:
        assert await let_in(with_certificate(daemon))


async def test_client_certificate_unverified_still_asks_for_one() -> None:
    async with remote(bug="client_certificate_unverified") as daemon:
        assert not await let_in(with_certificate(daemon, None))


@pytest.mark.parametrize("bug", ["", "failed_handshake_announced"])
async def test_failed_handshake_announced(bug: str) -> None:
    async with remote(bug=bug) as daemon, with_certificate(daemon) as witness:
        await witness.register()
        assert not await let_in(with_certificate(daemon, WRONG["expired"]))
        await daemon.until(lambda: daemon.refused, "refused client")
        await witness.poke()

        told = [
            notify for notify in notified(witness.events) if isinstance(notify, NewClientNotify)
        ]
        assert len(told) == (1 if bug else 0)
