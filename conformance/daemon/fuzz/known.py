# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known to harm a release's daemon: recognised where it shows, and avoided meanwhile.

A finding is known if a step up to the one at which it showed has the trait of a known issue of that
version, and the finding is of a kind that the issue brings about. That is a coarse net, so a search
avoids steps with such traits, unless it is told to include them: else each of its sequences would
end in what everybody knows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.catalogue import release

from .findings import Finding
from .steps import Step

_FILE = Path(__file__).with_name("known.toml")


@dataclass(frozen=True)
class Known:
    """One known issue; see ``known.toml``."""

    id: str
    trait: str
    kinds: tuple[str, ...]
    versions: SpecifierSet
    reason: str

    def explains(self, finding: Finding, steps: Sequence[Step]) -> bool:
        """Whether the finding that showed among these steps is this issue's."""
        guilty = steps[: finding.index + 1]
        return finding.kind in self.kinds and any(self.trait in step.traits() for step in guilty)


def known_issues(version: Version | None) -> list[Known]:
    """The known issues of a version; all of them where the version is not known."""
    with _FILE.open("rb") as stream:
        rows = tomllib.load(stream)["known"]
    issues = [
        Known(
            id=row["id"],
            trait=row["trait"],
            kinds=tuple(row["kinds"]),
            versions=SpecifierSet(row["versions"]),
            reason=row["reason"],
        )
        for row in rows
    ]
    return [each for each in issues if version is None or release(version) in each.versions]
