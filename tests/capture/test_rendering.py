# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.capture.rendering import facts, pretty, printable

EXEC = (
    b'<lrmd_command lrmd_op="lrmd_rsc_exec" lrmd_remote_msg_id="7" lrmd_remote_msg_type="request">'
    b'<lrmd_calldata><lrmd_rsc lrmd_rsc_id="r1" lrmd_rsc_action="start" lrmd_rsc_interval="0">'
    b'<attributes crm_feature_set="3.17"/></lrmd_rsc></lrmd_calldata></lrmd_command>'
)


def test_facts_are_found_at_every_depth() -> None:
    assert facts(EXEC) == {
        "type": "request",
        "op": "lrmd_rsc_exec",
        "message_id": "7",
        "resource": "r1",
        "action": "start",
        "interval": "0",
    }


def test_facts_of_a_reply_and_of_proxy_traffic() -> None:
    reply = b'<lrmd_reply lrmd_rc="-19" lrmd_callid="12" lrmd_remote_msg_type="reply"/>'
    assert facts(reply) == {"type": "reply", "call_id": "12", "rc": "-19"}
    proxy = b'<lrmd_ipc_proxy lrmd_ipc_op="new" lrmd_ipc_session="abc"/>'
    assert facts(proxy) == {"ipc_op": "new", "session": "abc"}


def test_elements_are_indented_and_long_tags_continued() -> None:
    assert pretty(EXEC) == [
        '<lrmd_command lrmd_op="lrmd_rsc_exec" lrmd_remote_msg_id="7"'
        ' lrmd_remote_msg_type="request">',
        "  <lrmd_calldata>",
        '    <lrmd_rsc lrmd_rsc_id="r1" lrmd_rsc_action="start" lrmd_rsc_interval="0">',
        '      <attributes crm_feature_set="3.17"/>',
        "    </lrmd_rsc>",
        "  </lrmd_calldata>",
        "</lrmd_command>",
    ]
    wide = b'<a one="' + b"1" * 60 + b'" two="' + b"2" * 60 + b'"/>'
    assert pretty(wide) == [f'<a one="{"1" * 60}"', f'    two="{"2" * 60}"/>']


def test_long_values_are_cut_and_their_length_told() -> None:
    [first, second] = pretty(b'<a userdata="' + b"u" * 5000 + b'"/>')
    assert first == "<a"
    assert second == f'    userdata="{"u" * 160}... (5000 characters)"/>'
    assert "u" * 160 + "... (5000 characters)" in pretty(b"<a>" + b"u" * 5000 + b"</a>")[1]


def test_many_elements_are_cut_and_counted() -> None:
    lines = pretty(b"<a>" + b"<b/>" * 1000 + b"</a>")
    assert len(lines) == 201
    assert lines[-1] == "... (802 more lines)"


def test_text_and_comments() -> None:
    assert pretty(b"<a>x &lt; y<!-- why --></a>") == ["<a>", "  x &lt; y", "  <!-- why -->", "</a>"]


def test_control_characters_and_quotes_stay_escaped() -> None:
    assert pretty(b'<a b="1&#10;2&lt;&quot;"/>') == ["<a b='1&#10;2&lt;\"'/>"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"BZh91AY\x00\xff",
        b"<a",
        b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        b"<a>" * 10_000,
        b"\xff\xfe",
    ],
)
def test_what_is_not_xml_is_shown_as_bytes(payload: bytes) -> None:
    [line] = pretty(payload)
    assert line.startswith("(not XML: ")
    assert f"; {len(payload)} bytes: b" in line
    assert len(line) < 1000
    assert facts(payload) == {}


def test_the_terminator_is_no_part_of_the_xml() -> None:
    assert pretty(b"<a/>\0") == ["<a/>"]


@given(payload=st.binary(max_size=200))
def test_anything_can_be_shown(payload: bytes) -> None:
    assert all(printable(line).isprintable() for line in pretty(payload))
    facts(payload)


def test_a_terminal_obeys_nothing_that_a_peer_sent() -> None:
    assert printable("ä \x1b[2J \u202e \r") == "ä \\x1b[2J \\u202e \\r"
