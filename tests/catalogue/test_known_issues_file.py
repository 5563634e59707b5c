# SPDX-License-Identifier: GPL-2.0-or-later
"""Known issues: the loader, the lookup, and the project's own file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.catalogue import Catalogue
from conformance.known_issues import KnownIssue, KnownIssues, KnownIssuesError

ROW: dict[str, Any] = {
    "id": "exits-at-once",
    "requirement": "SHD-001",
    "tests": ["conformance/daemon/test_shutdown.py::test_stop*"],
    "versions": "==2.1.5",
    "reason": "The daemon exits at once.",
    "occurs": "always",
    "upstream": "https://example.org/pull/3008",
    "pattern": r"exit(ed)? after \d+ ms",
}
SURVEYED = ["2.0.5", "2.1.5", "3.0.0", "3.0.1", "3.0.2", "3.0.3"]
STOP = "conformance/daemon/test_shutdown.py::test_stop_waits"


def test_every_field_arrives(write_rows: Callable[..., Path]) -> None:
    (issue,) = KnownIssues.load(write_rows("known.toml", "issue", ROW))

    assert issue == KnownIssue(
        id="exits-at-once",
        requirement="SHD-001",
        tests=("conformance/daemon/test_shutdown.py::test_stop*",),
        versions=SpecifierSet("==2.1.5"),
        reason="The daemon exits at once.",
        sometimes=False,
        upstream="https://example.org/pull/3008",
        pattern=re.compile(r"exit(ed)? after \d+ ms"),
    )


def test_no_entries_is_the_best_list(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text("# nothing deviates\n")

    assert len(KnownIssues.load(path)) == 0


@pytest.mark.parametrize(
    ("change", "requirements", "nodeid", "version", "found"),
    [
        ({}, ["SHD-001"], STOP, "2.1.5", True),
        ({}, ["TLS-001", "SHD-001"], STOP, "2.1.5", True),
        ({}, ["SHD-002"], STOP, "2.1.5", False),
        ({}, [], STOP, "2.1.5", False),
        ({}, ["SHD-001"], STOP, "2.1.6", False),
        ({}, ["SHD-001"], STOP, "2.1.5rc3", True),
        ({}, ["SHD-001"], STOP, "2.1.5+deb12u1", True),
        ({}, ["SHD-001"], "conformance/daemon/test_shutdown.py::test_nack", "2.1.5", False),
        ({}, ["SHD-001"], "conformance/daemon/test_shutdown.py::TEST_STOP", "2.1.5", False),
        ({"tests": []}, ["SHD-001"], "any/test.py::at_all", "2.1.5", True),
        ({"tests": ["*::test_a", "*::test_b"]}, ["SHD-001"], "x.py::test_b", "2.1.5", True),
        ({"tests": ["*::test_a[[]TLS 1.3]"]}, ["SHD-001"], "x.py::test_a[TLS 1.3]", "2.1.5", True),
        ({"versions": ""}, ["SHD-001"], STOP, "3.0.3", True),
        ({"versions": ">=2.1.4,<2.1.6"}, ["SHD-001"], STOP, "2.1.6rc1", False),
    ],
)
def test_an_entry_is_found_if_all_of_it_fits(
    write_rows: Callable[..., Path],
    change: dict[str, Any],
    requirements: list[str],
    nodeid: str,
    version: str,
    found: bool,
) -> None:
    issues = KnownIssues.load(write_rows("known.toml", "issue", ROW | change))

    assert issues.find(requirements, nodeid, Version(version)) == (list(issues) if found else [])


def test_all_entries_that_fit_are_found_in_the_order_of_the_file(
    write_rows: Callable[..., Path],
) -> None:
    rows = [ROW | {"id": id} for id in ("second", "first", "third")]
    rows[2] |= {"versions": ">=3.0.0"}
    issues = KnownIssues.load(write_rows("known.toml", "issue", *rows))

    found = issues.find(["SHD-001"], STOP, Version("2.1.5"))

    assert [issue.id for issue in found] == ["second", "first"]


@pytest.mark.parametrize("field", list(ROW))
def test_a_missing_field_is_named(write_rows: Callable[..., Path], field: str) -> None:
    row = {key: value for key, value in ROW.items() if key != field}
    path = write_rows("known.toml", "issue", row)

    named = "no id" if field == "id" else "exits-at-once"
    expected = f"{path}, issue 1 ({named}): the field '{field}' is missing."
    with pytest.raises(KnownIssuesError, match=f"^{re.escape(expected)}$"):
        KnownIssues.load(path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"requirement": ""}, "requirement is empty."),
        ({"reason": ""}, "reason is empty."),
        ({"upstream": ""}, "upstream is empty."),
        ({"occurs": "often"}, "occurs is 'often', neither 'always' nor 'sometimes'."),
        ({"pattern": ""}, "pattern is empty."),
        ({"pattern": ".*"}, "pattern '.*' would match any failure."),
        ({"pattern": "exited|"}, "pattern 'exited|' would match any failure."),
        ({"tests": "test_stop"}, "tests must be a list."),
        ({"tests": [""]}, "tests must hold only strings that are not empty."),
        ({"versions": "2.1.4/2.1.5"}, "versions '2.1.4/2.1.5' is not a PEP 440 specifier."),
        ({"expires": "never"}, "there is no field 'expires'."),
        ({}, "the id is already taken by an earlier row."),
    ],
)
def test_a_wrong_row_is_named(
    write_rows: Callable[..., Path], change: dict[str, Any], complaint: str
) -> None:
    path = write_rows("known.toml", "issue", ROW, ROW | change)

    expected = f"{path}, issue 2 (exits-at-once): {complaint}"
    with pytest.raises(KnownIssuesError, match=f"^{re.escape(expected)}$"):
        KnownIssues.load(path)


def test_a_bad_pattern_is_named(write_rows: Callable[..., Path]) -> None:
    path = write_rows("known.toml", "issue", ROW | {"pattern": "exit("})

    with pytest.raises(KnownIssuesError, match=r"exits-at-once.*'exit\(' is no regular expression"):
        KnownIssues.load(path)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent.toml"

    with pytest.raises(
        KnownIssuesError,
        match=rf"^{re.escape(str(path))} cannot be read: No such file or directory\.$",
    ):
        KnownIssues.load(path)


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text("[[issue\n")

    with pytest.raises(KnownIssuesError, match=rf"^{re.escape(str(path))} is not valid TOML: "):
        KnownIssues.load(path)


def test_check_names_a_requirement_that_does_not_exist(write_rows: Callable[..., Path]) -> None:
    path = write_rows("known.toml", "issue", ROW, ROW | {"id": "other", "requirement": "SHD-999"})

    expected = f"{path}, other: there is no requirement 'SHD-999'."
    with pytest.raises(KnownIssuesError, match=f"^{re.escape(expected)}$"):
        KnownIssues.load(path).check(Catalogue.load())


def test_the_projects_own_list_fits_the_catalogue() -> None:
    catalogue = Catalogue.load()
    issues = KnownIssues.load()

    issues.check(catalogue)
    for issue in issues:
        excused = [Version(v) for v in SURVEYED if v in issue.versions]
        assert excused, issue.id
        assert all(map(catalogue[issue.requirement].applies_to, excused)), issue.id


def test_only_2_1_5_is_known_to_exit_at_once() -> None:
    issues = KnownIssues.load()
    stop = "conformance/cluster/test_graceful_stop.py::test_sigterm_drains_the_node"

    assert issues.find(["SHD-001"], stop, Version("2.1.5"))
    assert not issues.find(["SHD-001"], stop, Version("2.1.4"))
    assert not issues.find(["SHD-001"], stop, Version("2.1.6"))
