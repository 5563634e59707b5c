# SPDX-License-Identifier: GPL-2.0-or-later
"""Random sequences of steps, by Hypothesis.

Sensible requests are drawn often, or no session would get anywhere; what is wrong is mostly wrong
in one place, or nothing behind the first check would ever be reached. Everything is bounded:
nothing here needs more than a few hundred kilobytes of the daemon's memory or of anybody's time.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Final

from hypothesis import strategies as st
from lxml import etree

from fixtures.wire import (
    Attr,
    CallOption,
    Check,
    MessageType,
    RegisterRequest,
    Request,
    UnknownRequest,
    serialise,
)

from .steps import (
    RESOURCES,
    VERSIONS,
    WRONG_KEYS,
    Ask,
    Cut,
    Flood,
    Half,
    Intrude,
    Joined,
    Knock,
    Leave,
    RawFrame,
    Reading,
    Records,
    Register,
    Step,
    Xml,
)

#: Most steps of one sequence.
LENGTH: Final = 14

#: Mostly the same client, since what one step spoils shows in the next one.
_client = st.sampled_from((0, 0, 0, 1, 2))

#: Values that have been trouble for somebody.
_VALUES: Final = (
    "",
    "0",
    "-1",
    "1",
    "2147483648",
    "4294967296",
    "18446744073709551616",
    "true",
    "%s%n%s",
    "../../../../bin/true",
    "/bin/true",
    "r0",
    "a" * 9000,
    "é\u2028\U0001f600",
    "&<>\"'\n\t",
    "1.1",
    "99.99",
    "stonith",
    "systemd",
    "service",
    "lsb",
    "nagios",
    "upstart",
    "start",
    "monitor",
    "meta-data",
    "shutdown_req",
    "shutdown_nack",
    "destroy",
    "new",
    *(str(int(option)) for option in CallOption),
)
_NAMES: Final = tuple(str(name) for name in Attr)

_ask = st.builds(
    Ask,
    client=_client,
    what=st.sampled_from(Ask.WHAT),
    resource=st.sampled_from(RESOURCES),
    action=st.sampled_from(("monitor", "start", "stop")),
    interval_ms=st.sampled_from((0, 0, 60_000)),
)


@st.composite
def _requests(draw: st.DrawFn) -> Request:
    """A sensible request, or at least one that names an operation."""
    others: list[Request] = [
        RegisterRequest(client_name="fuzz", protocol_version="1.1", is_ipc_provider=True),
        Check(watchdog="10s"),
        UnknownRequest(op="lrmd_nothing", xml=b'<lrmd_command t="lrmd" lrmd_op="lrmd_nothing"/>'),
    ]
    index = draw(st.integers(0, len(Ask.WHAT) + len(others) - 1))
    if index >= len(Ask.WHAT):
        return others[index - len(Ask.WHAT)]
    return draw(_ask.map(lambda ask: Ask(what=Ask.WHAT[index], resource=ask.resource))).request()


def _message(request: Request) -> etree._Element:
    root = request.to_element()
    root.set(Attr.MESSAGE_ID, "7")
    root.set(Attr.MESSAGE_TYPE, MessageType.REQUEST)
    return root


@st.composite
def _texts(draw: st.DrawFn) -> bytes:
    """A request's XML, wrong in a place or two."""
    root = _message(draw(_requests()))
    for _ in range(draw(st.integers(1, 2))):
        _damage(draw, root)
    text = serialise(root)
    match draw(st.sampled_from(("whole", "whole", "whole", "cut", "changed"))):
        case "cut":
            return text[: draw(st.integers(0, len(text)))]
        case "changed":
            at = draw(st.integers(0, len(text) - 1))
            return text[:at] + draw(st.binary(max_size=4)) + text[at + 1 :]
        case _:
            return text


def _damage(draw: st.DrawFn, root: etree._Element) -> None:
    elements = list(root.iter())
    element = elements[draw(st.integers(0, len(elements) - 1))]
    names = sorted(str(name) for name in element.attrib)
    match draw(st.sampled_from(("drop", "set", "set", "add", "rename", "empty", "repeat", "nest"))):
        case "drop" if names:
            del element.attrib[draw(st.sampled_from(names))]
        case "set" if names:
            element.set(draw(st.sampled_from(names)), draw(st.sampled_from(_VALUES)))
        case "rename":
            element.tag = draw(st.sampled_from(("lrmd_rsc", "lrmd_calldata", "attributes", "x")))
        case "empty":
            for child in list(element):
                element.remove(child)
        case "repeat":
            for child in list(element):
                element.append(deepcopy(child))
        case "nest":
            for _ in range(draw(st.sampled_from((1, 10, 300)))):
                element = etree.SubElement(element, "lrmd_rsc")
        case _:
            element.set(draw(st.sampled_from(_NAMES)), draw(st.sampled_from(_VALUES)))


_sizes = st.one_of(
    st.integers(0, 400),
    st.sampled_from((2**16, 2**20, 2**21, 20 * 2**20, 2**30, 2**31 - 1, 2**31, 2**32 - 1)),
)
_change = st.one_of(
    st.tuples(
        st.sampled_from(
            ("size_total", "payload_offset", "payload_compressed", "payload_uncompressed")
        ),
        _sizes,
    ),
    st.tuples(st.sampled_from(("version", "magic")), st.sampled_from((0, 1, 2, 2**32 - 1))),
    st.tuples(st.sampled_from(("id", "flags")), st.sampled_from((0, 1, 2**63, 2**64 - 1))),
)
_frame = st.builds(
    RawFrame,
    client=_client,
    text=_requests().map(lambda request: serialise(_message(request))),
    compress=st.booleans(),
    changes=st.lists(_change, max_size=2, unique_by=lambda change: change[0]).map(tuple),
    garbage=st.one_of(st.just(b""), st.binary(max_size=8)),
)
_record = st.one_of(st.binary(min_size=1, max_size=100), st.just(b"\0" * 16384))

_knock = st.builds(
    Knock,
    client=_client,
    hello=st.booleans(),
    edits=st.lists(
        st.tuples(st.integers(0, 500), st.sampled_from((0, 1, 127, 128, 254, 255))), max_size=3
    ).map(tuple),
    size=st.one_of(st.none(), st.integers(0, 600)),
    tail=st.one_of(
        st.just(b""),
        st.binary(max_size=60),
        # A record's type and version, and more or less of what it announces.
        st.builds(
            lambda kind, size, body: bytes([kind, 3, 3]) + size.to_bytes(2, "big") + body,
            st.sampled_from((20, 21, 22, 23, 24, 255)),
            st.sampled_from((0, 1, 2, 60, 16384, 16640, 65535)),
            st.binary(max_size=60),
        ),
    ),
    how=st.sampled_from(("close", "reset", "stay")),
)

#: What clients do, and how often of a hundred times.
_WEIGHTS: Final[tuple[tuple[int, st.SearchStrategy[Step]], ...]] = (
    (30, _ask),
    (8, st.builds(Register, client=_client, version=st.sampled_from(VERSIONS))),
    (4, st.builds(Cut, client=_client, cuts=st.lists(st.integers(1, 150), max_size=5).map(tuple))),
    (3, st.builds(Flood, client=_client, count=st.sampled_from((2, 10, 50)))),
    (20, st.builds(Xml, client=_client, text=_texts())),
    (8, _frame),
    (
        3,
        st.builds(
            Register,
            client=_client,
            version=st.sampled_from((*_VALUES[:9], *VERSIONS)),
            provider=st.booleans(),
        ),
    ),
    (
        3,
        st.builds(
            Records, client=_client, records=st.lists(_record, min_size=1, max_size=3).map(tuple)
        ),
    ),
    (
        4,
        st.builds(
            Half,
            client=_client,
            size=st.integers(1, 250),
            then=st.sampled_from(("stay", "close", "drop", "reset")),
        ),
    ),
    (2, st.builds(Joined, client=_client, count=st.integers(2, 5))),
    (8, _knock),
    (2, st.builds(Intrude, client=_client, key=st.sampled_from(WRONG_KEYS))),
    (3, st.builds(Reading, client=_client, on=st.booleans())),
    (3, st.builds(Leave, client=_client, how=st.sampled_from(("close", "drop", "reset")))),
)
#: Written out, since ``one_of`` does not count a strategy twice.
_OFTEN: Final = tuple(index for index, (weight, _) in enumerate(_WEIGHTS) for _ in range(weight))


def sequences(avoid: Collection[str] = ()) -> st.SearchStrategy[list[Step]]:
    """Sequences of steps none of which has a trait that is to be avoided."""
    step = st.sampled_from(_OFTEN).flatmap(lambda index: _WEIGHTS[index][1])
    if avoid:
        unwanted = frozenset(avoid)
        step = step.filter(lambda each: not each.traits() & unwanted)
    return st.lists(step, min_size=1, max_size=LENGTH)
