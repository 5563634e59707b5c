# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept for a test: files in a directory of its own, collected whatever the verdict.

Evidence is for people. It must never decide a verdict, so a collector that fails leaves a note in
the record and nothing else.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest

Collector = Callable[[], object]

_NAME_LENGTH = 80  # characters of a test's name in the name of its directory


class Evidence:
    """The evidence of one test.

    The directory comes into being with the first file; what an earlier run left under its name is
    removed then.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._created = False
        self._collectors: list[Collector] = []
        self.notes: list[str] = []
        """Sentences on evidence that could not be had."""

    @property
    def directory(self) -> Path:
        """The test's own directory, made on first use. Raises ``OSError``."""
        if not self._created:
            if self._directory.exists():
                shutil.rmtree(self._directory)
            self._directory.mkdir(parents=True)
            self._created = True
        return self._directory

    def add(self, name: str | PurePath, content: str | bytes) -> Path:
        """Keep a file, and return its path.

        ``name`` is a file name or a relative path below the directory. A name that is taken gets a
        number, so that nothing is lost. Raises ``OSError``, and ``ValueError`` for a name that
        leads out of the directory.
        """
        relative = PurePath(name)
        if relative.is_absolute() or ".." in relative.parts or not relative.name:
            raise ValueError(f"evidence cannot be kept under the name {str(name)!r}")
        path = _free(self.directory / relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8", errors="backslashreplace")
        return path

    def on_finish(self, collector: Collector) -> None:
        """Call the collector when the test is over, whatever its verdict.

        Collectors run in the order of their registration, after the teardown of the fixtures that
        asked for evidence. They may add evidence.
        """
        self._collectors.append(collector)

    def finish(self) -> None:
        """Run the collectors; their errors become notes."""
        for collector in self._collectors:
            try:
                collector()
            except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
                name = getattr(collector, "__qualname__", repr(collector))
                self.notes.append(f"evidence from {name} is missing: {_describe(error)}")
        self._collectors.clear()

    def files(self) -> list[Path]:
        """All files kept so far, sorted by name."""
        if not self._created:
            return []
        return sorted(path for path in self._directory.rglob("*") if path.is_file())


def directory_name(nodeid: str) -> str:
    """A file name for the test: readable, and different for different tests."""
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", nodeid.removeprefix("conformance/")).strip("-.")
    digest = hashlib.sha256(nodeid.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{readable[:_NAME_LENGTH]}-{digest}"


def _free(path: Path) -> Path:
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
