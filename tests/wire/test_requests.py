# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests (docs/protocol.md §4.2, §5.1, §6)."""

import pytest
from hypothesis import given

from fixtures.wire import (
    Cancel,
    Check,
    Exec,
    GetRecurring,
    Poke,
    ProxyForward,
    RegisterRequest,
    Request,
    ResourceInfo,
    ResourceRegister,
    UnknownRequest,
    parse_request,
    parse_xml,
    serialise,
)

from .helpers import requests


def read(xml: bytes) -> Request:
    return parse_request(parse_xml(xml))


@given(requests)
def test_every_request_survives_writing_and_reading(request: Request) -> None:
    assert read(serialise(request.to_element())) == request


def test_register_as_the_protocol_shows_it() -> None:
    request = RegisterRequest(
        client_name="pacemaker-remote-db9:3121", protocol_version="1.2", is_ipc_provider=True
    )

    assert serialise(request.to_element()) == (
        b'<lrmd_command t="lrmd" lrmd_op="register" lrmd_clientname="pacemaker-remote-db9:3121"'
        b' lrmd_protocol_version="1.2" lrmd_is_ipc_provider="true"/>'
    )


def test_poke_as_the_protocol_shows_it() -> None:
    assert serialise(Poke(origin="suite").to_element()) == (
        b'<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_poke" lrmd_timeout="0" lrmd_callopt="0">'
        b'<lrmd_calldata><lrmd_rsc lrmd_origin="suite"/></lrmd_calldata></lrmd_command>'
    )


def test_the_protocols_exec_is_understood() -> None:
    request = read(
        b'<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_exec" lrmd_timeout="20000" lrmd_callopt="4">'
        b'<lrmd_calldata><lrmd_rsc lrmd_origin="x" lrmd_rsc_id="web" lrmd_rsc_action="monitor"'
        b' lrmd_rsc_userdata_str="3:9:0:11111111-2222" lrmd_rsc_interval="30000"'
        b' lrmd_timeout="20000" lrmd_rsc_start_delay="0">'
        b'<attributes configfile="/etc/w.conf" CRM_meta_timeout="20000"/></lrmd_rsc>'
        b"</lrmd_calldata></lrmd_command>"
    )

    assert request == Exec(
        origin="x",
        resource_id="web",
        action="monitor",
        userdata="3:9:0:11111111-2222",
        interval_ms=30_000,
        timeout_ms=20_000,
        call_options=4,
        parameters={"configfile": "/etc/w.conf", "CRM_meta_timeout": "20000"},
    )


def test_the_proxys_response_is_understood() -> None:
    request = read(
        b'<lrmd_ipc_proxy t="lrmd" lrmd_op="ipc_fwd" lrmd_ipc_op="response"'
        b' lrmd_ipc_session="0c9e" lrmd_ipc_msg_id="3" lrmd_remote_msg_id="41"'
        b' lrmd_remote_msg_type="request"><lrmd_ipc_msg> <answer a="1"/> </lrmd_ipc_msg>'
        b"</lrmd_ipc_proxy>"
    )

    assert request == ProxyForward(
        addressee="lrmd",
        ipc_op="response",
        session="0c9e",
        ipc_message_id=3,
        payload=b'<answer a="1"/>',
    )


def test_shutdown_answers_as_the_protocol_shows_them() -> None:
    ack, nack = ProxyForward.shutdown_ack(), ProxyForward.shutdown_nack()

    assert serialise(ack.to_element()) == (
        b'<lrmd_ipc_proxy lrmd_op="ipc_fwd" lrmd_ipc_op="shutdown_ack"/>'
    )
    assert nack.ipc_op == "shutdown_nack"


def test_none_leaves_an_attribute_out() -> None:
    request = ResourceRegister(resource_id=None, standard="ocf", agent=None)

    assert b'<lrmd_rsc lrmd_class="ocf"/>' in serialise(request.to_element())


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (
            b'<lrmd_command lrmd_op="lrmd_rsc_info"/>',
            ResourceInfo(resource_id=None, addressee=None),
        ),
        (
            b'<anything lrmd_op="lrmd_rsc_info"><lrmd_rsc lrmd_rsc_id="r"/></anything>',
            ResourceInfo(resource_id="r", addressee=None, root="anything"),
        ),
        (
            b'<lrmd_command lrmd_op="lrmd_rsc_cancel"><lrmd_calldata>'
            b'<lrmd_rsc lrmd_rsc_id="r" lrmd_rsc_interval="soon"/></lrmd_calldata></lrmd_command>',
            Cancel(resource_id="r", action=None, interval_ms=0, addressee=None),
        ),
        (
            b'<lrmd_command lrmd_op="lrmd_check"><lrmd_calldata><!-- ? -->'
            b'<whatever lrmd_watchdog="10s"/></lrmd_calldata></lrmd_command>',
            Check(watchdog="10s", addressee=None),
        ),
        (b'<lrmd_command lrmd_op="lrmd_get_recurring"/>', GetRecurring(addressee=None)),
        (
            b'<lrmd_command lrmd_op="lrmd_rsc_poke" lrmd_callopt="100000000000000000000"/>',
            Poke(addressee=None, call_options=0),
        ),
    ],
)
def test_an_incomplete_request_is_read_as_far_as_it_goes(xml: bytes, expected: Request) -> None:
    assert read(xml) == expected


@pytest.mark.parametrize(
    ("xml", "op"),
    [(b'<lrmd_command t="lrmd" lrmd_op="nope" x="1"><y/></lrmd_command>', "nope"), (b"<a/>", None)],
)
def test_an_unknown_request_keeps_everything(xml: bytes, op: str | None) -> None:
    request = read(xml)

    assert isinstance(request, UnknownRequest)
    assert request.operation == op
    assert request.xml == serialise(request.to_element()) == xml


def test_only_a_check_expects_no_reply() -> None:
    assert not Check().EXPECTS_REPLY
    assert Poke().EXPECTS_REPLY
    assert ProxyForward.shutdown_ack().EXPECTS_REPLY
