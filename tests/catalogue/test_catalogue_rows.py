# SPDX-License-Identifier: GPL-2.0-or-later
"""The project's own rows: complete, consistent, and pointing only at what exists."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

import conformance.catalogue
from conformance.catalogue import Catalogue

DIRECTORY = Path(conformance.catalogue.__file__).parent / "requirements"
SEED_SECTIONS = {"9.4", *(f"9.4.{n}" for n in range(1, 9))}
AREAS = {
    "ADM": 29,
    "ALR": 8,
    "CNS": 20,
    "ENV": 16,
    "EXE": 46,
    "FEN": 32,
    "FRM": 30,
    "GST": 32,
    "LIM": 15,
    "MIG": 10,
    "MSG": 13,
    "NEG": 26,
    "NOD": 11,
    "NTF": 12,
    "PRT": 24,
    "PRX": 24,
    "REC": 33,
    "REG": 15,
    "SCH": 10,
    "SEC": 12,
    "SHD": 30,
    "TLS": 54,
    "TRM": 10,
    "UPG": 12,
}
SURVEYED = ["2.0.5", "2.1.5", "3.0.0", "3.0.1", "3.0.2", "3.0.3"]
OLDER = ["1.1.14", "1.1.18", "1.1.23"]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def tables(name: str, table: str) -> list[dict[str, Any]]:
    with (DIRECTORY / name).open("rb") as file:
        rows: list[dict[str, Any]] = tomllib.load(file)[table]
    return rows


BUGS = tables("suspected_bugs.toml", "bug")
STATEMENTS = tables("seed_coverage.toml", "statement")


def test_no_row_is_lost(catalogue: Catalogue) -> None:
    assert Counter(r.area for r in catalogue) == AREAS
    assert Counter(r.level for r in catalogue) == {"MUST": 386, "SHOULD": 131, "MAY": 7}
    assert len(catalogue) == 524


@pytest.mark.parametrize("area", sorted(AREAS))
def test_ids_are_numbered_without_a_gap(catalogue: Catalogue, area: str) -> None:
    ids = [r.id for r in catalogue if r.area == area]

    assert ids == [f"{area}-{number:03}" for number in range(1, AREAS[area] + 1)]


def test_loading_changes_no_row(catalogue: Catalogue) -> None:
    for area in AREAS:
        for row in tables(f"{area.lower()}.toml", "requirement"):
            loaded = catalogue[row["id"]]
            assert row == {
                "id": loaded.id,
                "level": loaded.level,
                "sentence": loaded.sentence,
                "sources": list(loaded.sources),
                "versions": row["versions"],
                "versions_note": loaded.versions_note,
                "observable": loaded.observable,
                "mutant": loaded.mutant,
            }
            assert loaded.versions == row["versions"] or not row["versions"]


def test_every_area_file_says_what_it_is() -> None:
    for area in AREAS:
        head = (DIRECTORY / f"{area.lower()}.toml").read_text(encoding="utf-8")[:400]
        assert re.search(rf"^# {area}: .+\n# Seed sections?: .+$", head, re.MULTILINE), area


def test_every_seed_source_names_a_section_that_exists(catalogue: Catalogue) -> None:
    for r in catalogue:
        assert len(r.seed_sections) == sum(source.startswith("S:") for source in r.sources), r.id
        assert set(r.seed_sections) <= SEED_SECTIONS, r.id


def test_every_requirement_applies_to_some_release(catalogue: Catalogue) -> None:
    releases = [Version(v) for v in OLDER + SURVEYED]

    assert [r.id for r in catalogue if not any(map(r.applies_to, releases))] == []


@pytest.mark.parametrize(
    ("id", "applies"),
    [
        # A deviation never takes a version out.
        ("FRM-016", "2.0.5 2.1.5 3.0.0 3.0.1 3.0.2 3.0.3"),
        ("FRM-024", "2.0.5 2.1.5 3.0.0 3.0.1 3.0.2 3.0.3"),
        ("TLS-016", "2.0.5 2.1.5 3.0.0 3.0.1 3.0.2 3.0.3"),
        ("SHD-006", "2.0.5 2.1.5 3.0.0 3.0.1 3.0.2 3.0.3"),
        ("SEC-008", "2.0.5 2.1.5 3.0.0 3.0.1 3.0.2 3.0.3"),
        ("NEG-001", "2.0.5 2.1.5 3.0.0 3.0.1 3.0.2 3.0.3"),
        # What a version does not promise does.
        ("TLS-010", "2.0.5 2.1.5"),
        ("TLS-014", "2.0.5 2.1.5 3.0.0 3.0.1"),
        ("TLS-015", "3.0.2 3.0.3"),
        ("TLS-031", "3.0.0 3.0.1 3.0.2 3.0.3"),
        ("REG-003", "2.0.5 2.1.5 3.0.0 3.0.1"),
        ("REG-004", "3.0.2 3.0.3"),
        ("SCH-001", "3.0.0 3.0.1 3.0.2 3.0.3"),
        ("REC-005", "2.1.5 3.0.0 3.0.1 3.0.2 3.0.3"),
        ("FEN-025", "3.0.1 3.0.2 3.0.3"),
        ("UPG-012", "3.0.3"),
        ("EXE-029", ""),
    ],
)
def test_where_a_requirement_applies(catalogue: Catalogue, id: str, applies: str) -> None:
    assert [v for v in SURVEYED if catalogue[id].applies_to(Version(v))] == applies.split()


def test_suspected_bugs_are_complete() -> None:
    texts = {"id", "reach", "versions", "trace", "mechanism", "observable", "confidence"}

    assert [bug["id"] for bug in BUGS] == [f"B-{number:02}" for number in range(1, 49)]
    for bug in BUGS:
        assert bug.keys() == texts | {"requirements"}, bug["id"]
        assert all(isinstance(bug[name], str) and bug[name] for name in texts), bug["id"]
        assert isinstance(bug["requirements"], list), bug["id"]


def test_suspected_bugs_and_requirements_point_at_each_other(catalogue: Catalogue) -> None:
    touched = {bug["id"]: set(bug["requirements"]) for bug in BUGS}
    for bug, ids in touched.items():
        assert all(id in catalogue for id in ids), bug
    for r in catalogue:
        for bug in re.findall(r"\bB-\d\d\b", f"{r.sentence} {r.versions_note} {r.mutant}"):
            assert r.id in touched[bug], f"{r.id} speaks of {bug}, which does not list it"


def test_every_statement_of_the_seed_is_carried_by_requirements(catalogue: Catalogue) -> None:
    assert len(STATEMENTS) == 53
    assert {statement["section"] for statement in STATEMENTS} == SEED_SECTIONS
    for statement in STATEMENTS:
        assert statement.keys() == {"section", "text", "ids"}
        assert statement["text"]
        assert statement["ids"], statement["text"]
        assert all(id in catalogue for id in statement["ids"]), statement["text"]


def test_ids_mentioned_in_the_rows_exist(catalogue: Catalogue) -> None:
    for r in catalogue:
        text = " ".join((r.sentence, r.versions_note, r.observable, r.mutant, *r.sources))
        for id in re.findall(rf"\b(?:{'|'.join(AREAS)})-\d{{3}}\b", text):
            assert id in catalogue, f"{r.id} mentions {id}"
