# SPDX-License-Identifier: GPL-2.0-or-later
"""What clients of a daemon can do: steps, plain values that JSON can hold.

A sequence of steps is all that is needed to do the same again. Rules:

* ``client`` numbers the clients of one sequence. Whoever is not connected connects first, with the
  right key, so that leaving out steps leaves a sequence that makes sense.
* A step says exactly what is sent, with two exceptions that no sequence can fix: what TLS draws
  itself, and the key, which is each run's own.
* ``traits`` names what is wrong about a step in words that known issues refer to
  (``known.toml``); it depends on the step alone.
"""

from __future__ import annotations

import bz2
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Final, Literal

from lxml import etree

from fixtures.wire import (
    HEADER_SIZE,
    MAGIC,
    MAX_MESSAGE_SIZE,
    AlertExec,
    Attr,
    Cancel,
    Exec,
    Frame,
    GetRecurring,
    Op,
    Poke,
    ProxyForward,
    Request,
    ResourceInfo,
    ResourceRegister,
    ResourceUnregister,
    Tag,
    build_frame,
)

#: Ids of the resources that well-formed requests speak of.
RESOURCES: Final = ("r0", "r1")
#: Protocol versions that every release accepts.
VERSIONS: Final = ("1.0", "1.1", "1.2")

#: Names of ``fixtures.peers.wrong_keys``.
WRONG_KEYS: Final = ("unrelated", "last byte differs", "last byte missing")

# What can be wrong about a step

NO_RESOURCE_ID: Final = "a resource registered without an id"
TWO_RESOURCES: Final = "more than one resource registered by one request"
FENCE_DEVICE: Final = "a fence device registered"
SYSTEM_SERVICE: Final = "a system service registered"
WATCHDOG: Final = "a watchdog time-out announced"
WRONG_TRUE_SIZE: Final = "a compressed payload of another size than announced"
WRONG_SIZES: Final = "a header whose sizes do not fit"
TOO_LARGE: Final = "a header above the size limit"
WRONG_MAGIC: Final = "a header of no known byte order"
JOINED: Final = "several messages in one record"
INCOMPLETE: Final = "a message that does not end"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that a client does."""

    client: int = 0

    def traits(self) -> frozenset[str]:
        """What is wrong about it, in the words above."""
        return frozenset()

    @property
    def label(self) -> str:
        """What kind of step it is, for people and for telling findings apart."""
        return type(self).__name__

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it; bytes become text in hexadecimal."""
        return {"step": type(self).__name__} | {
            name: _plain(value) for name, value in asdict(self).items()
        }


@dataclass(frozen=True, kw_only=True)
class Register(Step):
    """Open a session (REG-001)."""

    version: str = "1.1"
    provider: bool = False


@dataclass(frozen=True, kw_only=True)
class Ask(Step):
    """Ask something sensible; there is exactly one reply (MSG-001)."""

    what: str = "poke"
    resource: str = "r0"
    action: str = "monitor"
    interval_ms: int = 0

    WHAT: ClassVar = (
        "poke",
        "info",
        "register",
        "unregister",
        "exec",
        "cancel",
        "recurring",
        "alert",
        "forward",
    )

    @property
    def label(self) -> str:
        return f"Ask {self.what}"

    def request(self) -> Request:
        """The request in the words of the wire."""
        resource = self.resource
        match self.what:
            case "info":
                return ResourceInfo(resource_id=resource)
            case "register":
                return ResourceRegister(
                    resource_id=resource, standard="ocf", provider="pacemaker", agent="Dummy"
                )
            case "unregister":
                return ResourceUnregister(resource_id=resource)
            case "exec":
                return Exec(resource_id=resource, action=self.action, interval_ms=self.interval_ms)
            case "cancel":
                return Cancel(
                    resource_id=resource, action=self.action, interval_ms=self.interval_ms
                )
            case "recurring":
                return GetRecurring(resource_id=resource)
            case "alert":
                return AlertExec(alert_id=resource, path="/bin/true")
            case "forward":
                return ProxyForward(ipc_op="response", session=resource, ipc_message_id=1)
            case _:
                return Poke()


@dataclass(frozen=True, kw_only=True)
class Flood(Step):
    """Send many pokes at once; each has exactly one reply."""

    count: int = 2


@dataclass(frozen=True, kw_only=True)
class Cut(Step):
    """A poke whose header and payload are cut into records after these many bytes (FRM-010)."""

    cuts: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Xml(Step):
    """A well-formed frame around a text that may be no request, and no XML."""

    text: bytes = b""

    @property
    def label(self) -> str:
        root = _recovered(self.text)
        op = "" if root is None else root.get(Attr.OP, "")
        return f"Xml {op if op in _OPS else 'of no known operation'}"

    def traits(self) -> frozenset[str]:
        return _traits_of_text(self.text)


@dataclass(frozen=True, kw_only=True)
class RawFrame(Step):
    """A frame some of whose header's fields are changed, maybe compressed."""

    text: bytes = b""
    compress: bool = False
    changes: tuple[tuple[str, int], ...] = ()
    garbage: bytes = b""
    """Takes the place of the end of the payload, bit by bit."""

    def frame(self) -> Frame:
        """Header and payload as they are sent."""
        honest = build_frame(self.text, compress=self.compress)
        payload = honest.payload[: len(honest.payload) - len(self.garbage)] + self.garbage
        changes: dict[str, Any] = dict(self.changes)
        return Frame(replace(honest.header, **changes), payload)

    def traits(self) -> frozenset[str]:
        frame = self.frame()
        header, size = frame.header, len(frame.payload)
        found = set(_traits_of_text(self.text))
        announced = HEADER_SIZE + (header.payload_compressed or header.payload_uncompressed)
        if header.size_total != announced or header.payload_offset != HEADER_SIZE:
            found.add(WRONG_SIZES)
        if header.size_total != HEADER_SIZE + size:
            found |= {WRONG_SIZES, INCOMPLETE}
        if header.magic != MAGIC:
            found.add(WRONG_MAGIC)
        sizes = (header.size_total, header.payload_compressed, header.payload_uncompressed)
        if max(sizes) > MAX_MESSAGE_SIZE:
            found.add(TOO_LARGE)
        if header.payload_compressed and _true_size(frame) != header.payload_uncompressed:
            found.add(WRONG_TRUE_SIZE)
        return frozenset(found)


@dataclass(frozen=True, kw_only=True)
class Records(Step):
    """Application data that means nothing, in records."""

    records: tuple[bytes, ...] = (b"\0",)

    def traits(self) -> frozenset[str]:
        # A header of random bytes is wrong in every way, and a shorter one is never finished.
        return frozenset({WRONG_SIZES, TOO_LARGE, INCOMPLETE})


@dataclass(frozen=True, kw_only=True)
class Half(Step):
    """The first bytes of a poke, and no more (NEG-008)."""

    size: int = 1
    then: Literal["stay", "close", "drop", "reset"] = "stay"

    def traits(self) -> frozenset[str]:
        # What a client that stays says next is taken for the rest, and ends up out of step.
        return frozenset({INCOMPLETE}) if self.then == "stay" else frozenset()


@dataclass(frozen=True, kw_only=True)
class Joined(Step):
    """Several pokes in one record; all but the first may be lost (FRM-008)."""

    count: int = 2

    def traits(self) -> frozenset[str]:
        return frozenset({JOINED})


@dataclass(frozen=True, kw_only=True)
class Reading(Step):
    """Stop reading, or read again."""

    on: bool = False


@dataclass(frozen=True, kw_only=True)
class Leave(Step):
    """End the connection: with close_notify, with FIN alone, or with RST."""

    how: Literal["close", "drop", "reset"] = "close"


@dataclass(frozen=True, kw_only=True)
class Intrude(Step):
    """Try to come in with a wrong key, as somebody else; nobody is let in so (TLS-003)."""

    key: str = "unrelated"


@dataclass(frozen=True, kw_only=True)
class Knock(Step):
    """Speak to the port without being let in: as nobody, with a damaged ClientHello, or garbage.

    Attributes:
        hello: begin with a ClientHello that GnuTLS made for the right key.
        edits: (offset, value) of bytes that are changed in it, offsets modulo its length.
        size: how much of it is sent, modulo one more than its length; None for all.
        tail: what follows.
        how: what ends it; "stay" leaves it open until the sequence is over.
    """

    hello: bool = True
    edits: tuple[tuple[int, int], ...] = ()
    size: int | None = None
    tail: bytes = b""
    how: Literal["close", "reset", "stay"] = "close"

    def damaged(self, hello: bytes) -> bytes:
        """What is sent, where the whole ClientHello would be *hello*."""
        text = bytearray(hello if self.hello else b"")
        for offset, value in self.edits if text else ():
            text[offset % len(text)] = value
        if self.size is not None:
            del text[self.size % (len(text) + 1) :]
        return bytes(text) + self.tail


_KINDS: Final[Mapping[str, type[Step]]] = {
    kind.__name__: kind
    for kind in (
        Register,
        Ask,
        Flood,
        Cut,
        Xml,
        RawFrame,
        Records,
        Half,
        Joined,
        Reading,
        Leave,
        Intrude,
        Knock,
    )
}
_OPS: Final = frozenset(str(op) for op in Op)
_BYTES: Final = ("text", "garbage", "tail")


def from_json(data: Mapping[str, Any]) -> Step:
    """The step that ``to_json`` wrote.

    Raises:
        ValueError: there is no such step.
    """
    values = dict(data)
    kind = _KINDS.get(values.pop("step", ""))
    if kind is None or values.keys() - {field.name for field in fields(kind)}:
        raise ValueError(f"there is no such step: {dict(data)}")
    return kind(**{name: _rich(name, value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _rich(name: str, value: Any) -> Any:
    if name in _BYTES:
        return bytes.fromhex(value)
    if name == "records":
        return tuple(bytes.fromhex(each) for each in value)
    if isinstance(value, list):
        return tuple(tuple(each) if isinstance(each, list) else each for each in value)
    return value


def _recovered(text: bytes) -> etree._Element | None:
    """As releases before 3.0.0 read it: what is wrong is skipped (B-30)."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, huge_tree=False)
    try:
        return etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _traits_of_text(text: bytes) -> frozenset[str]:
    root = _recovered(text)
    if root is None:
        return frozenset()
    found = set()
    if root.get(Attr.OP) == Op.RSC_REGISTER:
        resources = list(root.iter(Tag.RESOURCE))
        if len(resources) > 1:
            found.add(TWO_RESOURCES)
        standards = {each.get(Attr.CLASS) for each in resources}
        if "stonith" in standards:
            found.add(FENCE_DEVICE)
        if standards & {"systemd", "service", "upstart"}:
            found.add(SYSTEM_SERVICE)
        if not resources or resources[0].get(Attr.RESOURCE_ID) is None:
            found.add(NO_RESOURCE_ID)
    if root.get(Attr.OP) == Op.CHECK:
        found.add(WATCHDOG)
    return frozenset(found)


def _true_size(frame: Frame) -> int:
    size = frame.header.payload_compressed
    try:
        return len(bz2.decompress(frame.payload[:size]))
    except (OSError, ValueError):
        return -1
