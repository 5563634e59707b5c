# SPDX-License-Identifier: GPL-2.0-or-later
"""The scapy layer, against the frames of ``fixtures.wire``."""

import pytest
from scapy.packet import Padding, Raw

from fixtures.capture.lrmd_layer import LRMD, LRMDBigEndian, dissect
from fixtures.wire import ByteOrder, Header, build_frame, pack_frame

from .helpers import REPLY, REQUEST


def frame(xml: bytes, **options: object) -> bytes:
    """A frame as ``fixtures.wire`` packs it."""
    return b"".join(pack_frame(xml, **options))


@pytest.mark.parametrize("order", ByteOrder)
def test_a_frame_of_either_byte_order(order: ByteOrder) -> None:
    data = frame(REQUEST, order=order)
    packet = LRMD(data)
    assert isinstance(packet, LRMDBigEndian) == (order is ByteOrder.BIG)
    header = Header.unpack(data)
    for field in ("magic", "version", "id", "flags", "size_total", "payload_offset"):
        assert getattr(packet, field) == getattr(header, field)
    assert packet.payload_compressed == 0
    assert packet.payload_uncompressed == len(REQUEST) + 1
    assert packet[Raw].load == REQUEST + b"\0"
    assert bytes(packet) == data


@pytest.mark.parametrize(
    ("layer", "order"), [(LRMD, ByteOrder.LITTLE), (LRMDBigEndian, ByteOrder.BIG)]
)
def test_a_crafted_frame_has_its_sizes_filled_in(layer: type[LRMD], order: ByteOrder) -> None:
    built = bytes(layer(id=7) / (REQUEST + b"\0"))
    expected = Header(
        id=7,
        order=order,
        size_total=40 + len(REQUEST) + 1,
        payload_uncompressed=len(REQUEST) + 1,
    )
    assert built == expected.pack() + REQUEST + b"\0"


def test_what_is_given_is_sent_right_or_wrong() -> None:
    built = bytes(LRMD(magic=1, size_total=0, payload_uncompressed=2**32 - 1) / b"x")
    assert built[:4] == b"\x01\0\0\0"
    assert built[24:28] == bytes(4)
    assert built[36:40] == b"\xff" * 4
    assert built[40:] == b"x"


def test_what_follows_a_frame_is_not_its_payload() -> None:
    packet = LRMD(frame(REQUEST) + b"next")
    assert packet[Raw].load == REQUEST + b"\0"
    assert packet[Padding].load == b"next"


def test_a_stream_is_taken_apart() -> None:
    stream = frame(REQUEST) + frame(REPLY, order=ByteOrder.BIG) + frame(REQUEST)[:60]
    first, second, cut = dissect(stream)
    assert first[Raw].load == REQUEST + b"\0"
    assert second[Raw].load == REPLY + b"\0"
    assert cut.size_total == build_frame(REQUEST).header.size_total
    assert cut[Raw].load == REQUEST[:20]


def test_less_than_a_header_is_raw() -> None:
    frames = dissect(frame(REPLY) + b"\xbd\xdb")
    assert [type(packet) for packet in frames] == [LRMD, Raw]
    assert dissect(b"") == []


def test_a_size_that_is_less_than_the_header_does_not_hang() -> None:
    empty = bytes(LRMD(size_total=0))
    assert len(dissect(empty * 3)) == 3
