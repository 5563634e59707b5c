# SPDX-License-Identifier: GPL-2.0-or-later
"""Build contexts: equal ones have equal hashes, different ones different hashes."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.context import Context
from containers.errors import UsageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with a program, a file in a directory, and a link that points nowhere yet."""
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "a.conf").write_text("a = 1\n")
    (root / "program").write_text("#!/bin/sh\n")
    (root / "program").chmod(0o755)
    (root / "link").symlink_to("target")
    if os.geteuid() == 0:
        os.chown(root / "program", 1234, 1234)  # who builds is seldom root
    return root


def digest(root: Path) -> bytes:
    return Context.of_tree("tree", root).digest()


def test_tree_is_files_and_links_under_a_prefix(tree: Path) -> None:
    assert set(Context.of_tree("tree", tree).files) == {
        "tree/etc/a.conf",
        "tree/program",
        "tree/link",
    }


def test_equal_trees_have_equal_hashes_wherever_and_whenever_made(
    tree: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(tree, copy, symlinks=True)
    os.utime(copy / "program", (1, 1))
    (copy / "empty").mkdir()

    assert digest(copy) == digest(tree)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "etc/a.conf").write_text("a = 2\n"),
        lambda root: (root / "program").chmod(0o644),
        lambda root: (root / "etc/a.conf").rename(root / "etc/b.conf"),
        lambda root: (root / "program").unlink(),
        lambda root: (root / "new").touch(),
        lambda root: ((root / "link").unlink(), (root / "link").symlink_to("other")),
        lambda root: ((root / "link").unlink(), (root / "link").write_text("target")),
        lambda root: (
            (root / "etc/a.conf").write_text("#!/bin/sh\n"),
            (root / "program").write_text("a = 1\n"),
        ),
    ],
    ids=["content", "mode", "name", "removed", "added", "link", "link to file", "swapped"],
)
def test_every_difference_makes_another_hash(tree: Path, change: Callable[[Path], None]) -> None:
    before = digest(tree)
    change(tree)

    assert digest(tree) != before


def test_prefix_is_part_of_the_hash(tree: Path) -> None:
    assert Context.of_tree("other", tree).digest() != digest(tree)


def test_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "pacemaker_3.0.1_amd64.deb"

    with pytest.raises(UsageError, match=f"cannot read {missing}: No such file or directory"):
        Context({"debs/x.deb": missing}).digest()


def test_archive_holds_the_recipe_and_the_files_owned_by_root(tree: Path) -> None:
    context = Context.of_tree("tree", tree)
    with context.archive("FROM scratch\n") as file, tarfile.open(fileobj=file) as archive:
        entries = {entry.name: entry for entry in archive}
        recipe = archive.extractfile("Dockerfile")
        conf = archive.extractfile("tree/etc/a.conf")
        assert recipe is not None
        assert conf is not None
        assert (recipe.read(), conf.read()) == (b"FROM scratch\n", b"a = 1\n")

    assert set(entries) == {"Dockerfile", *context.files}
    assert {(entry.uid, entry.gid) for entry in entries.values()} == {(0, 0)}
    assert {entries[name].uname for name in context.files} == {"root"}
    assert entries["tree/program"].mode & 0o777 == 0o755
    assert (entries["tree/link"].issym(), entries["tree/link"].linkname) == (True, "target")


def test_archive_without_files_is_the_recipe_alone() -> None:
    with Context().archive("FROM scratch\n") as file, tarfile.open(fileobj=file) as archive:
        assert archive.getnames() == ["Dockerfile"]
