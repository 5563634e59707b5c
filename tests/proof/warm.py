# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs of the daemon suite, each in a process of its own, without paying for imports each time.

More than half of a short run's work is importing; ``forks.py`` does it once for all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Self

from reports.record import Run, load
from reports.store import RECORD_NAME

from . import forks

ROOT = Path(__file__).parents[2]


class Warm:
    """The program ``forks.py`` at work; a context manager that ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, forks.__file__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, spec: str, directory: Path, bug: str | None = None) -> Run:
        """The record of the daemon suite on a target; *directory* keeps it with its evidence.

        Where *bug* is given, only the tests that look for it are run.
        """
        directory.mkdir(parents=True, exist_ok=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([spec, str(directory), bug]), file=self._process.stdin, flush=True)
        status = self._process.stdout.readline().strip()
        assert status, "forks.py has ended; its standard error says why"
        record = directory / RECORD_NAME
        output = (directory / forks.OUTPUT_NAME).read_text(errors="replace")
        assert record.exists(), f"no record, exit status {status}\n{output}"
        return load(record)
