# SPDX-License-Identifier: GPL-2.0-or-later
"""The catalogue's loader: what it returns, what it refuses and how it says so."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.catalogue import Catalogue, CatalogueError, Requirement, release

ROW: dict[str, Any] = {
    "id": "XYZ-001",
    "level": "MUST",
    "sentence": "A frame's `size_total` is at least 40.",
    "sources": ["S:9.4.1", "S:9.4.8 warning 7.2", "remote.c:send_tls"],
    "versions": ">=2.0.3",
    "versions_note": "2.0.3+ [V]",
    "observable": "W: reply within 1 s",
    "mutant": "none",
}


def requirement(**changes: Any) -> Requirement:
    fields: dict[str, Any] = {
        "id": "XYZ-001",
        "area": "XYZ",
        "level": "MUST",
        "sentence": "A sentence.",
        "sources": ("S:9.4",),
        "versions": SpecifierSet(""),
        "versions_note": "all",
        "observable": "W",
        "mutant": "none",
    }
    return Requirement(**(fields | changes))


def test_every_field_arrives(write_rows: Callable[..., Path]) -> None:
    path = write_rows("xyz.toml", "requirement", ROW)

    assert Catalogue.load(path.parent)["XYZ-001"] == Requirement(
        id="XYZ-001",
        area="XYZ",
        level="MUST",
        sentence="A frame's `size_total` is at least 40.",
        sources=("S:9.4.1", "S:9.4.8 warning 7.2", "remote.c:send_tls"),
        versions=SpecifierSet(">=2.0.3"),
        versions_note="2.0.3+ [V]",
        observable="W: reply within 1 s",
        mutant="none",
    )


@pytest.mark.parametrize(
    "text", ['lrmd_rc="-19"', "it's \\d+ | `x\\n`", "≤2.1.x → café 字", " leading", "a\tb\nc"]
)
def test_text_is_kept_to_the_character(write_rows: Callable[..., Path], text: str) -> None:
    row = ROW | {"sentence": text, "observable": text, "mutant": text, "versions_note": text}
    loaded = Catalogue.load(write_rows("xyz.toml", "requirement", row).parent)["XYZ-001"]

    assert [loaded.sentence, loaded.observable, loaded.mutant, loaded.versions_note] == [text] * 4


def test_a_catalogue_is_all_rows_of_all_area_files(write_rows: Callable[..., Path]) -> None:
    write_rows("abc.toml", "requirement", ROW | {"id": "ABC-001"})
    write_rows("xyz.toml", "requirement", ROW, ROW | {"id": "XYZ-002"})
    directory = write_rows("no_area.toml", "bug", {"id": "B-01"}).parent

    catalogue = Catalogue.load(directory)

    assert [(r.id, r.area) for r in catalogue] == [
        ("ABC-001", "ABC"),
        ("XYZ-001", "XYZ"),
        ("XYZ-002", "XYZ"),
    ]
    assert len(catalogue) == 3
    assert "XYZ-002" in catalogue
    assert "XYZ-003" not in catalogue
    with pytest.raises(KeyError):
        catalogue["XYZ-003"]


def test_a_requirement_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        requirement().level = "MAY"  # type: ignore[misc]


def test_seed_sections_are_those_of_the_seed_only() -> None:
    sources = ("S:9.4 limits", "S:9.4.2 (unique)", "tls.c:x", "PR 3458 (S:9.4.3)")

    assert requirement(sources=sources).seed_sections == ("9.4", "9.4.2")


@pytest.mark.parametrize(
    ("versions", "version", "applies"),
    [
        ("", "1.1.18", True),
        ("", "3.0.3", True),
        ("", "3.0.2rc1", True),
        (">=3.0.0", "2.1.11", False),
        (">=3.0.0", "3.0.0", True),
        (">=3.0.0", "3.0.0rc1", True),
        (">=3.0.0", "3.0.2rc1", True),
        ("<=3.0.1", "3.0.2rc1", False),
        ("<=3.0.1", "3.0.1+git.4f1c9a1", True),
        ("<2.0.0", "2.0.0rc4", False),
        (">=1.1.22,!=2.0.0,!=2.0.1,!=2.0.2", "1.1.23", True),
        (">=1.1.22,!=2.0.0,!=2.0.1,!=2.0.2", "2.0.2", False),
        (">=1.1.22,!=2.0.0,!=2.0.1,!=2.0.2", "2.0.3", True),
        (">=2.1.10,!=3.0.0", "2.1.11", True),
        (">=2.1.10,!=3.0.0", "3.0.0rc2", False),
    ],
)
def test_a_prerelease_is_asked_what_its_release_is_asked(
    versions: str, version: str, applies: bool
) -> None:
    assert requirement(versions=SpecifierSet(versions)).applies_to(Version(version)) is applies


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.0.5", "2.0.5"),
        ("3.0.2-rc1", "3.0.2"),
        ("2.1.5+deb12u1", "2.1.5"),
        ("3.0.1.dev4", "3.0.1"),
    ],
)
def test_release_of_a_version(version: str, expected: str) -> None:
    assert str(release(Version(version))) == expected


@pytest.mark.parametrize("field", list(ROW))
def test_a_missing_field_is_named(write_rows: Callable[..., Path], field: str) -> None:
    row = {key: value for key, value in ROW.items() if key != field}
    path = write_rows("xyz.toml", "requirement", row)

    named = "no id" if field == "id" else "XYZ-001"
    expected = f"{path}, requirement 1 ({named}): the field '{field}' is missing."
    with pytest.raises(CatalogueError, match=f"^{re.escape(expected)}$"):
        Catalogue.load(path.parent)


@pytest.mark.parametrize("field", [field for field in ROW if field != "versions"])
def test_an_empty_field_is_named(write_rows: Callable[..., Path], field: str) -> None:
    path = write_rows("xyz.toml", "requirement", ROW | {field: type(ROW[field])()})

    with pytest.raises(CatalogueError, match=rf"xyz\.toml, requirement 1 .*: {field} is empty\.$"):
        Catalogue.load(path.parent)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"level": "MIGHT"}, "level 'MIGHT' is none of MUST, SHOULD, MAY."),
        ({"level": "must"}, "level 'must' is none of MUST, SHOULD, MAY."),
        ({"level": 1}, "level must be a string."),
        ({"versions": "≥3.0.0"}, "versions '≥3.0.0' is not a PEP 440 specifier."),
        ({"versions": "3.0.0"}, "versions '3.0.0' is not a PEP 440 specifier."),
        ({"versions": ["3.0.0"]}, "versions must be a string."),
        ({"sources": "S:9.4"}, "sources must be a list."),
        ({"sources": ["S:9.4", ""]}, "sources must hold only strings that are not empty."),
        ({"sources": ["S:9.4", 7]}, "sources must hold only strings that are not empty."),
        ({"observables": "W"}, "there is no field 'observables'."),
    ],
)
def test_a_wrong_value_is_named(
    write_rows: Callable[..., Path], change: dict[str, Any], complaint: str
) -> None:
    path = write_rows("xyz.toml", "requirement", ROW, ROW | {"id": "XYZ-002"} | change)

    expected = f"{path}, requirement 2 (XYZ-002): {complaint}"
    with pytest.raises(CatalogueError, match=f"^{re.escape(expected)}$"):
        Catalogue.load(path.parent)


@pytest.mark.parametrize("id", ["ABC-001", "XYZ-1", "xyz-001", "XYZ-0001", "XYZ-001 "])
def test_an_id_that_is_not_of_the_file_is_named(write_rows: Callable[..., Path], id: str) -> None:
    path = write_rows("xyz.toml", "requirement", ROW | {"id": id})

    expected = f"{path}, requirement 1 ({id}): an id in this file looks like 'XYZ-001'."
    with pytest.raises(CatalogueError, match=f"^{re.escape(expected)}$"):
        Catalogue.load(path.parent)


def test_a_duplicate_id_is_named(write_rows: Callable[..., Path]) -> None:
    path = write_rows("xyz.toml", "requirement", ROW, ROW | {"id": "XYZ-002"}, ROW)

    expected = f"{path}, requirement 3 (XYZ-001): the id is already taken by an earlier row."
    with pytest.raises(CatalogueError, match=f"^{re.escape(expected)}$"):
        Catalogue.load(path.parent)


@pytest.mark.parametrize(
    "content",
    [b"[[requirement]\n", b"[[requirement]]\nid = unquoted\n", b'[[requirement]]\nid = "\xff"\n'],
)
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "xyz.toml"
    path.write_bytes(content)

    with pytest.raises(CatalogueError, match=rf"^{re.escape(str(path))} is not valid TOML: .+\.$"):
        Catalogue.load(tmp_path)


@pytest.mark.parametrize(
    "content", ['title = "x"\n', "[requirement]\n", "requirement = [1]\n", "[[requirements]]\n"]
)
def test_a_file_of_something_else_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "xyz.toml"
    path.write_text(content)

    expected = f"{path} may hold nothing but [[requirement]] tables."
    with pytest.raises(CatalogueError, match=f"^{re.escape(expected)}$"):
        Catalogue.load(tmp_path)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "xyz.toml"
    path.mkdir()  # unreadable for root as well

    with pytest.raises(
        CatalogueError, match=rf"^{re.escape(str(path))} cannot be read: Is a directory\.$"
    ):
        Catalogue.load(tmp_path)


@pytest.mark.parametrize("directory", [".", "absent"])
def test_no_requirement_at_all_is_an_error(tmp_path: Path, directory: str) -> None:
    with pytest.raises(CatalogueError, match=r"holds no requirements"):
        Catalogue.load(tmp_path / directory)
