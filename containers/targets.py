# SPDX-License-Identifier: GPL-2.0-or-later
"""What is under test: the words of ``--target``, parsed and checked.

===================== ====================================================================
``debian:SUITE``      Pacemaker as Debian ships it in bullseye, bookworm, trixie, forky, sid
``image:NAME``        any image on the engine that holds Pacemaker
``debs:DIR[@SUITE]``  packages just built, installed on a Debian suite (default trixie)
``install:DIR[@SUITE]`` a ``make install DESTDIR=DIR`` tree, laid over a Debian suite
``host:ADDR[:PORT]``  a daemon that already runs; only the wire can be tested
``fake[:BUG,...][@RELEASE]`` the harness's own fake daemon: how the daemon suite is itself tested
===================== ====================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from containers.errors import UsageError

SUITES = ("bullseye", "bookworm", "trixie", "forky", "sid")
#: Suites whose security archive is being withdrawn; the release itself stays.
ENDED_SUITES = ("bullseye",)
DEFAULT_SUITE = "trixie"
DEFAULT_PORT = 3121


class Kind(StrEnum):
    DEBIAN = "debian"
    IMAGE = "image"
    DEBS = "debs"
    INSTALL = "install"
    HOST = "host"
    FAKE = "fake"


@dataclass(frozen=True)
class Target:
    """One thing to test.

    Attributes:
        text: the words it was asked for with.
        suite: the Debian suite that it stands on; empty for image and host.
        directory: where packages or the install tree lie.
        value: what stands after the colon.
        address, port: where the daemon listens, for ``host:``.
    """

    kind: Kind
    text: str
    suite: str = ""
    directory: Path | None = None
    value: str = ""
    address: str = ""
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        return self.text

    @property
    def has_images(self) -> bool:
        """Whether it stands for Pacemaker in containers of ours."""
        return self.kind not in (Kind.HOST, Kind.FAKE)

    @property
    def slug(self) -> str:
        """The target as a part of an image's name."""
        words = f"{self.kind}-{self.suite}" if self.suite else self.text
        return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")

    @classmethod
    def parse(cls, text: str) -> Target:
        """The target that *text* names.

        Raises:
            UsageError: there is no such kind, or its value is unusable.
        """
        kind_text, _, value = text.partition(":")
        if text.partition("@")[0] == Kind.FAKE:
            return cls(Kind.FAKE, text, value=text.removeprefix(Kind.FAKE))
        try:
            kind = Kind(kind_text)
        except ValueError:
            kinds = ", ".join(f"{kind}:" for kind in Kind if kind is not Kind.FAKE)
            raise UsageError(
                f"unknown target {text!r}: it must begin with one of {kinds}"
            ) from None
        if kind is Kind.FAKE:
            return cls(kind, text, value=value)
        if not value:
            raise UsageError(f"target {text!r} names nothing after the colon")
        if kind is Kind.DEBIAN:
            return cls(kind, text, suite=_suite(value, text))
        if kind is Kind.IMAGE:
            return cls(kind, text, value=value)
        if kind is Kind.HOST:
            return _parse_host(value, text)
        path, at, suite = value.rpartition("@")
        if not at:
            path, suite = value, DEFAULT_SUITE
        return _parse_directory(cls(kind, text, suite=_suite(suite, text), directory=Path(path)))


def _suite(name: str, text: str) -> str:
    if name not in SUITES:
        raise UsageError(f"target {text!r}: {name!r} is not one of {', '.join(SUITES)}")
    return name


def _parse_directory(target: Target) -> Target:
    directory = target.directory
    if directory is None or not directory.is_dir():
        raise UsageError(f"target {target.text!r}: there is no directory {directory}")
    if target.kind is Kind.DEBS and not any(directory.glob("*.deb")):
        raise UsageError(f"target {target.text!r}: no .deb file lies in {directory}")
    if target.kind is Kind.INSTALL and not any(directory.rglob("pacemaker-remoted")):
        raise UsageError(
            f"target {target.text!r}: no pacemaker-remoted lies below {directory}; "
            "make it with: make install DESTDIR=DIR"
        )
    return target


def _parse_host(value: str, text: str) -> Target:
    match = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>\d+))?", value)
    if match is None:
        raise UsageError(f"target {text!r}: write host:ADDR, host:ADDR:PORT or host:[IPV6]:PORT")
    port = int(match["port"] or DEFAULT_PORT)
    if not 1 <= port <= 65535:
        raise UsageError(f"target {text!r}: {port} is not a TCP port")
    return Target(Kind.HOST, text, address=match["v6"] or match["name"], port=port)
