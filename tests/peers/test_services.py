# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster behind the IPC proxy: what it answers to local tools, and to a node without schemas.

That real tools are content with these answers is for ``conformance/daemon/test_proxy_tools.py``.
"""

import pytest
from lxml import etree

from fixtures.peers import (
    CLIENT_RESPONSE,
    SCHEMA_DIRECTORY,
    ClusterServices,
    FakeCluster,
    FakeRemote,
    serving,
)
from fixtures.peers.services import CIB
from fixtures.wire import ProxyForward, ProxyNotify

from .helpers import KEY, Join


def new(server: str) -> ProxyNotify:
    return ProxyNotify(ipc_op="new", server=server, session="s")


def request(payload: bytes, flags: int = CLIENT_RESPONSE) -> ProxyNotify:
    return ProxyNotify(
        ipc_op="request", session="s", ipc_message_id=7, ipc_message_flags=flags, payload=payload
    )


def ask(services: ClusterServices, server: str, payload: bytes) -> etree._Element:
    """The response to a request of a new session."""
    services.answer(new(server))
    (response,) = services.answer(request(payload))
    assert (response.ipc_op, response.session, response.ipc_message_id) == ("response", "s", 7)
    return etree.fromstring(response.payload or b"")


def test_a_server_that_is_not_proxied_is_destroyed() -> None:
    assert ClusterServices().answer(new("pacemakerd")) == [
        ProxyForward(ipc_op="destroy", session="s")
    ]


def test_sessions_are_open_until_they_are_destroyed() -> None:
    services = ClusterServices()

    services.answer(new("attrd"))
    assert services.sessions == {"s": "attrd"}
    services.answer(ProxyNotify(ipc_op="destroy", session="s"))

    assert services.sessions == {}
    assert services.answer(request(b"<late/>")) == []


@pytest.mark.parametrize(
    ("server", "payload"),
    [
        ("cib_rw", b'<cib_command cib_op="register"/>'),
        ("stonith-ng", b'<stonith_command st_op="register"/>'),
    ],
)
def test_registration_gives_a_client_id(server: str, payload: bytes) -> None:
    reply = ask(ClusterServices(), server, payload)

    assert reply.get("cib_clientid") or reply.get("st_clientid")


def test_a_cib_query_is_answered_by_the_cib() -> None:
    reply = ask(ClusterServices(), "cib_ro", b'<cib_command cib_op="cib_query" cib_callid="3"/>')

    assert (reply.get("cib_callid"), reply.get("cib_rc")) == ("3", "0")
    assert etree.tostring(reply[0][0]) == etree.tostring(etree.fromstring(CIB))


@pytest.mark.parametrize(("path", "rc"), [("/cib/status", "0"), ("/cib/nothing", "-6")])
def test_a_cib_query_may_be_for_a_part(path: str, rc: str) -> None:
    query = f'<cib_command cib_op="cib_query" cib_section="{path}"/>'.encode()

    reply = ask(ClusterServices(), "cib_ro", query)

    assert reply.get("cib_rc") == rc
    assert [child.tag for child in reply[0]] == (["status"] if rc == "0" else [])


def test_an_answer_that_nobody_waits_for_is_an_event_or_nothing() -> None:
    services = ClusterServices()

    services.answer(new("cib_rw"))
    (event,) = services.answer(request(b'<cib_command cib_op="cib_query"/>', flags=0))
    services.answer(new("attrd"))
    update = b'<attrd task="update" attr_name="a" attr_value="1"/>'

    assert (event.ipc_op, event.ipc_message_id) == ("event", None)
    assert services.answer(request(update, flags=0)) == []
    assert services.attributes == {("r1", "a"): "1"}


@pytest.mark.parametrize("host", ["", 'attr_host="localhost"', 'attr_host="r1"'])
def test_attributes_without_a_node_are_the_askers(host: str) -> None:
    services = ClusterServices()
    ask(services, "attrd", f'<a task="update" attr_name="a" attr_value="1" {host}/>'.encode())

    reply = ask(services, "attrd", f'<a task="query" attr_name="a" {host}/>'.encode())

    assert dict(reply[0].attrib) == {"attr_host": "r1", "attr_value": "1"}


def test_an_attribute_that_is_not_set_has_no_name() -> None:
    reply = ask(ClusterServices(), "attrd", b'<a task="query" attr_name="a"/>')

    assert reply.get("attr_name") is None


def test_the_controller_says_ack_and_then_who_asks() -> None:
    services = ClusterServices(node="r7", dc="n5")
    services.answer(new("crmd"))

    ack, event = services.answer(request(b'<m crm_task="node-info" reference="x"/>'))

    assert etree.fromstring(ack.payload or b"").tag == "ack"
    answer = etree.fromstring(event.payload or b"")
    assert (answer.get("reference"), answer.get("src")) == ("x", "n5")
    assert answer[0][0].get("uname") == "r7"


def test_the_fencer_lists_its_devices() -> None:
    services = ClusterServices()
    services.devices = ["a", "b"]

    reply = ask(services, "stonith-ng", b'<c st_op="st_query" st_callid="2"/>')

    assert reply.xpath("//*[@agent]/@id") == ["a", "b"]


async def test_schemas_arrive_on_the_daemons_host(remote: FakeRemote, join: Join) -> None:
    services = ClusterServices()
    services.schemas = {"a.rng": "<é/>", "../evil.rng": "<b/>"}
    async with FakeCluster(remote.host, remote.port, key=KEY, protocol_version="1.2") as client:
        await client.register(is_ipc_provider=True)
        async with serving(client, services):
            await remote.until(
                lambda: len(services.requests) == 2 and not services.sessions, "end of the transfer"
            )

    written = {path for path in remote.files if "rng" in path}
    assert written == {f"{SCHEMA_DIRECTORY}/a.rng"}
    assert remote.files[f"{SCHEMA_DIRECTORY}/a.rng"] == "<é/>".encode()
