# SPDX-License-Identifier: GPL-2.0-or-later
"""The 40-byte header (docs/protocol.md §3)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.wire import HEADER_SIZE, MAGIC, BadMagic, ByteOrder, Header

uint32 = st.integers(min_value=0, max_value=2**32 - 1)
uint64 = st.integers(min_value=0, max_value=2**64 - 1)
headers = st.builds(
    Header,
    order=st.sampled_from(ByteOrder),
    version=uint32,
    id=uint64,
    flags=uint64,
    size_total=uint32,
    payload_offset=uint32,
    payload_compressed=uint32,
    payload_uncompressed=uint32,
)

# The fields of one header, by hand: version 1, id 7, flags 0, 41 bytes in all, one of payload.
LITTLE = bytes.fromhex(
    "bddbdaba 01000000 0700000000000000 0000000000000000 29000000 28000000 00000000 01000000"
)
BIG = bytes.fromhex(
    "badadbbd 00000001 0000000000000007 0000000000000000 00000029 00000028 00000000 00000001"
)


@pytest.mark.parametrize(("order", "packed"), [(ByteOrder.LITTLE, LITTLE), (ByteOrder.BIG, BIG)])
def test_known_bytes(order: ByteOrder, packed: bytes) -> None:
    header = Header(order=order, id=7, size_total=41, payload_uncompressed=1)

    assert header.pack() == packed
    assert Header.unpack(packed) == header


@given(headers)
def test_any_header_survives_packing_in_both_byte_orders(header: Header) -> None:
    packed = header.pack()

    assert len(packed) == HEADER_SIZE
    assert Header.unpack(packed) == header


@given(uint32.filter(lambda magic: magic not in (MAGIC, 0xBDDBDABA)), st.sampled_from(ByteOrder))
def test_a_wrong_magic_can_be_packed_and_is_named_when_read(magic: int, order: ByteOrder) -> None:
    packed = Header(magic=magic, order=order, size_total=40, payload_uncompressed=0).pack()

    with pytest.raises(BadMagic, match=r"magic is '.{8}'; allowed: bddbdaba or badadbbd"):
        Header.unpack(packed)


@pytest.mark.parametrize(
    ("field", "value"), [("size_total", 2**32), ("id", 2**64), ("flags", -1), ("version", -1)]
)
def test_a_value_that_does_not_fit_its_field_is_a_mistake_of_the_caller(
    field: str, value: int
) -> None:
    fields: dict[str, Any] = {"size_total": 40, "payload_uncompressed": 0, field: value}

    with pytest.raises(ValueError, match=f"header field {field} = {value} does not fit"):
        Header(**fields)


def test_half_a_header_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="a header has 40 bytes, not 39"):
        Header.unpack(LITTLE[:39])
