# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole runs: workers, early ends, exit codes, files and evidence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from inner_suite import Inner

from reports.record import Ending
from reports.verdict import ExitCode, Verdict

pytest_plugins = ["pytester"]

MIXED = """
@pytest.mark.parametrize("n", range(6))
def test_ok(n, evidence):
    evidence.add("n.txt", str(n))
def test_bad(): check(False, expected="a", actual="b")
def test_listed(): check(False, expected="TLS", actual="plaintext")
def test_skip(): pytest.skip("not here")
def test_broken(): raise Inconclusive("no engine")
"""


@pytest.mark.parametrize("workers", [(), ("-n2",), ("-n2", "--dist=loadgroup")])
def test_record_is_the_same_with_and_without_workers(
    inner: Inner, workers: tuple[str, ...]
) -> None:
    inner.module(MIXED.replace("def test_bad", "@pytest.mark.xdist_group('g')\ndef test_bad"))
    result = inner.run_apart(*workers)
    run = inner.record()
    verdicts = {test.nodeid.partition("::")[2]: test.verdict for test in run.tests}
    assert verdicts == {
        **{f"test_ok[{n}]": Verdict.PASSED for n in range(6)},
        "test_bad": Verdict.FAILED,
        "test_listed": Verdict.KNOWN,
        "test_skip": Verdict.UNSUPPORTED,
        "test_broken": Verdict.INCONCLUSIVE,
    }
    assert result.ret == run.exit_code == ExitCode.DEVIATION
    assert run.ending is Ending.COMPLETE
    assert run.selected == len(run.tests) == 10
    assert all((inner.directory / "out" / path).exists() for t in run.tests for path in t.evidence)
    assert sum(len(test.evidence) for test in run.tests) == 6


def test_summary_counts_lists_and_ends_with_the_paths(inner: Inner) -> None:
    inner.module(MIXED)
    result = inner.run_apart()
    result.stdout.fnmatch_lines(
        [
            "conformance/daemon/test_tls.py ......Fku[?]*",
            "*= conformance =*",
            "target: debian:bookworm (daemon 2.1.5, cluster 3.0.1)",
            "6 passed, 1 failed, 1 known, 1 unsupported, 1 inconclusive in *",
            "failed: conformance/daemon/test_tls.py::test_bad: TLS-001: b",
            "inconclusive: conformance/daemon/test_tls.py::test_broken: TLS-001: call: no engine",
            "known: conformance/daemon/test_tls.py::test_listed: TLS-001: The daemon answers *",
            "unsupported: 1 test: not here",
            "requirements: 1 failed, 1 not reached; 2 in the catalogue",
        ]
    )
    assert result.outlines[-3:] == ["out/run.json", "out/junit.xml", "out/report.html"]


def test_verbose_run_shows_the_verdicts_words(inner: Inner) -> None:
    inner.module(MIXED)
    inner.run_apart("-v", "-n2").stdout.fnmatch_lines_random(
        ["*FAILED*test_bad*", "*KNOWN*test_listed*", "*UNSUPPORTED*", "*INCONCLUSIVE*"]
    )


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_empty_selection_is_nothing_ran(inner: Inner, workers: tuple[str, ...]) -> None:
    inner.module("def test_x(): pass")
    assert inner.run_apart("-k", "nosuchword", *workers).ret == ExitCode.NOTHING_RAN
    assert inner.record().tests == ()


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_missing_file_is_a_usage_error(inner: Inner, workers: tuple[str, ...]) -> None:
    result = inner.run_apart("conformance/nosuch.py", *workers)
    assert result.ret == ExitCode.USAGE
    assert not (inner.directory / "out").exists()


def test_report_directory_that_is_a_file_is_a_usage_error(inner: Inner) -> None:
    inner.module("def test_x(): pass")
    inner.write("out", "precious")
    result = inner.run()
    assert result.ret == ExitCode.USAGE
    assert "out exists and is not a directory" in result.stderr.str()
    assert (inner.directory / "out").read_text() == "precious"


def test_collecting_only_leaves_no_record(inner: Inner) -> None:
    inner.module("def test_x(): pass")
    assert inner.run("--collect-only").ret == pytest.ExitCode.OK
    assert inner.run("--fixtures").ret == pytest.ExitCode.OK
    assert not (inner.directory / "out").exists()


def test_stop_at_the_first_failure_is_told_in_the_record(inner: Inner) -> None:
    inner.module("def test_a(): pass\ndef test_b(): assert False\ndef test_c(): pass")
    assert inner.run("-x").ret == ExitCode.DEVIATION
    run = inner.record()
    assert run.ending is Ending.STOPPED
    assert (len(run.tests), run.selected) == (2, 3)


def test_run_that_stops_without_a_deviation_is_no_pass(inner: Inner) -> None:
    inner.module(
        "def test_a(): pass\ndef test_b(request): request.session.shouldstop = 'enough'\n"
        "def test_c(): pass"
    )
    assert inner.run().ret == ExitCode.HARNESS


def test_exit_by_a_fixture_keeps_its_code_and_reason(inner: Inner) -> None:
    inner.module("def test_a(): pass\ndef test_b(): pytest.exit('no engine', returncode=3)")
    assert inner.run().ret == ExitCode.HARNESS
    assert inner.record().errors == ("no engine",)


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_ctrl_c_is_a_harness_error_and_the_record_is_written(
    inner: Inner, workers: tuple[str, ...]
) -> None:
    inner.module("""
def test_a(evidence): evidence.add("a.txt", "a")
def test_b():
    open("waiting", "w").close()
    time.sleep(60)
""")
    command = [sys.executable, "-m", "pytest", "--report-dir=out", *workers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        deadline = time.monotonic() + 30
        while not Path("waiting").exists():
            assert time.monotonic() < deadline, "the inner run did not come to its second test"
            time.sleep(0.05)
        if workers:
            time.sleep(0.5)  # the first test's report is on its way to the controlling process
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == ExitCode.HARNESS, output.decode()
    run = inner.record()
    assert run.ending is Ending.INTERRUPTED
    assert [test.nodeid.partition("::")[2] for test in run.tests] == ["test_a"]
    assert b"out/run.json" in output


def test_ctrl_c_before_the_first_test_is_a_harness_error(inner: Inner) -> None:
    inner.write("conftest.py", CONFTEST_INTERRUPTED + (inner.directory / "conftest.py").read_text())
    inner.module("def test_a(): pass")
    assert inner.run_apart().ret == ExitCode.HARNESS


CONFTEST_INTERRUPTED = """
def pytest_sessionstart():
    raise KeyboardInterrupt
"""


def test_test_whose_worker_dies_is_inconclusive(inner: Inner) -> None:
    inner.module("def test_a(): os._exit(9)\ndef test_b(): pass")
    assert inner.run_apart("-n1").ret == ExitCode.HARNESS
    verdicts = {test.nodeid.partition("::")[2]: test.verdict for test in inner.record().tests}
    assert verdicts == {"test_a": Verdict.INCONCLUSIVE, "test_b": Verdict.PASSED}


def test_internal_error_is_a_harness_error_and_the_record_is_written(inner: Inner) -> None:
    conftest = (inner.directory / "conftest.py").read_text()
    inner.write(
        "conftest.py",
        conftest + "\ndef pytest_runtest_logfinish(nodeid):\n    raise RuntimeError('boom')\n",
    )
    inner.module("def test_a(): pass")
    assert inner.run().ret == ExitCode.HARNESS
    run = inner.record()
    assert run.ending is Ending.BROKEN
    assert "boom" in run.errors[0]


def test_view_that_cannot_be_made_is_a_harness_error_and_the_record_is_there(inner: Inner) -> None:
    conftest = (inner.directory / "conftest.py").read_text()
    inner.write("conftest.py", conftest + CONFTEST_NO_PAGE)
    inner.module("def test_a(): pass")
    result = inner.run_apart()
    assert result.ret == ExitCode.HARNESS
    assert len(inner.record().tests) == 1
    assert "no page today" in result.stdout.str()


CONFTEST_NO_PAGE = """
from reports import html

def broken(run):
    raise LookupError("no page today")

html.render = broken
"""


def test_trouble_after_ctrl_c_does_not_cost_the_record(inner: Inner) -> None:
    inner.module("""
@pytest.fixture(scope="session")
def f():
    yield
    raise OSError("cannot remove the container")
def test_a(f): pass
def test_b(f): raise KeyboardInterrupt
""")
    result = inner.run_apart()
    assert result.ret == ExitCode.HARNESS
    run = inner.record()
    assert run.ending is Ending.INTERRUPTED
    assert len(run.tests) == 1
    assert "cannot remove the container" in result.stdout.str()


def test_broken_catalogue_ends_the_run_with_its_sentence(inner: Inner) -> None:
    inner.write("known_issues.toml", "")
    conftest = inner.directory / "conftest.py"
    text = conftest.read_text().replace(
        '    config.stash[KNOWN_ISSUES] = KnownIssues.load(here / "known_issues.toml")\n', ""
    )
    conftest.write_text(text)  # so the project's own known issues meet the inner catalogue
    result = inner.run_apart()
    assert result.ret == ExitCode.HARNESS
    assert "there is no requirement" in result.stderr.str()


def test_report_directory_by_default_and_its_link(inner: Inner) -> None:
    inner.module("def test_x(): pass")
    inner.pytester.runpytest_inprocess()
    inner.pytester.runpytest_subprocess()
    results = inner.directory / "results"
    runs = sorted(path.name for path in results.iterdir() if not path.is_symlink())
    assert len(runs) == 2
    assert os.readlink(results / "latest") in runs
    assert (results / "latest" / "run.json").exists()


def test_target_told_by_a_worker_is_in_the_record(inner: Inner) -> None:
    conftest = (inner.directory / "conftest.py").read_text()
    inner.write("conftest.py", conftest + CONFTEST_TARGET)
    inner.module("def test_x(): pass")
    inner.run_apart("-n1")
    assert inner.record().target.engine == "docker 20.10"


CONFTEST_TARGET = """
from conformance.plugin import TARGET
from reports.record import Target

def pytest_runtest_setup(item):
    item.config.stash[TARGET] = Target(
        spec="debian:bookworm", description="Debian 12", daemon_version="2.1.5",
        cluster_version=None, engine="docker 20.10",
    )
"""


def test_evidence_is_kept_whatever_happens_to_its_collectors(inner: Inner) -> None:
    inner.module("""
def test_x(evidence):
    def broken(): raise OSError("no tshark")
    def skipping(): pytest.skip("no")
    evidence.on_finish(broken)
    evidence.on_finish(skipping)
    evidence.on_finish(lambda: evidence.add("late.txt", "late"))
    evidence.add("deep/er.bin", b"\\x00")
    evidence.add("twice.txt", "1")
    evidence.add("twice.txt", "2")
""")
    assert inner.run().ret == ExitCode.CONFORMANT
    test = inner.only_test()
    assert [path.split("/", 2)[2] for path in test.evidence] == [
        "deep/er.bin",
        "late.txt",
        "twice-2.txt",
        "twice.txt",
    ]
    assert len(test.notes) == 2
    assert "OSError: no tshark" in test.notes[0]


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "", "."])
def test_evidence_stays_in_its_directory(inner: Inner, name: str) -> None:
    inner.module(
        f"def test_x(evidence):\n    with pytest.raises(ValueError):\n"
        f"        evidence.add({name!r}, 'x')"
    )
    assert inner.run().ret == ExitCode.CONFORMANT


def test_second_run_into_the_same_directory_keeps_no_old_evidence(inner: Inner) -> None:
    inner.module("def test_x(evidence): evidence.add('old.txt', '')")
    inner.run_apart()
    inner.module("def test_x(evidence): evidence.add('new.txt', '')")
    inner.run_apart()
    assert [path.split("/", 2)[2] for path in inner.only_test().evidence] == ["new.txt"]
    (directory,) = (inner.directory / "out" / "evidence").iterdir()
    assert [path.name for path in directory.iterdir()] == ["new.txt"]


def test_captured_output_is_kept_for_failures(inner: Inner) -> None:
    inner.module("def test_x():\n    print('last words')\n    assert False")
    result = inner.run()
    assert "last words" in (inner.only_test().detail or "")
    assert result.outlines.count("last words") == 1
