# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that runs the daemon suite many times and imports what it needs once; see ``warm``.

It runs in the checkout's top directory. A job is a line on standard input, a JSON array: target,
directory for the record, and the bug whose tests shall be run, or null for the whole suite. The
answer, when that run has ended, is a line with its exit status. The end of input ends the program.

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

_SUITE = "conformance/daemon"
_OPTIONS = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")


class Tests:
    """A plugin that sees the suite's tests when it is collected and knows who looks for what."""

    def __init__(self) -> None:
        self._modules: dict[str, set[str]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for bug in _bugs(item):
                self._modules.setdefault(bug, set()).add(item.nodeid.partition("::")[0])

    def modules(self, bug: str) -> list[str]:
        """The modules with tests that look for the bug."""
        return sorted(self._modules.get(bug, ()))


class Only:
    """A plugin that leaves the tests that look for one bug."""

    def __init__(self, bug: str) -> None:
        self._bug = bug

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        others = [item for item in items if self._bug not in _bugs(item)]
        items[:] = [item for item in items if self._bug in _bugs(item)]
        config.hook.pytest_deselected(items=others)


def _bugs(item: pytest.Item) -> set[str]:
    return {bug for mark in item.iter_markers("killed_by") for bug in mark.args}


def main() -> None:
    """Warm up and serve. If the suite cannot be collected, each run will say so itself."""
    answers = os.fdopen(os.dup(1), "w")
    _redirect(1, os.devnull, "wb")
    tests = Tests()
    pytest.main([_SUITE, *_OPTIONS, "--target", "fake", "--collect-only"], plugins=[tests])
    sys.stdout.flush()
    assert threading.active_count() == 1, "a process with threads must not fork"
    with contextlib.suppress(KeyboardInterrupt):  # the run that goes on has got it, too
        _serve(sys.stdin, answers, tests)


def _serve(jobs: TextIO, answers: TextIO, tests: Tests) -> None:
    for line in jobs:
        spec, directory, bug = json.loads(line)
        child = os.fork()
        if child == 0:
            where = [_SUITE] if bug is None else tests.modules(bug)
            _run(where, spec, Path(directory), [] if bug is None else [Only(bug)])
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _run(where: list[str], spec: str, directory: Path, plugins: list[object]) -> NoReturn:
    """Run the suite and end the process, whatever happens: nothing returns to what was forked."""
    status = 1
    try:
        _redirect(1, directory / OUTPUT_NAME, "wb")
        os.dup2(1, 2)
        _redirect(0, os.devnull, "rb")  # the jobs are none of its business
        words = [*where, *_OPTIONS, "--target", spec, "--report-dir", str(directory)]
        status = pytest.main(words, plugins=plugins)
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
