# SPDX-License-Identifier: GPL-2.0-or-later
"""Replies (docs/protocol.md §4.3, §5.1)."""

import pytest
from hypothesis import given

from fixtures.wire import (
    BadMessage,
    RecurringOperation,
    Reply,
    parse_xml,
    recurring_children,
    return_code_name,
    serialise,
)

from .helpers import replies


def read(xml: bytes) -> Reply:
    return Reply.from_element(parse_xml(xml))


@given(replies)
def test_every_reply_survives_writing_and_reading(reply: Reply) -> None:
    assert read(serialise(reply.to_element())) == reply


def test_the_protocols_register_reply_is_understood() -> None:
    reply = read(
        b'<lrmd_reply lrmd_origin="o" lrmd_rc="0" lrmd_callid="1" lrmd_op="register"'
        b' lrmd_clientid="5b1f0f66" lrmd_protocol_version="1.2" uptime="42"'
        b' lrmd_remote_msg_id="1" lrmd_remote_msg_type="reply"/>'
    )

    assert reply == Reply(
        origin="o",
        rc=0,
        call_id=1,
        attributes={
            "lrmd_op": "register",
            "lrmd_clientid": "5b1f0f66",
            "lrmd_protocol_version": "1.2",
            "uptime": "42",
        },
    )


def test_the_register_reply_of_1_1_has_another_root_and_no_return_code() -> None:
    reply = read(b'<reply lrmd_op="register" lrmd_clientid="5b1f"/>')

    assert (reply.root, reply.rc, reply.ok) == ("reply", None, True)


@pytest.mark.parametrize(("rc", "ok"), [(0, True), (17, True), (-19, False)])
def test_zero_and_a_call_id_are_success(rc: int, ok: bool) -> None:
    assert Reply(rc=rc).ok is ok


def test_recurring_operations_survive_writing_and_reading() -> None:
    operations = [
        RecurringOperation(resource_id="web", action="monitor", interval_ms=i, timeout_ms=20_000)
        for i in (10_000, 30_000)
    ]
    children = recurring_children({"web": operations, "idle": []})

    assert children[0].startswith(
        b'<lrmd_rsc lrmd_rsc_id="web"><lrmd_rsc_op lrmd_rsc_action="monitor"'
        b' lrmd_rsc_interval="10000" lrmd_timeout="20000"/>'
    )
    assert children[1] == b'<lrmd_rsc lrmd_rsc_id="idle"/>'
    assert Reply(rc=0, children=children).recurring() == operations


def test_a_recurring_operation_without_interval_is_named() -> None:
    reply = Reply(
        rc=0, children=[b'<lrmd_rsc lrmd_rsc_id="r"><lrmd_rsc_op lrmd_rsc_action="m"/></lrmd_rsc>']
    )

    with pytest.raises(BadMessage, match="lrmd_rsc_interval in lrmd_rsc_op is None"):
        reply.recurring()


def test_a_return_code_that_is_no_number_is_named() -> None:
    with pytest.raises(BadMessage, match="lrmd_rc in lrmd_reply is 'fine'"):
        read(b'<lrmd_reply lrmd_rc="fine"/>')


@pytest.mark.parametrize(
    ("rc", "name"), [(-19, "ENODEV (-19)"), (0, "OK (0)"), (12, "12"), (None, "no lrmd_rc")]
)
def test_return_codes_have_names_for_people(rc: int | None, name: str) -> None:
    assert return_code_name(rc) == name
