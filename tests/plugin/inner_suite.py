# SPDX-License-Identifier: GPL-2.0-or-later
"""A tiny suite that a test of the plugin fills and runs: a catalogue, known issues, a few cases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from reports.record import Run, Test, load

CATALOGUE = """
[[requirement]]
id = "TLS-001"
level = "MUST"
sentence = "All traffic is TLS."
sources = ["S:9.4.1"]
versions = ""
versions_note = "all"
observable = "W: bytes"
mutant = "plaintext accepted"

[[requirement]]
id = "TLS-002"
level = "SHOULD"
sentence = "The new key is used."
sources = ["tls.c:load"]
versions = ">=3.0.0"
versions_note = "3.0.0 and later"
observable = "W: handshake"
mutant = "old key used"
"""

KNOWN_ISSUES = """
[[issue]]
id = "K-1"
requirement = "TLS-001"
tests = ["*::test_listed"]
versions = "==2.1.5"
reason = "The daemon answers in plaintext."
occurs = "always"
upstream = "bz#1"
pattern = "plaintext"
"""

CONFTEST = """
from pathlib import Path
from packaging.version import Version
from conformance.catalogue import Catalogue
from conformance.known_issues import KnownIssues
from conformance.plugin import CATALOGUE, KNOWN_ISSUES, VERSIONS

pytest_plugins = ["conformance.plugin"]

def pytest_addoption(parser):
    parser.addoption("--target", default="debian:bookworm")

def pytest_configure(config):
    here = Path(__file__).parent
    config.stash[CATALOGUE] = Catalogue.load(here / "catalogue")
    config.stash[KNOWN_ISSUES] = KnownIssues.load(here / "known_issues.toml")
    config.stash[VERSIONS] = {"daemon": Version("2.1.5"), "cluster": Version("3.0.1")}
"""

INI = """
[pytest]
testpaths = conformance
filterwarnings = error
addopts = -p no:hypothesispytest
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""

HEADER = """
import os, sys, time
import pytest
from conformance.deviation import Deviation, check
from containers.errors import EnvironmentProblem, WaitTimeout
from reports.verdict import Inconclusive
pytestmark = pytest.mark.requirement("TLS-001")
"""


@dataclass
class Inner:
    """A suite in a directory of its own, and how to run it."""

    pytester: pytest.Pytester

    @classmethod
    def make(cls, pytester: pytest.Pytester) -> Inner:
        """A suite without cases."""
        suite = cls(pytester)
        suite.write("pytest.ini", INI)
        suite.write("conftest.py", CONFTEST)
        suite.write("catalogue/tls.toml", CATALOGUE)
        suite.write("known_issues.toml", KNOWN_ISSUES)
        (suite.directory / "conformance").mkdir()
        return suite

    @property
    def directory(self) -> Path:
        return self.pytester.path

    def write(self, path: str, text: str) -> None:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def module(self, body: str, path: str = "conformance/daemon/test_tls.py") -> None:
        """A module of cases; all of them name TLS-001 unless they say more."""
        self.write(path, HEADER + body)

    def run(self, *args: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess("--report-dir=out", *args)

    def run_apart(self, *args: str) -> pytest.RunResult:
        """Run in a process of its own, as workers and signals want it."""
        return self.pytester.runpytest_subprocess("--report-dir=out", *args, timeout=60)

    def record(self) -> Run:
        return load(self.directory / "out" / "run.json")

    def only_test(self) -> Test:
        (test,) = self.record().tests
        return test
