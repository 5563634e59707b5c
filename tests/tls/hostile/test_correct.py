# SPDX-License-Identifier: GPL-2.0-or-later
"""Without an attack the hand-driven peer is a good one: libgnutls talks with it, in both roles."""

import pytest

from fixtures.tls import PACEMAKER_PRIORITY
from fixtures.tls.hostile import Client12, Client13, Script, Server12, Server13
from fixtures.tls.hostile.messages import ExtensionType, PSKMode
from fixtures.tls.hostile.suites import TLS12_SUITES, TLS13_SUITES, Group

from ..helpers import TLS12_DHE_PSK, TLS12_PSK
from .helpers import IDENTITY, KEY, Talk, talk_to_client, talk_to_server

SUITES13 = [pytest.param(code, id=suite.name) for code, suite in TLS13_SUITES.items()]
SUITES12 = [pytest.param(code, id=suite.name) for code, suite in TLS12_SUITES.items()]
PSK_KE = "NORMAL:-KX-ALL:+PSK"
KEYS = [KEY[:1], KEY[:64], KEY, (KEY * 16)[:65535]]
TLS12_ANY = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:+DHE-PSK:+CHACHA20-POLY1305"


def check(talk: Talk) -> None:
    """Both sides are content with each other, and agree on what they agreed on."""
    assert talk.failure is None
    assert talk.refusal is None
    assert talk.hostile.established
    assert talk.real.established
    ours, theirs = talk.hostile.peer.info, talk.real.info
    assert (ours.protocol, ours.kx, ours.cipher_suite) == (
        theirs.protocol,
        theirs.kx,
        theirs.cipher_suite,
    )
    assert {ours.identity, theirs.identity} == {None, IDENTITY}
    talk.exchange_data()


@pytest.mark.parametrize("group", list(Group))
@pytest.mark.parametrize("suite", SUITES13)
def test_client_psk_dhe_ke(suite: int, group: Group) -> None:
    client = Client13(IDENTITY, KEY, suites=[suite], groups=[group], shares=[group])
    check(talk_to_server(client))


@pytest.mark.parametrize("suite", SUITES13)
def test_client_psk_ke(suite: int) -> None:
    modes = [PSKMode.PSK_KE]
    client = Client13(IDENTITY, KEY, suites=[suite], groups=[], shares=[], modes=modes)
    check(talk_to_server(client))
    assert client.info.kx == "PSK"


@pytest.mark.parametrize("extended", [True, False])
@pytest.mark.parametrize("suite", SUITES12)
def test_client_tls12(suite: int, extended: bool) -> None:
    check(talk_to_server(Client12(IDENTITY, KEY, suites=[suite], extended=extended)))


@pytest.mark.parametrize("group", list(Group))
@pytest.mark.parametrize("suite", SUITES13)
def test_server_psk_dhe_ke(suite: int, group: Group) -> None:
    check(talk_to_client(Server13(lambda identity: KEY, suites=[suite], groups=[group])))


@pytest.mark.parametrize("suite", SUITES13)
def test_server_psk_ke(suite: int) -> None:
    server = Server13(lambda identity: KEY, suites=[suite], groups=[])
    check(talk_to_client(server, priority=PSK_KE))
    assert server.info.kx == "PSK"


@pytest.mark.parametrize("suite", SUITES12)
def test_server_tls12(suite: int) -> None:
    server = Server12(lambda identity: KEY, suites=[suite])
    check(talk_to_client(server, priority=TLS12_ANY))


@pytest.mark.parametrize("key", KEYS, ids=len)
@pytest.mark.parametrize("kind", [Client13, Client12])
def test_client_with_a_key_of_any_length(kind: type[Client13 | Client12], key: bytes) -> None:
    check(talk_to_server(kind(IDENTITY, key), key=key))


@pytest.mark.parametrize("key", KEYS, ids=len)
@pytest.mark.parametrize(
    ("kind", "priority"),
    [(Server13, PACEMAKER_PRIORITY), (Server12, TLS12_PSK), (Server12, TLS12_DHE_PSK)],
)
def test_server_with_a_key_of_any_length(
    kind: type[Server13 | Server12], priority: str, key: bytes
) -> None:
    check(talk_to_client(kind(lambda identity: key), key=key, priority=priority))


@pytest.mark.parametrize("client", [Client13, Client12])
def test_client_byte_by_byte(client: type[Client13 | Client12]) -> None:
    check(talk_to_server(client(IDENTITY, KEY), piece=1))


@pytest.mark.parametrize("server", [Server13, Server12])
def test_server_byte_by_byte(server: type[Server13 | Server12]) -> None:
    priority = TLS12_DHE_PSK if server is Server12 else PACEMAKER_PRIORITY
    check(talk_to_client(server(lambda identity: KEY), piece=1, priority=priority))


@pytest.mark.parametrize("groups", [list(Group), [Group.FFDHE2048]])
def test_client_answers_a_hello_retry_request(groups: list[Group]) -> None:
    client = Client13(IDENTITY, KEY, groups=groups, shares=[])
    check(talk_to_server(client))
    assert client.retry is not None


def test_server_sends_a_hello_retry_request() -> None:
    server = Server13(lambda identity: KEY, groups=[Group.FFDHE2048])
    check(talk_to_client(server))
    assert server.hellos == 2
    assert server.binder_is_right


def test_server_gets_its_cookie_back() -> None:
    server = Server13(lambda identity: KEY, groups=[Group.FFDHE2048])

    def script() -> Script:
        yield from server.client_hello()
        yield server.hello_retry_request(cookie=b"crumbs")
        yield from server.client_hello()
        yield server.server_hello() + server.encrypted_extensions() + server.finished()
        yield from server.until(20)

    check(talk_to_client(server, script()))
    assert server.hello is not None
    assert server.hello.extension(ExtensionType.COOKIE) == b"\0\6crumbs"


@pytest.mark.parametrize("request_one", [False, True])
def test_client_key_update(request_one: bool) -> None:
    client = Client13(IDENTITY, KEY)
    talk = talk_to_server(client)
    for _ in range(3):
        talk.hostile.send_step(client.key_update(request_one))
        talk.exchange_data()
    assert client.saw(24) == request_one


@pytest.mark.parametrize("request_one", [False, True])
def test_server_key_update(request_one: bool) -> None:
    server = Server13(lambda identity: KEY)
    talk = talk_to_client(server)
    for _ in range(3):
        talk.hostile.send_step(server.key_update(request_one))
        talk.exchange_data()
    assert server.saw(24) == request_one


def test_server_sends_a_session_ticket() -> None:
    server = Server13(lambda identity: KEY)
    talk = talk_to_client(server)
    talk.hostile.send_step(server.new_session_ticket())
    talk.exchange_data()


def test_tls12_server_says_that_it_could_do_tls13() -> None:
    """RFC 8446 §4.1.3: the last bytes of its random show a downgrade by somebody between."""
    client = Client12(IDENTITY, KEY)
    check(talk_to_server(client))
    assert client.server_hello is not None
    assert client.server_hello.random.endswith(b"DOWNGRD\x01")
