# SPDX-License-Identifier: GPL-2.0-or-later
"""The file format, block by block."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.capture import PcapngWriter

from .helpers import Packet, blocks, options, packets

SECTION_HEADER, INTERFACE, PACKET, SECRETS = 0x0A0D0D0A, 1, 6, 10


def test_the_section_header_tells_order_and_version() -> None:
    stream = io.BytesIO()
    PcapngWriter(stream, application="suite", comment="why")
    [header] = blocks(stream.getvalue())
    assert header.kind == SECTION_HEADER
    assert struct.unpack_from("<IHHq", header.body) == (0x1A2B3C4D, 1, 0, -1)
    assert options(header.body[16:]) == {1: b"why", 4: b"suite"}


def test_an_interface_has_a_name_raw_packets_and_nanoseconds() -> None:
    stream = io.BytesIO()
    writer = PcapngWriter(stream, application="suite")
    assert [writer.interface("one"), writer.interface("two")] == [0, 1]
    _, first, second = blocks(stream.getvalue())
    assert first.kind == second.kind == INTERFACE
    assert struct.unpack_from("<HHI", first.body) == (101, 0, 0)
    assert options(first.body[8:]) == {2: b"one", 9: b"\x09"}
    assert options(second.body[8:]) == {2: b"two", 9: b"\x09"}


@given(lines=st.lists(st.text("ABC_0123456789abcdef ", min_size=1, max_size=50), min_size=1))
def test_secrets_are_a_tls_key_log(lines: list[str]) -> None:
    stream = io.BytesIO()
    PcapngWriter(stream, application="suite").secrets(lines)
    _, block = blocks(stream.getvalue())
    assert block.kind == SECRETS
    kind, length = struct.unpack_from("<II", block.body)
    assert kind.to_bytes(4) == b"TLSK"
    assert block.body[8 : 8 + length].decode().splitlines() == lines
    assert not any(block.body[8 + length :])


@given(
    seen=st.lists(
        st.builds(
            Packet,
            interface=st.integers(0, 1),
            time_ns=st.integers(0, 2**63),
            data=st.binary(max_size=70),
        )
    )
)
def test_packets_come_back_as_they_were(seen: list[Packet]) -> None:
    stream = io.BytesIO()
    writer = PcapngWriter(stream, application="suite")
    writer.interface("one")
    writer.interface("two")
    for packet in seen:
        writer.packet(*packet)
    assert packets(stream.getvalue()) == seen


def test_a_packet_needs_its_interface() -> None:
    writer = PcapngWriter(io.BytesIO(), application="suite")
    with pytest.raises(ValueError, match="no interface 0 among 0"):
        writer.packet(0, 0, b"")
