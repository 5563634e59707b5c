# SPDX-License-Identifier: GPL-2.0-or-later
"""Notifies (docs/protocol.md §6.1, §10, §11.1)."""

import pytest
from hypothesis import given

from fixtures.wire import (
    BadMessage,
    ExecNotify,
    ExecStatus,
    ExitCode,
    NewClientNotify,
    Notify,
    PokeNotify,
    ProxyNotify,
    UnknownNotify,
    parse_notify,
    parse_xml,
    serialise,
)

from .helpers import notifies


def read(xml: bytes) -> Notify:
    return parse_notify(parse_xml(xml))


@given(notifies)
def test_every_notify_survives_writing_and_reading(notify: Notify) -> None:
    assert read(serialise(notify.to_element())) == notify


def test_the_protocols_completion_notify_is_understood() -> None:
    notify = read(
        b'<lrmd_notify lrmd_origin="send_cmd_complete_notify" lrmd_timeout="20000"'
        b' lrmd_rsc_interval="30000" lrmd_rsc_start_delay="0" lrmd_exec_rc="7"'
        b' lrmd_exec_op_status="0" lrmd_callid="18" lrmd_rsc_deleted="0"'
        b' lrmd_run_time="1795340000" lrmd_rcchange_time="1795340001" lrmd_exec_time="35"'
        b' lrmd_queue_time="2" lrmd_op="lrmd_rsc_exec" lrmd_rsc_id="web"'
        b' lrmd_rsc_action="monitor" lrmd_rsc_userdata_str="3:9:0:11111111-2222"'
        b' lrmd_rsc_output="" lrmd_rsc_exit_reason="" lrmd_remote_msg_id="0"'
        b' lrmd_remote_msg_type="notify"><attributes configfile="/etc/w.conf"/></lrmd_notify>'
    )

    assert notify == ExecNotify(
        origin="send_cmd_complete_notify",
        timeout_ms=20_000,
        interval_ms=30_000,
        start_delay_ms=0,
        exit_code=ExitCode.NOT_RUNNING,
        status=ExecStatus.DONE,
        call_id=18,
        deleted=0,
        run_time=1_795_340_000,
        rc_change_time=1_795_340_001,
        exec_time_ms=35,
        queue_time_ms=2,
        resource_id="web",
        action="monitor",
        userdata="3:9:0:11111111-2222",
        output=None,
        exit_reason=None,
        parameters={"configfile": "/etc/w.conf"},
    )


def test_the_proxys_request_is_understood() -> None:
    notify = read(
        b'<lrmd_ipc_proxy lrmd_ipc_op="request" lrmd_ipc_session="0c9e"'
        b' lrmd_ipc_client="proxy-attrd-2211-0c9e5c1e" lrmd_ipc_user="root" lrmd_ipc_msg_id="3"'
        b' lrmd_ipc_msg_flags="768" lrmd_remote_msg_id="0" lrmd_remote_msg_type="notify">'
        b'<lrmd_ipc_msg><attrd task="update"/></lrmd_ipc_msg></lrmd_ipc_proxy>'
    )

    assert notify == ProxyNotify(
        ipc_op="request",
        session="0c9e",
        client="proxy-attrd-2211-0c9e5c1e",
        user="root",
        ipc_message_id=3,
        ipc_message_flags=768,
        payload=b'<attrd task="update"/>',
    )


def test_a_shutdown_request_belongs_to_session_0() -> None:
    assert serialise(ProxyNotify.shutdown_request().to_element()) == (
        b'<lrmd_ipc_proxy lrmd_ipc_op="shutdown_req" lrmd_ipc_session="0"/>'
    )


def test_a_new_client_need_not_be_described() -> None:
    assert read(b'<lrmd_notify lrmd_op="lrmd_rsc_new_client"/>') == NewClientNotify()


@pytest.mark.parametrize(
    ("xml", "complaint"),
    [
        (b'<lrmd_notify lrmd_op="lrmd_rsc_poke" lrmd_callid="1"/>', "lrmd_rc in lrmd_notify"),
        (
            b'<lrmd_notify lrmd_op="lrmd_rsc_exec" lrmd_rsc_interval="x"/>',
            "lrmd_rsc_interval in lrmd_notify is 'x'",
        ),
        (b'<lrmd_ipc_proxy lrmd_ipc_op="new"/>', "lrmd_ipc_session in lrmd_ipc_proxy"),
        (b'<lrmd_ipc_proxy lrmd_ipc_session="0"/>', "lrmd_ipc_op in lrmd_ipc_proxy"),
    ],
)
def test_what_a_notify_must_carry_is_missed(xml: bytes, complaint: str) -> None:
    with pytest.raises(BadMessage, match=complaint):
        read(xml)


@pytest.mark.parametrize(
    "xml",
    [
        b'<lrmd_notify lrmd_op="news"><x/></lrmd_notify>',
        b"<lrmd_notify/>",
        b'<other lrmd_op="lrmd_rsc_poke" lrmd_rc="0" lrmd_callid="1"/>',
    ],
)
def test_an_unknown_notify_keeps_everything(xml: bytes) -> None:
    notify = read(xml)

    assert isinstance(notify, UnknownNotify)
    assert notify.xml == serialise(notify.to_element()) == xml


def test_a_poke_notify_names_its_call() -> None:
    assert read(
        b'<lrmd_notify lrmd_origin="o" lrmd_rc="0" lrmd_callid="4" lrmd_op="lrmd_rsc_poke"/>'
    ) == PokeNotify(origin="o", rc=0, call_id=4)
