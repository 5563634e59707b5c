# SPDX-License-Identifier: GPL-2.0-or-later
"""The requirement catalogue: what must hold, as data.

Every test names a requirement, every requirement names its source. The rows live in
``conformance/requirements/xyz.toml``, one file per area (``XYZ`` is the prefix of its ids);
this module loads and checks them. The rules:

**Level.** MUST: the seed's text, interoperability or safety. SHOULD: documented or evident
intent, or robustness. MAY: latitude that a test records and never fails.

**Sources.** At least one. ``S:9.4.x …`` is a section of the seed, the Red Hat Enterprise
Linux 7 High Availability Add-On Reference. Anything else is upstream: ``file:function`` at
Pacemaker's main branch 0a519a6e ("HEAD") unless a version is named, a component, a commit, a
pull request or a CVE.

**Versions** is a PEP 440 specifier over Pacemaker's versions that says where the requirement
*applies*; empty means everywhere. A version that ought to meet the sentence and does not is
never left out: it *deviates*, ``versions_note`` says so, and ``known_issues.toml`` turns the
expected failure into the verdict "known". A pre-release counts as its release, because it
carries the same promises (:func:`release`).

**versions_note** holds what was found and how: ``[V]`` seen on live daemons of all five Debian
packages (2.0.5, 2.1.5, 3.0.0, 3.0.1, 3.0.3) unless a list follows, ``[S]`` seen in
crm_simulate, ``[C]`` read in the source. "all" means 1.1.18 and everything later. ``S-nn`` and
``G-nn`` number the scheduler's decisions for remote and guest nodes, ``B-nn`` the defects in
``requirements/suspected_bugs.toml``.

**Observable** names the channel that shows the behaviour: W the wire, by a client or a fake
daemon; L log text; M crm_mon or the CIB; F the fencing history; P a port scan or ``ss``;
S ``crm_simulate`` on a written CIB; X process state, exit code, memory, CPU; A the output of
an administrator's command. Setting of the S rows: cluster nodes n1 (DC) and n2, remote node
r1, virtual machine vm1 with guest node g1, resource p1 that prefers the remote or guest node,
one fence device, fencing on. Timers hold within ±1 s up to 10 s and ±3 s for 30–60 s.

**Mutant** is the wrong implementation that the test should catch.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

LEVELS = ("MUST", "SHOULD", "MAY")

_DIRECTORY = Path(__file__).parent / "requirements"
_AREA_FILES = "[a-z][a-z][a-z].toml"  # the directory also holds files that are no area
_ID = re.compile(r"([A-Z]{3})-\d{3}")
_SEED_SECTION = re.compile(r"S:(\d+(?:\.\d+)+)")
_FIELDS: Mapping[str, type] = {
    "id": str,
    "level": str,
    "sentence": str,
    "sources": list,
    "versions": str,
    "versions_note": str,
    "observable": str,
    "mutant": str,
}
_MAY_BE_EMPTY = ("versions",)


class CatalogueError(ValueError):
    """The catalogue cannot be used; the message is one sentence that names file and row."""


@dataclass(frozen=True)
class Requirement:
    """One row of the catalogue; the module's text explains the fields."""

    id: str
    area: str
    level: str
    sentence: str
    sources: tuple[str, ...]
    versions: SpecifierSet
    versions_note: str
    observable: str
    mutant: str

    @property
    def seed_sections(self) -> tuple[str, ...]:
        """The seed's sections among the sources, such as ``"9.4.1"``, in their order."""
        return tuple(m[1] for source in self.sources if (m := _SEED_SECTION.match(source)))

    def applies_to(self, version: Version) -> bool:
        """Whether this Pacemaker version is asked to meet the requirement.

        True also for versions that are known to deviate.
        """
        return release(version) in self.versions


class Catalogue:
    """All requirements: iterate over them, or look one up by its id."""

    def __init__(self, requirements: Mapping[str, Requirement]) -> None:
        self._requirements = dict(requirements)

    @classmethod
    def load(cls, directory: Path | None = None) -> Catalogue:
        """Read every area file of *directory* (default: the project's own catalogue).

        Raises :exc:`CatalogueError` if a file cannot be read or is not TOML, if a row lacks a
        field, has an unknown one or a wrong value, or if there is no requirement at all.
        """
        directory = _DIRECTORY if directory is None else directory
        requirements: dict[str, Requirement] = {}
        for path in sorted(directory.glob(_AREA_FILES)):
            rows = read_rows(path, "requirement", _FIELDS, _MAY_BE_EMPTY, CatalogueError)
            for where, row in rows:
                requirement = _requirement(where, path.stem.upper(), row)
                if requirement.id in requirements:
                    raise CatalogueError(f"{where}: the id is already taken by an earlier row.")
                requirements[requirement.id] = requirement
        if not requirements:
            raise CatalogueError(f"{directory} holds no requirements ({_AREA_FILES}).")
        return cls(requirements)

    def __getitem__(self, id: str) -> Requirement:
        return self._requirements[id]

    def __contains__(self, id: object) -> bool:
        return id in self._requirements

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self._requirements.values())

    def __len__(self) -> int:
        return len(self._requirements)


def release(version: Version) -> Version:
    """The release that *version* belongs to: 3.0.2 for 3.0.2rc1 and for 3.0.2+git.1a2b3c."""
    return Version(version.base_version)


def parse_versions(where: str, text: str, error: type[Exception]) -> SpecifierSet:
    """Parse a PEP 440 specifier; raise *error*, a sentence that begins with *where*."""
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        raise error(f"{where}: versions {text!r} is not a PEP 440 specifier.") from None


def read_rows(
    path: Path,
    table: str,
    fields: Mapping[str, type],
    may_be_empty: Collection[str],
    error: type[Exception],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the ``[[table]]`` rows of a TOML file, each with the words that locate it.

    *fields* maps the fields of a row, neither more nor fewer, to their types: ``str``, or
    ``list`` for a list of strings. Raises *error* with one sentence that names file and row.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise error(f"{path} cannot be read: {e.strerror}.") from e
    except ValueError as e:  # TOMLDecodeError or UnicodeDecodeError
        raise error(f"{path} is not valid TOML: {e}.") from e
    rows = document.pop(table, [])
    if document or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise error(f"{path} may hold nothing but [[{table}]] tables.")
    for number, row in enumerate(rows, start=1):
        where = f"{path}, {table} {number} ({row.get('id', 'no id')})"
        for name in row:
            if name not in fields:
                raise error(f"{where}: there is no field {name!r}.")
        for name, kind in fields.items():
            _check_field(where, row, name, kind, error)
            if not row[name] and name not in may_be_empty:
                raise error(f"{where}: {name} is empty.")
        yield where, row


def _check_field(
    where: str, row: Mapping[str, Any], name: str, kind: type, error: type[Exception]
) -> None:
    if name not in row:
        raise error(f"{where}: the field {name!r} is missing.")
    value = row[name]
    if not isinstance(value, kind):
        raise error(f"{where}: {name} must be a {'string' if kind is str else 'list'}.")
    if isinstance(value, list) and not all(isinstance(item, str) and item for item in value):
        raise error(f"{where}: {name} must hold only strings that are not empty.")


def _requirement(where: str, area: str, row: Mapping[str, Any]) -> Requirement:
    match = _ID.fullmatch(row["id"])
    if match is None or match[1] != area:
        raise CatalogueError(f"{where}: an id in this file looks like '{area}-001'.")
    if row["level"] not in LEVELS:
        raise CatalogueError(f"{where}: level {row['level']!r} is none of {', '.join(LEVELS)}.")
    return Requirement(
        id=row["id"],
        area=area,
        level=row["level"],
        sentence=row["sentence"],
        sources=tuple(row["sources"]),
        versions=parse_versions(where, row["versions"], CatalogueError),
        versions_note=row["versions_note"],
        observable=row["observable"],
        mutant=row["mutant"],
    )
