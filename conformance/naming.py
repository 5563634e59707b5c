# SPDX-License-Identifier: GPL-2.0-or-later
"""How tests are called: which are cases, what they are about, how one is run again."""

from __future__ import annotations

import os
import shlex
from pathlib import PurePosixPath

import pytest

FOLDER = "conformance"
"""Tests below this directory, relative to pytest's rootdir, are cases."""

# Options that say what is under test, and so belong to the command that runs a case again.
_TARGET_OPTIONS = ("--target", "--remote-target", "--authkey", "--daemon-version")


_NOX = ["./noxw", "-s", "conformance", "--"]


def is_case(nodeid: str) -> bool:
    """Whether the test with this node id is a conformance test, and not one of the harness."""
    return nodeid.startswith(f"{FOLDER}/")


def subject(nodeid: str) -> str:
    """What a case is about: ``daemon/tls`` for those in ``conformance/daemon/test_tls.py``."""
    module = PurePosixPath(nodeid.partition("::")[0]).relative_to(FOLDER).with_suffix("")
    return module.with_name(module.name.removeprefix("test_")).as_posix()


def again(config: pytest.Config, nodeid: str) -> str:
    """The shell command that runs a case again, on the same target, from the rootdir."""
    under_nox = "NOX_CURRENT_SESSION" in os.environ
    words = [*(_NOX if under_nox else ["pytest"]), nodeid]
    for option in _TARGET_OPTIONS:
        value = config.getoption(option, None)
        words += [option, str(value)] if value else []
    return shlex.join(words)


def concerns_cases(config: pytest.Config) -> bool:
    """Whether what was asked for can hold cases: else this is a run of the harness's own tests."""
    if config.option.collectonly:
        return False
    cases = config.rootpath / FOLDER
    here = config.invocation_params.dir
    chosen = [(here / arg.partition("::")[0]).resolve() for arg in config.args]
    return any(path.is_relative_to(cases) or cases.is_relative_to(path) for path in chosen)
