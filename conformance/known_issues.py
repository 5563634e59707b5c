# SPDX-License-Identifier: GPL-2.0-or-later
"""Known issues: where a version of Pacemaker is known to deviate from a requirement.

They are data, in ``conformance/known_issues.toml``, so that no test asks for a version. A
failure is *known* only if everything fits: the requirement, the test, the version under test
and a pattern in the failure's text. What fails in another way is a new failure. An entry whose
test passes is out of date and fails the run until it is removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.catalogue import Catalogue, parse_versions, read_rows, release

_FILE = Path(__file__).parent / "known_issues.toml"
_FIELDS: Mapping[str, type] = {
    "id": str,
    "requirement": str,
    "tests": list,
    "versions": str,
    "occurs": str,
    "reason": str,
    "upstream": str,
    "pattern": str,
}
_MAY_BE_EMPTY = ("tests", "versions")


class KnownIssuesError(ValueError):
    """The list cannot be used; the message is one sentence that names file and row."""


@dataclass(frozen=True)
class KnownIssue:
    """One expected failure.

    ``tests`` are shell patterns (:func:`fnmatch.fnmatchcase`) on node ids, none meaning every
    test of the requirement; a literal ``[`` of a node id is written ``[[]``. ``versions`` are
    those that deviate. ``pattern`` is searched in the failure's text; it never matches an empty
    text. ``sometimes`` is for a race in the target: such a failure need not come, and passing is
    no news.
    """

    id: str
    requirement: str
    tests: tuple[str, ...]
    versions: SpecifierSet
    sometimes: bool
    reason: str
    upstream: str
    pattern: re.Pattern[str]

    def covers(self, nodeid: str, version: Version) -> bool:
        """Whether it speaks of this test on this version (a pre-release as its release)."""
        named = not self.tests or any(fnmatchcase(nodeid, test) for test in self.tests)
        return named and release(version) in self.versions


class KnownIssues:
    """All known issues of one file, in its order."""

    def __init__(self, path: Path, issues: Sequence[KnownIssue]) -> None:
        self.path = path
        self._issues = tuple(issues)

    @classmethod
    def load(cls, path: Path | None = None) -> KnownIssues:
        """Read *path* (default: the project's own list); a file without entries is fine.

        Raises :exc:`KnownIssuesError` if the file cannot be read or is not TOML, or if a row
        lacks a field, has an unknown one or a wrong value, or repeats an id.
        """
        path = _FILE if path is None else path
        issues: dict[str, KnownIssue] = {}
        rows = read_rows(path, "issue", _FIELDS, _MAY_BE_EMPTY, KnownIssuesError)
        for where, row in rows:
            issue = _issue(where, row)
            if issue.id in issues:
                raise KnownIssuesError(f"{where}: the id is already taken by an earlier row.")
            issues[issue.id] = issue
        return cls(path, tuple(issues.values()))

    def check(self, catalogue: Catalogue) -> None:
        """Raise :exc:`KnownIssuesError` if an entry names a requirement that does not exist."""
        for issue in self:
            if issue.requirement not in catalogue:
                raise KnownIssuesError(
                    f"{self.path}, {issue.id}: there is no requirement {issue.requirement!r}."
                )

    def find(self, requirements: Sequence[str], nodeid: str, version: Version) -> list[KnownIssue]:
        """The entries for a test that names *requirements*, run on *version*.

        The caller still has to search each entry's pattern in the failure's text.
        """
        return [
            issue
            for issue in self
            if issue.requirement in requirements and issue.covers(nodeid, version)
        ]

    def __iter__(self) -> Iterator[KnownIssue]:
        return iter(self._issues)

    def __len__(self) -> int:
        return len(self._issues)


def _issue(where: str, row: Mapping[str, Any]) -> KnownIssue:
    return KnownIssue(
        id=row["id"],
        requirement=row["requirement"],
        tests=tuple(row["tests"]),
        versions=parse_versions(where, row["versions"], KnownIssuesError),
        sometimes=_sometimes(where, row["occurs"]),
        reason=row["reason"],
        upstream=row["upstream"],
        pattern=_pattern(where, row["pattern"]),
    )


def _sometimes(where: str, text: str) -> bool:
    if text not in ("always", "sometimes"):
        raise KnownIssuesError(f"{where}: occurs is {text!r}, neither 'always' nor 'sometimes'.")
    return text == "sometimes"


def _pattern(where: str, text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as e:
        raise KnownIssuesError(f"{where}: pattern {text!r} is no regular expression: {e}.") from e
    if pattern.search(""):
        raise KnownIssuesError(f"{where}: pattern {text!r} would match any failure.")
    return pattern
