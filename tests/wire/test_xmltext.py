# SPDX-License-Identifier: GPL-2.0-or-later
"""Safe XML and the two ways of reading a number."""

import time
from pathlib import Path

import pytest
from hypothesis import given

from fixtures.wire import Attr, BadMessage, BadXML, parse_xml, serialise, xmltext

from .helpers import parameters, quoted, words


@given(words)
def test_any_text_survives_writing_and_reading(word: str) -> None:
    root = xmltext.element("a", {"x": word})

    assert parse_xml(serialise(root)).get("x") == word
    assert parse_xml(f"<a x={quoted(word)}/>".encode()).get("x") == word


@given(parameters)
def test_any_parameters_survive_writing_and_reading(parameters: dict[str, str]) -> None:
    root = xmltext.element("a", {}, xmltext.parameters_element(parameters))

    assert xmltext.parse_parameters(parse_xml(serialise(root))) == parameters


def test_a_parameter_that_begins_with_a_digit_becomes_an_element() -> None:
    made = xmltext.parameters_element({"ip": "::1", "2nd": "x"})

    assert serialise(made) == b'<attributes ip="::1"><param name="2nd" value="x"/></attributes>'


def test_text_is_utf_8_without_a_declaration() -> None:
    assert serialise(xmltext.element("a", {"x": "café 字\t"})) == '<a x="café 字&#9;"/>'.encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"   ",
        b"text",
        b'<lrmd_command lrmd_op="register"',
        b"<a>",
        b"<a/><b/>",
        b"<a/>\0<b/>",
        b'<a x="1" x="2"/>',
        b'<a x="\xff"/>',
        b'<a x="&undefined;"/>',
        b"<a>" * 10_000 + b"</a>" * 10_000,
    ],
    ids=lambda text: text[:20].decode("latin-1"),
)
def test_malformed_xml_is_refused_and_never_repaired(text: bytes) -> None:
    with pytest.raises(BadXML, match="allowed: well-formed XML"):
        parse_xml(text)


def test_an_external_entity_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("do not tell")
    document = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'

    with pytest.raises(BadXML) as raised:
        parse_xml(document.encode())

    assert "do not tell" not in str(raised.value)


@pytest.mark.parametrize("use", ['<a x="&j;"/>', "<a>&j;</a>", "<a/>"])
def test_a_billion_laughs_are_refused_at_once(use: str) -> None:
    entities = "".join(
        f'<!ENTITY {chr(98 + depth)} "{f"&{chr(97 + depth)};" * 10}">' for depth in range(9)
    )
    bomb = f'<!DOCTYPE a [<!ENTITY a "{"ha" * 10}">{entities}]>{use}'
    started = time.monotonic()

    with pytest.raises(BadXML):
        parse_xml(bomb.encode())

    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("text", "signed", "unsigned"),
    [
        ("0", 0, 0),
        ("12", 12, 12),
        (" 12 ", 12, 12),
        ("+12", 12, 12),
        ("-1", -1, 0),
        ("2147483647", 2**31 - 1, 2**31 - 1),
        ("2147483648", 0, 2**31),
        ("4294967295", 0, 2**32 - 1),
        ("4294967296", 0, 0),
        ("-2147483648", -(2**31), 0),
        ("-2147483649", 0, 0),
        ("9" * 5000, 0, 0),
        ("12x", 0, 0),
        ("abc", 0, 0),
        ("", 0, 0),
        ("１２", 0, 0),
    ],
)
def test_a_server_reads_what_it_can_and_takes_the_rest_as_0(
    text: str, signed: int, unsigned: int
) -> None:
    source = xmltext.element("a", {Attr.INTERVAL: text})

    assert xmltext.lenient_int(source, Attr.INTERVAL) == signed
    assert xmltext.lenient_unsigned(source, Attr.INTERVAL) == unsigned


def test_a_server_takes_a_missing_element_as_missing_attributes() -> None:
    assert xmltext.text(None, Attr.RESOURCE_ID) is None
    assert xmltext.lenient_int(None, Attr.INTERVAL) == 0
    assert xmltext.lenient_optional_int(None, Attr.INTERVAL) is None


def test_a_client_insists_on_readable_numbers() -> None:
    source = xmltext.element("lrmd_notify", {Attr.RC: "zero", Attr.CALL_ID: "5"})

    assert xmltext.required_int(source, Attr.CALL_ID) == 5
    assert xmltext.optional_int(source, Attr.EXEC_RC) is None
    with pytest.raises(BadMessage, match="lrmd_rc in lrmd_notify is 'zero'"):
        xmltext.optional_int(source, Attr.RC)
    with pytest.raises(BadMessage, match="lrmd_exec_rc in lrmd_notify is None"):
        xmltext.required_int(source, Attr.EXEC_RC)
    with pytest.raises(BadMessage, match="lrmd_rsc_id in lrmd_notify is None"):
        xmltext.required_text(source, Attr.RESOURCE_ID)


def test_a_huge_number_does_not_upset_the_client() -> None:
    source = xmltext.element("lrmd_reply", {Attr.RC: "9" * 5000})

    with pytest.raises(BadMessage, match="allowed: a decimal number"):
        xmltext.optional_int(source, Attr.RC)
