# SPDX-License-Identifier: GPL-2.0-or-later
"""What a daemon built with ``gcc --coverage`` counts: which lines and branches it executed.

Such a daemon knows the directory that it was built in. When it exits, it adds its counters to the
``.gcda`` files there, one for each object, under a lock (gcc: libgcov). So the build directory is
mounted into its hosts, and gcov and gcovr find counters, notes (``.gcno``) and sources together,
as if the daemon had run beside them.

It is mounted below :data:`PREFIX` and not at its own path, because a host's own directories are
emptied between tests: nothing that empties ``/tmp`` may ever meet somebody's sources there.
"""

from __future__ import annotations

from pathlib import Path

from containers.errors import UsageError

#: Put before all paths of counters by libgcov, and of mounts by us.
PREFIX = "/gcov"
#: Variables of a daemon that shall count.
VARIABLES = {"GCOV_PREFIX": PREFIX}
COUNTERS = "*.gcda"
NOTES = "*.gcno"


def build_directory(text: str) -> Path:
    """The directory that *text* names.

    Raises:
        UsageError: it is none, or nothing was compiled for coverage in it.
    """
    directory = Path(text).absolute()
    if not directory.is_dir():
        raise UsageError(f"--gcov: there is no directory {directory}")
    if not any(directory.rglob(NOTES)):
        raise UsageError(
            f"--gcov: no {NOTES} file lies below {directory}; "
            "name the directory in which the daemon was compiled with gcc --coverage"
        )
    return directory


def found(directory: Path) -> list[Path]:
    """The files of counters below *directory*."""
    return sorted(directory.rglob(COUNTERS))


def clear(directory: Path) -> None:
    """Remove the counters of earlier runs, so that those to come tell of one run alone.

    Raises:
        UsageError: they cannot be removed.
    """
    for counters in found(directory):
        try:
            counters.unlink()
        except OSError as error:
            raise UsageError(f"--gcov: cannot remove {counters}: {error.strerror}") from None


def summary(directory: Path) -> str:
    """What a run left below *directory*, in a line."""
    if files := found(directory):
        return f"--gcov: {len(files)} files of counters below {directory}"
    return f"--gcov: no daemon counted anything; was the one under test built in {directory}?"


def mount(directory: Path) -> dict[Path, str]:
    """Where *directory* lies on a host."""
    return {directory: f"{PREFIX}{directory}"}
