# SPDX-License-Identifier: GPL-2.0-or-later
"""The marks: naming requirements, and which versions can be asked. 2.1.5 is the inner suite's
daemon and 3.0.1 its cluster; TLS-002 applies to 3.0.0 and later."""

from __future__ import annotations

import pytest
from inner_suite import Inner

from reports.record import Outcome
from reports.verdict import ExitCode, Verdict

pytest_plugins = ["pytester"]

WRONG_MARKS = {
    "no requirement": (
        "def test_x(): pass",
        "conformance/daemon/test_m.py::test_x names no requirement",
    ),
    "empty requirement": ("@pytest.mark.requirement()\ndef test_x(): pass", "names no requirement"),
    "unknown requirement": (
        "@pytest.mark.requirement('TLS-999')\ndef test_x(): pass",
        "names requirement 'TLS-999', which the catalogue does not have",
    ),
    "requirement that is no text": (
        "@pytest.mark.requirement(7)\ndef test_x(): pass",
        "names requirement 7, which",
    ),
    "one parameter without": (
        "@pytest.mark.parametrize('p', [pytest.param(1, marks=pytest.mark.requirement('TLS-001')),"
        " 2])\ndef test_x(p): pass",
        "test_x[[]2] names no requirement",
    ),
    "method without": ("class TestX:\n    def test_x(self): pass", "names no requirement"),
    "bad specifier": (
        "@pytest.mark.requirement('TLS-001')\n@pytest.mark.versions('new', reason='r')\n"
        "def test_x(): pass",
        "without a PEP 440 specifier: ('new',)",
    ),
    "no specifier": (
        "@pytest.mark.requirement('TLS-001')\n@pytest.mark.versions(reason='r')\n"
        "def test_x(): pass",
        "without a PEP 440 specifier",
    ),
    "no reason": (
        "@pytest.mark.requirement('TLS-001')\n@pytest.mark.versions('>=3')\ndef test_x(): pass",
        "versions mark without a reason",
    ),
    "no such side": (
        "@pytest.mark.requirement('TLS-001')\n@pytest.mark.decided_by('pcs')\ndef test_x(): pass",
        'must say decided_by("daemon") or decided_by("cluster")',
    ),
    "killed by nothing": (
        "@pytest.mark.requirement('TLS-001')\n@pytest.mark.killed_by()\ndef test_x(): pass",
        "has a killed_by mark that names no misbehaviour",
    ),
    "waits how long": (
        "@pytest.mark.requirement('TLS-001')\n@pytest.mark.waits('long')\ndef test_x(): pass",
        "must say how many seconds it waits",
    ),
}


@pytest.mark.parametrize(("body", "sentence"), WRONG_MARKS.values(), ids=WRONG_MARKS)
def test_wrong_mark_is_a_collection_error_of_one_sentence(
    inner: Inner, body: str, sentence: str
) -> None:
    inner.write("conformance/daemon/test_m.py", f"import pytest\n{body}\n")
    result = inner.run()
    result.stdout.fnmatch_lines([f"*{sentence}*"])
    assert result.ret == ExitCode.HARNESS
    (error,) = inner.record().errors
    assert "\n" not in error


def test_collection_error_in_workers_ends_the_run_alike(inner: Inner) -> None:
    inner.module("def test_fine(): pass")
    inner.write("conformance/daemon/test_m.py", "def test_x(): pass\n")
    assert inner.run_apart("-n2").ret == ExitCode.HARNESS
    assert len(inner.record().errors) == 1


def test_tests_of_the_harness_need_no_requirement_and_leave_no_record(inner: Inner) -> None:
    inner.write("tests/test_own.py", "def test_x(evidence): pass\n")
    result = inner.run("tests")
    assert result.ret == pytest.ExitCode.OK
    assert not (inner.directory / "out").exists()


def test_harness_test_that_fails_beside_cases_is_a_harness_error(inner: Inner) -> None:
    inner.module("def test_x(): pass")
    inner.write("tests/test_own.py", "def test_y(): assert False\n")
    assert inner.run("conformance", "tests").ret == ExitCode.HARNESS
    assert len(inner.record().tests) == 1


# Marks and folder of a test, and whether the inner suite's versions can be asked.
ASKED = {
    "requirement of later versions": ("daemon", "requirement('TLS-002')", False),
    "of the cluster's version": ("controller", "requirement('TLS-002')", True),
    "decided by the daemon": (
        "cluster",
        "requirement('TLS-002')\n@pytest.mark.decided_by('daemon')",
        False,
    ),
    "decided by the cluster": (
        "daemon",
        "requirement('TLS-002')\n@pytest.mark.decided_by('cluster')",
        True,
    ),
    "one of two applies": ("daemon", "requirement('TLS-001', 'TLS-002')", True),
    "versions mark excludes": (
        "daemon",
        "requirement('TLS-001')\n@pytest.mark.versions('>=2.1.6', reason='new tool')",
        False,
    ),
    "versions mark includes": (
        "daemon",
        "requirement('TLS-001')\n@pytest.mark.versions('<2.1.6', reason='old tool')",
        True,
    ),
}


@pytest.mark.parametrize(("folder", "marks", "asked"), ASKED.values(), ids=ASKED)
def test_which_versions_are_asked(inner: Inner, folder: str, marks: str, asked: bool) -> None:
    inner.write(
        f"conformance/{folder}/test_m.py",
        f"import pytest\n@pytest.mark.{marks}\ndef test_x(): open('ran', 'w').close()\n",
    )
    result = inner.run()
    assert inner.only_test().verdict is (Verdict.PASSED if asked else Verdict.UNSUPPORTED)
    assert (inner.directory / "ran").exists() is asked
    assert result.ret == (ExitCode.CONFORMANT if asked else ExitCode.NOTHING_RAN)


def test_unsupported_says_why_and_prepares_nothing(inner: Inner) -> None:
    inner.write(
        "conformance/daemon/test_m.py",
        "import pytest\n"
        "@pytest.fixture\ndef cluster(): raise OSError\n"
        "@pytest.mark.requirement('TLS-002')\ndef test_x(cluster): pass\n",
    )
    result = inner.run()
    reason = "TLS-002 applies to >=3.0.0; the daemon under test is 2.1.5"
    assert inner.only_test().reason == reason
    result.stdout.fnmatch_lines([f"unsupported: 1 test: {reason}"])


def test_requirement_beyond_the_version_is_not_proved_by_a_pass(inner: Inner) -> None:
    inner.module("@pytest.mark.requirement('TLS-002')\ndef test_x(): pass")
    inner.run()
    assert inner.only_test().beyond_version == ("TLS-002",)
    assert [row.outcome for row in inner.record().requirements] == [
        Outcome.PROVED,
        Outcome.UNSUPPORTED,
    ]


@pytest.mark.parametrize("versions", ['{"daemon": None, "cluster": None}', "{}"])
def test_unknown_version_excludes_nothing_and_excuses_nothing(inner: Inner, versions: str) -> None:
    conftest = inner.directory / "conftest.py"
    text, _, _ = conftest.read_text().partition("    config.stash[VERSIONS]")
    conftest.write_text(f"{text}    config.stash[VERSIONS] = {versions}\n")
    inner.module("""
@pytest.mark.requirement("TLS-002")
def test_listed(): check(False, expected="TLS", actual="plaintext")
""")
    inner.run()
    assert inner.only_test().verdict is Verdict.FAILED
    assert inner.record().target.daemon_version is None


ORDERED = """
def note(name):
    with open("order", "a") as order:
        order.write(name)

def test_a(): note("a")

@pytest.mark.waits(10)
def test_b(): note("b")

def test_c(): note("c")

@pytest.mark.waits(60)
def test_d(): note("d")
"""


def test_cases_that_wait_longest_begin_first_each_with_one_that_does_not(inner: Inner) -> None:
    inner.module(ORDERED)
    inner.run()
    assert (inner.directory / "order").read_text() == "dabc"
    assert {test.nodeid[-1]: test.waits for test in inner.record().tests} == {
        "a": 0.0,
        "b": 10.0,
        "c": 0.0,
        "d": 60.0,
    }


def test_record_tells_what_must_kill_a_case(inner: Inner) -> None:
    inner.module("@pytest.mark.killed_by('lies', 'sleeps')\ndef test_x(): pass\n")
    inner.run()
    assert inner.only_test().killed_by == ("lies", "sleeps")
