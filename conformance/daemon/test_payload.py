# SPDX-License-Identifier: GPL-2.0-or-later
"""Payloads that are no good XML, or XML that a careful reader refuses.

The headers are right. Where something must not be executed, the message would register a resource.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from conformance.deviation import check
from containers.node import File
from fixtures.wire import HEADER_SIZE, Frame, Header, Poke, build_frame

from .conftest import StartDaemon
from .raw import check_not_executed, enveloped, registration, unused_id
from .under_test import Daemon

#: Where a test places what no client may make the daemon read.
PRIVATE_FILE = "/root/private.dtd"


def without_nul(payload: bytes) -> Frame:
    """A message whose payload is exactly this; the sizes count what is there."""
    header = Header(size_total=HEADER_SIZE + len(payload), payload_uncompressed=len(payload))
    return Frame(header, payload)


def attribute(text: bytes) -> Callable[[bytes], bytes]:
    """Add an attribute to the root element."""
    return lambda xml: xml.replace(b" ", b" bad=" + text + b" ", 1)


Mutilation = Callable[[bytes], bytes]

MALFORMED: dict[str, Mutilation] = {
    "no end tag": lambda xml: xml.removesuffix(b"</lrmd_command>"),
    "cut in the end tag": lambda xml: xml[:-5],
    "cut between elements": lambda xml: xml[: xml.index(b"</lrmd_calldata")],
    "wrong end tag": lambda xml: xml.replace(b"</lrmd_command>", b"</lrmd_reply>"),
    "text after the end": lambda xml: xml + b"and more",
    "two roots": lambda xml: xml + xml,
    "space before the declaration": lambda xml: b' <?xml version="1.0"?>' + xml,
    "attribute twice": attribute(b'"1" bad="2"'),
    "unescaped <": attribute(b'"a<b"'),
    "unescaped &": attribute(b'"a&b"'),
    "unknown entity": attribute(b'"a&nobody;b"'),
    "control character": attribute(b'"a\x01b"'),
    "not UTF-8": attribute(b'"a\xff\xfeb"'),
    "half a UTF-8 character": attribute(b'"\xe2\x82"'),
    "unknown encoding": lambda xml: b'<?xml version="1.0" encoding="none-such"?>' + xml,
}
#: So broken that few or none who repair XML find a request in them.
HOPELESS: dict[str, Mutilation] = {
    "text before the start": lambda xml: b"more and " + xml,
    "attribute without quotes": attribute(b"1"),
    "attribute without value": lambda xml: xml.replace(b" ", b" bad ", 1),
    "reference to NUL": attribute(b'"a&#0;b"'),
    "empty": lambda xml: b"",
    "only spaces": lambda xml: b"   ",
    "only text": lambda xml: b"lrmd_command",
    "only a declaration": lambda xml: b'<?xml version="1.0"?>',
    "only a comment": lambda xml: b"<!-- lrmd_command -->",
    "UTF-16": lambda xml: xml.decode().encode("utf-16"),
    "NUL first": lambda xml: b"\0" + xml,
}


@pytest.mark.requirement("FRM-024", "FRM-025")
@pytest.mark.killed_by("closes_on_malformed_xml")
@pytest.mark.parametrize(
    "mutilate",
    [
        *[
            pytest.param(how, id=name, marks=pytest.mark.killed_by("executes_malformed_xml"))
            for name, how in MALFORMED.items()
        ],
        *[pytest.param(how, id=name) for name, how in HOPELESS.items()],
    ],
)
async def test_malformed_xml_is_ignored(daemon: Daemon, mutilate: Mutilation) -> None:
    resource_id = unused_id()
    async with daemon.client() as client, daemon.client("other") as other:
        frame = build_frame(mutilate(registration(resource_id)))
        client.send_frame(frame.header, frame.payload)
        await check_not_executed(daemon, other, resource_id)
        reply = await client.request(Poke())
        check(reply.rc == 0, expected="the next request is answered", actual=str(reply))


@pytest.mark.requirement("FRM-021")
@pytest.mark.killed_by("dies_of_missing_nul")
@pytest.mark.parametrize("length", [1, 2, 40, None], ids=str)
async def test_missing_nul_does_no_harm(daemon: Daemon, length: int | None) -> None:
    async with daemon.client() as client, daemon.client("other") as other:
        frame = without_nul(registration(unused_id())[:length])
        client.send_frame(frame.header, frame.payload)
        await daemon.settle(other)  # a whole request may be executed or not


@pytest.mark.requirement("FRM-021", "NEG-007")
@pytest.mark.killed_by("dies_of_early_nul")
async def test_bytes_after_the_nul_do_no_harm(daemon: Daemon) -> None:
    hidden = unused_id()
    async with daemon.client() as client, daemon.client("other") as other:
        frame = build_frame(registration(unused_id()) + b"\0" + registration(hidden))
        client.send_frame(frame.header, frame.payload)
        await check_not_executed(daemon, other, hidden)


DTD = "<!DOCTYPE lrmd_command [{}]>"
READERS = {
    "external subset": f'<!DOCTYPE lrmd_command SYSTEM "file://{PRIVATE_FILE}">',
    "parameter entity": DTD.format(f'<!ENTITY % read SYSTEM "file://{PRIVATE_FILE}"> %read;'),
}


async def type_after(daemon: Daemon, doctype: str) -> str | None:
    """What the daemon takes ``a&e;b`` for, if it takes it at all."""
    resource_id = unused_id()
    async with daemon.client() as client, daemon.client("other") as other:
        xml = doctype.encode() + registration(resource_id).replace(b'"Dummy"', b'"a&e;b"')
        frame = build_frame(xml)
        client.send_frame(frame.header, frame.payload)
        await daemon.settle(other)
        info = await other.resource_info(resource_id)
        await other.unregister(resource_id)
    return info.attributes.get("lrmd_type")


@pytest.mark.requirement("FRM-026")
@pytest.mark.killed_by("expands_entities")
async def test_internal_entity_is_not_expanded(daemon: Daemon) -> None:
    found = await type_after(daemon, DTD.format('<!ENTITY e "expanded">'))
    check(
        "expanded" not in (found or ""),
        expected="the entity's text appears nowhere",
        actual=f"the resource's type is {found!r}",
    )


@pytest.mark.requirement("FRM-026")
@pytest.mark.killed_by("fetches_entities")
@pytest.mark.parametrize("how", READERS)
async def test_file_is_not_read(start_daemon: StartDaemon, how: str) -> None:
    daemon = await start_daemon(files={PRIVATE_FILE: File(b'<!ENTITY e "secret">')})
    found = await type_after(daemon, READERS[how])
    check(
        "secret" not in (found or ""),
        expected="the file's content appears nowhere",
        actual=f"the resource's type is {found!r}",
    )


@pytest.mark.requirement("FRM-026")
@pytest.mark.killed_by("expands_entities")
async def test_exponential_entities_harm_nobody(daemon: Daemon) -> None:
    levels = ['<!ENTITY e0 "ha">']
    levels += [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    await type_after(daemon, DTD.format("".join([*levels, '<!ENTITY e "&e9;">'])))


@pytest.mark.requirement("NEG-006")
@pytest.mark.killed_by("dies_of_deep_xml", "closes_on_malformed_xml")
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
async def test_deep_nesting_is_survived(daemon: Daemon, closed: bool) -> None:
    levels = 10_000
    async with daemon.client() as client, daemon.client("other") as other:
        _, poke = client.prepare(Poke())
        inner = b"<a>" * levels + (b"</a>" * levels if closed else b"")
        frame = build_frame(poke.xml().replace(b"<lrmd_rsc", inner + b"<lrmd_rsc"))
        client.send_frame(frame.header, frame.payload)
        await daemon.settle(other)
        reply = await client.request(Poke())
        check(reply.rc == 0, expected="the next request is answered", actual=str(reply))


LARGE = {
    "attribute of 1 MB": attribute(b'"' + b"x" * 1_000_000 + b'"'),
    "10000 attributes": lambda xml: xml.replace(
        b" ", b" " + b" ".join(b'a%d="1"' % n for n in range(10_000)) + b" ", 1
    ),
    "20000 elements": lambda xml: xml.replace(
        b"<lrmd_calldata>", b"<lrmd_calldata>" + b"<a/>" * 20_000
    ),
    "comment of 1 MB": lambda xml: xml.replace(
        b"<lrmd_calldata>", b"<!--" + b"x" * 1_000_000 + b"--><lrmd_calldata>"
    ),
}


@pytest.mark.requirement("FRM-011", "NEG-007")
@pytest.mark.killed_by("dies_of_large_xml")
@pytest.mark.parametrize("enlarge", [pytest.param(how, id=name) for name, how in LARGE.items()])
async def test_large_xml_is_survived(daemon: Daemon, enlarge: Mutilation) -> None:
    resource_id = unused_id()
    async with daemon.client() as client:
        frame = build_frame(enlarge(registration(resource_id)))
        client.send_frame(frame.header, frame.payload)
        await client.request(Poke())
        await client.unregister(resource_id)


@pytest.mark.requirement("NEG-007")
@pytest.mark.killed_by("dies_of_garbage", "closes_on_malformed_xml")
async def test_random_payloads_are_ignored(daemon: Daemon) -> None:
    chance = random.Random(3121)  # noqa: S311 - the same at each run
    async with daemon.client() as client:
        for _ in range(300):
            frame = build_frame(chance.randbytes(chance.randrange(200)))
            client.send_frame(frame.header, frame.payload)
        before = len(client.events)
        await client.request(Poke())
        check(
            len(client.events) == before + 1,
            expected="nothing but the answer to the next request",
            actual=str(client.events[before:]),
        )


@pytest.mark.requirement("NEG-007", "FRM-004")
@pytest.mark.killed_by("dies_of_random_header")
async def test_random_bytes_end_the_connection(daemon: Daemon) -> None:
    chance = random.Random(3121)  # noqa: S311 - the same at each run
    for _ in range(20):
        async with daemon.client() as client:
            client.send_records([chance.randbytes(chance.randrange(1, 60)) for _ in range(10)])
            await client.wait_closed()


@pytest.mark.requirement("NEG-007")
@pytest.mark.killed_by("dies_of_garbage", "closes_on_malformed_xml")
async def test_random_values_are_survived(daemon: Daemon) -> None:
    chance = random.Random(3121)  # noqa: S311 - the same at each run
    async with daemon.client() as client, daemon.client("other") as other:
        for _ in range(100):
            value = chance.randbytes(10).replace(b"\0", b"") + b"\xff"
            xml = enveloped(b'<lrmd_command t="lrmd" lrmd_op="' + value + b'"/>')
            frame = build_frame(xml)
            client.send_frame(frame.header, frame.payload)
        await client.request(Poke())
        await daemon.settle(other)
