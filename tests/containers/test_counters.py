# SPDX-License-Identifier: GPL-2.0-or-later
"""The build directory of a daemon that counts what it executes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from containers import counters
from containers.errors import UsageError
from containers.node import _SCRATCH


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build directory with one object compiled for coverage, and what an earlier run left."""
    objects = tmp_path / "daemons" / "execd"
    objects.mkdir(parents=True)
    for name in ("remoted.c", "remoted.gcno", "remoted.gcda"):
        (objects / name).touch()
    return tmp_path


def test_build_directory_is_absolute(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(build)

    assert counters.build_directory("daemons") == build / "daemons"


def test_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--gcov: there is no directory .*/nowhere"):
        counters.build_directory(str(tmp_path / "nowhere"))


def test_directory_in_which_nothing_was_compiled_for_coverage(build: Path) -> None:
    (build / "daemons" / "execd" / "remoted.gcno").unlink()

    with pytest.raises(UsageError, match=r"no \*\.gcno file lies below .*gcc --coverage"):
        counters.build_directory(str(build))


def test_only_counters_are_removed(build: Path) -> None:
    assert counters.found(build) == [build / "daemons" / "execd" / "remoted.gcda"]

    counters.clear(build)

    assert counters.found(build) == []
    left = {path.name for path in (build / "daemons" / "execd").iterdir()}
    assert left == {"remoted.c", "remoted.gcno"}


def test_run_in_which_nothing_counted_says_so(build: Path) -> None:
    assert counters.summary(build) == f"--gcov: 1 files of counters below {build}"

    counters.clear(build)

    assert "was the one under test built in" in counters.summary(build)


def test_counters_that_cannot_be_removed(build: Path) -> None:
    (build / "locked.gcda").mkdir()

    with pytest.raises(UsageError, match=r"cannot remove .*/locked\.gcda: "):
        counters.clear(build)


def test_libgcov_finds_the_directory_where_it_is_mounted(build: Path) -> None:
    (place,) = counters.mount(build).values()

    assert place == counters.VARIABLES["GCOV_PREFIX"] + str(build)


def test_what_empties_a_host_does_not_meet_the_sources() -> None:
    (place,) = counters.mount(Path("/tmp/build")).values()  # noqa: S108

    assert not any(PurePosixPath(place).is_relative_to(emptied) for emptied in _SCRATCH)
