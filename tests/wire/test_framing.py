# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes in, frames out (docs/protocol.md §3.1, §3.2)."""

import bz2
import contextlib
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.wire import (
    HEADER_SIZE,
    MAX_MESSAGE_SIZE,
    MAX_RECORD_SIZE,
    BadCompression,
    BadMagic,
    BadPayloadOffset,
    BadSizes,
    ByteOrder,
    Frame,
    FrameReader,
    Header,
    HeaderError,
    MessageTooLarge,
    MissingTerminator,
    build_frame,
    pack_frame,
)

from .helpers import cuts, pieces

texts = st.lists(st.binary(max_size=300), min_size=1, max_size=4)
orders = st.sampled_from(ByteOrder)


def read(*data: bytes) -> list[Frame]:
    reader = FrameReader()
    frames: list[Frame] = []
    for piece in data:
        reader.feed(piece)
        frames += reader.frames()
    return frames


@given(texts, orders, st.booleans(), cuts)
def test_any_cut_of_the_stream_gives_the_same_messages(
    xmls: list[bytes], order: ByteOrder, compress: bool, cuts: list[int]
) -> None:
    stream = b"".join(b"".join(pack_frame(x, order=order, compress=compress)) for x in xmls)

    assert [frame.xml() for frame in read(*pieces(stream, cuts))] == xmls


@given(st.binary(max_size=60), orders)
def test_one_byte_at_a_time(xml: bytes, order: ByteOrder) -> None:
    stream = b"".join(pack_frame(xml, order=order))

    assert [frame.xml() for frame in read(*(stream[i : i + 1] for i in range(len(stream))))] == [
        xml
    ]


@pytest.mark.parametrize("order", ByteOrder)
def test_a_frame_is_a_header_record_and_a_payload_record(order: ByteOrder) -> None:
    header, payload = pack_frame(b"<a/>", id=9, order=order)

    assert Header.unpack(header) == Header(
        order=order, id=9, size_total=45, payload_offset=40, payload_uncompressed=5
    )
    assert payload == b"<a/>\0"


def test_a_long_payload_goes_in_records_of_at_most_16384_bytes() -> None:
    xml = bytes(range(1, 256)) * 200

    header, *payload = pack_frame(xml)

    assert [len(record) for record in payload] == [MAX_RECORD_SIZE] * 3 + [51001 - 3 * 16384]
    assert [frame.xml() for frame in read(header, *payload)] == [xml]


def test_a_compressed_frame_announces_both_lengths() -> None:
    xml = b"<a/>" * 1000

    frame = build_frame(xml, compress=True)

    assert frame.header.payload_compressed == len(frame.payload) < 100
    assert frame.header.payload_uncompressed == 4001
    assert frame.header.size_total == HEADER_SIZE + len(frame.payload)
    assert frame.xml() == xml


def test_version_id_and_flags_are_not_looked_at() -> None:
    frame = build_frame(b"<a/>")
    odd = replace(frame.header, version=2, id=2**63, flags=2**64 - 1)

    assert [each.xml() for each in read(odd.pack() + frame.payload)] == [b"<a/>"]


GOOD = Header(size_total=45, payload_uncompressed=5)


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"magic": 0xDEADBEEF}, BadMagic, "magic"),
        ({"size_total": 0}, BadSizes, "size_total"),
        ({"size_total": 39}, BadSizes, "size_total"),
        ({"size_total": 44}, BadSizes, "size_total"),
        ({"size_total": 46}, BadSizes, "size_total"),
        ({"payload_offset": 0}, BadPayloadOffset, "payload_offset"),
        ({"payload_offset": 2**32 - 1}, BadPayloadOffset, "payload_offset"),
        ({"size_total": MAX_MESSAGE_SIZE + 1}, MessageTooLarge, "size_total"),
        ({"size_total": 2**32 - 1}, MessageTooLarge, "size_total"),
        ({"payload_uncompressed": 2**30}, MessageTooLarge, "payload_uncompressed"),
        ({"payload_uncompressed": 4}, BadSizes, "size_total"),
        ({"payload_compressed": 4}, BadSizes, "size_total"),
        (
            {"payload_compressed": 5, "payload_uncompressed": 2**32 - 1},
            MessageTooLarge,
            "payload_uncompressed",
        ),
    ],
)
@pytest.mark.parametrize("order", ByteOrder)
def test_a_hostile_header_is_named_and_loses_the_stream(
    changes: dict[str, Any], error: type[HeaderError], field: str, order: ByteOrder
) -> None:
    reader = FrameReader()
    reader.feed(b"".join(pack_frame(b"<first/>")) + replace(GOOD, order=order, **changes).pack())

    frames = reader.frames()

    assert next(frames).xml() == b"<first/>"
    with pytest.raises(error) as raised:
        next(frames)
    assert raised.value.field == field
    assert raised.value.value is not None
    reader.feed(b"".join(pack_frame(b"<later/>")))
    with pytest.raises(error):
        next(reader.frames())


def test_the_largest_message_is_accepted_and_one_byte_more_is_not() -> None:
    limit = 100
    stream = [b"".join(pack_frame(b"x" * size)) for size in (59, 60)]

    reader = FrameReader(limit=limit)
    reader.feed(stream[0])
    assert [len(frame.xml()) for frame in reader.frames()] == [59]
    reader.feed(stream[1])
    with pytest.raises(MessageTooLarge, match="size_total is 101; allowed: at most 100"):
        next(reader.frames())


@given(
    st.builds(
        Header,
        size_total=st.integers(0, 2**32 - 1),
        payload_offset=st.sampled_from([0, 40, 2**32 - 1]),
        payload_compressed=st.sampled_from([0, 1, 2**32 - 1]),
        payload_uncompressed=st.integers(0, 2**32 - 1),
    )
)
def test_no_header_makes_the_reader_reserve_what_it_only_promises(header: Header) -> None:
    reader = FrameReader()
    tracemalloc.start()
    try:
        reader.feed(header.pack() + b"x" * 100)
        with pytest.raises(HeaderError) if unusable(header) else contextlib.nullcontext():
            assert list(reader.frames()) == [] or header.size_total <= HEADER_SIZE + 100
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 100_000


def test_a_large_promise_costs_only_what_arrives() -> None:
    header = Header(size_total=MAX_MESSAGE_SIZE, payload_uncompressed=MAX_MESSAGE_SIZE - 40)
    reader = FrameReader()
    tracemalloc.start()
    try:
        reader.feed(header.pack())
        for _ in range(16):
            reader.feed(b"x" * 1024)
            assert list(reader.frames()) == []
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 100_000


def test_a_bzip2_bomb_expands_to_the_announced_size_at_most() -> None:
    bomb = bz2.compress(b"\0" * 50_000_000)
    frame = Frame(
        Header(size_total=40 + len(bomb), payload_compressed=len(bomb), payload_uncompressed=1000),
        bomb,
    )
    tracemalloc.start()
    try:
        with pytest.raises(BadCompression, match="allowed: 1000 bytes, as announced"):
            frame.xml()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 10_000_000


@pytest.mark.parametrize("difference", [-1, 1, 2**20])
def test_a_compressed_payload_of_another_size_is_named(difference: int) -> None:
    frame = build_frame(b"<a/>", compress=True)
    size = frame.header.payload_uncompressed + difference
    lying = replace(frame, header=replace(frame.header, payload_uncompressed=size))

    with pytest.raises(BadCompression, match=f"allowed: {size} bytes, as announced"):
        lying.xml()


@pytest.mark.parametrize("garbage", [b"no bzip2 at all", bz2.compress(b"<a/>\0")[:-4]])
def test_garbage_and_half_a_bzip2_stream_are_named(garbage: bytes) -> None:
    header = Header(
        size_total=40 + len(garbage), payload_compressed=len(garbage), payload_uncompressed=5
    )

    with pytest.raises(BadCompression):
        Frame(header, garbage).xml()


@pytest.mark.parametrize("payload", [b"", b"<a/>"])
@pytest.mark.parametrize("compress", [False, True])
def test_a_missing_terminator_is_named_and_the_next_message_is_read(
    payload: bytes, compress: bool
) -> None:
    raw = bz2.compress(payload) if compress else payload
    header = Header(
        size_total=40 + len(raw),
        payload_compressed=len(raw) if compress else 0,
        payload_uncompressed=len(payload),
    )

    broken, good = read(header.pack() + raw + b"".join(pack_frame(b"<b/>")))

    with pytest.raises(MissingTerminator, match="allowed: NUL"):
        broken.xml()
    assert good.xml() == b"<b/>"


def test_a_reader_tells_what_of_a_message_is_there() -> None:
    message = b"".join(pack_frame(b"<a/>"))
    reader = FrameReader()
    assert (reader.incomplete, reader.fragment) == (False, b"")

    reader.feed(message[:30])
    list(reader.frames())
    assert (reader.incomplete, reader.missing, reader.fragment) == (True, HEADER_SIZE - 30, b"")

    reader.feed(message[30:-2])
    list(reader.frames())
    assert (reader.incomplete, reader.missing, reader.fragment) == (True, 2, b"<a/")

    reader.feed(message[-2:])
    list(reader.frames())
    assert not reader.incomplete


def test_nothing_is_under_way_on_a_lost_stream() -> None:
    reader = FrameReader()
    reader.feed(bytes(HEADER_SIZE))

    with pytest.raises(BadMagic):
        list(reader.frames())

    assert not reader.incomplete


def unusable(header: Header) -> bool:
    sizes = (header.size_total, header.payload_compressed, header.payload_uncompressed)
    announced = HEADER_SIZE + (header.payload_compressed or header.payload_uncompressed)
    return (
        header.payload_offset != HEADER_SIZE
        or max(sizes) > MAX_MESSAGE_SIZE
        or header.size_total != announced
    )
