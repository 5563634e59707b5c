# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that runs the daemon suite many times and imports what it needs once; see ``warm``.

It runs in the checkout's top directory. A job is a line on standard input, a JSON array of target
and directory for the record; the answer, when that run has ended, is a line with its exit status.
The end of input ends the program.

It collects the suite once, which imports all that a run needs, and forks for every run: each starts
from the same memory and shares nothing with another. It is no part of the process that runs the
proof, which may have threads (pytest-xdist has), while a process that forks must have none.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import NoReturn, TextIO

import pytest

#: What a run printed, beside its record.
OUTPUT_NAME = "output.txt"

_SUITE = ("conformance/daemon", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


def main() -> None:
    """Warm up and serve. If the suite cannot be collected, each run will say so itself."""
    answers = os.fdopen(os.dup(1), "w")
    _redirect(1, os.devnull, "wb")
    pytest.main([*_SUITE, "--target", "fake", "--collect-only"])
    sys.stdout.flush()
    assert threading.active_count() == 1, "a process with threads must not fork"
    with contextlib.suppress(KeyboardInterrupt):  # the run that goes on has got it, too
        _serve(sys.stdin, answers)


def _serve(jobs: TextIO, answers: TextIO) -> None:
    for line in jobs:
        spec, directory = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(spec, Path(directory))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _run(spec: str, directory: Path) -> NoReturn:
    """Run the suite and end the process, whatever happens: nothing returns to what was forked."""
    status = 1
    try:
        _redirect(1, directory / OUTPUT_NAME, "wb")
        os.dup2(1, 2)
        _redirect(0, os.devnull, "rb")  # the jobs are none of its business
        status = pytest.main([*_SUITE, "--target", spec, "--report-dir", str(directory)])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _redirect(descriptor: int, path: Path | str, mode: str) -> None:
    with Path(path).open(mode) as file:
        os.dup2(file.fileno(), descriptor)


if __name__ == "__main__":
    main()
