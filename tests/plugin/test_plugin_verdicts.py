# SPDX-License-Identifier: GPL-2.0-or-later
"""What a case did, the verdict that the record holds, the exit code of the run."""

from __future__ import annotations

import pytest
from inner_suite import Inner

from reports.record import Ending, Outcome
from reports.verdict import ExitCode, Verdict

pytest_plugins = ["pytester"]

# Body of a test module, the verdict of its only test, the exit code.
OUTCOMES = {
    "pass": ("def test_x(): pass", Verdict.PASSED, ExitCode.CONFORMANT),
    "deviation": (
        "def test_x(): check(False, expected='a', actual='b')",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "assert": ("def test_x(): assert 1 == 2", Verdict.FAILED, ExitCode.DEVIATION),
    "error in the body": (
        "def test_x(): raise ConnectionResetError('by peer')",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "time-out in the body": (
        "def test_x(): raise WaitTimeout('r1 online', 5.0, 'r1 offline')",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "assertion of a fixture before": (
        "@pytest.fixture\ndef f(): assert False\ndef test_x(f): pass",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "assertion of a fixture after": (
        "@pytest.fixture\ndef f(): yield; pytest.fail('the daemon is gone')\ndef test_x(f): pass",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "assertion among several errors after": (
        "@pytest.fixture\ndef f(): yield; assert False\n"
        "@pytest.fixture\ndef g(): yield; raise OSError\n"
        "def test_x(f, g): pass",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "inconclusive body": (
        "def test_x(): raise Inconclusive('no netem')",
        Verdict.INCONCLUSIVE,
        ExitCode.HARNESS,
    ),
    "environment in the body": (
        "def test_x(): raise EnvironmentProblem('the engine is gone')",
        Verdict.INCONCLUSIVE,
        ExitCode.HARNESS,
    ),
    "error of a fixture before": (
        "@pytest.fixture\ndef f(): raise OSError\ndef test_x(f): pass",
        Verdict.INCONCLUSIVE,
        ExitCode.HARNESS,
    ),
    "time-out of a fixture": (
        "@pytest.fixture\ndef f(): raise WaitTimeout('quorum', 5.0, 'none')\ndef test_x(f): pass",
        Verdict.INCONCLUSIVE,
        ExitCode.HARNESS,
    ),
    "error of a fixture after": (
        "@pytest.fixture\ndef f(): yield; raise OSError\ndef test_x(f): pass",
        Verdict.INCONCLUSIVE,
        ExitCode.HARNESS,
    ),
    "failure, then error of a fixture": (
        "@pytest.fixture\ndef f(): yield; raise OSError\ndef test_x(f): assert False",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "unknown fixture": ("def test_x(nonsense): pass", Verdict.INCONCLUSIVE, ExitCode.HARNESS),
    "skip in the body": (
        "def test_x(): pytest.skip('no IPv6 here')",
        Verdict.UNSUPPORTED,
        ExitCode.NOTHING_RAN,
    ),
    "skip mark": (
        "@pytest.mark.skip(reason='not here')\ndef test_x(): pass",
        Verdict.UNSUPPORTED,
        ExitCode.NOTHING_RAN,
    ),
    "xfail mark changes nothing": (
        "@pytest.mark.xfail\ndef test_x(): assert False",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "known issue": (
        "def test_listed(): check(False, expected='TLS', actual='plaintext')",
        Verdict.KNOWN,
        ExitCode.CONFORMANT,
    ),
    "known issue, seen by a fixture": (
        "@pytest.fixture\ndef f(): yield; check(False, expected='TLS', actual='plaintext')\n"
        "def test_listed(f): pass",
        Verdict.KNOWN,
        ExitCode.CONFORMANT,
    ),
    "known issue that fails in another way": (
        "def test_listed(): check(False, expected='plaintext', actual='silence')",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "known issue that passes again": (
        "def test_listed(): pass",
        Verdict.FAILED,
        ExitCode.DEVIATION,
    ),
    "known issue that could not be asked": (
        "def test_listed(): raise Inconclusive('no netem')",
        Verdict.INCONCLUSIVE,
        ExitCode.HARNESS,
    ),
}


@pytest.mark.parametrize(("body", "verdict", "code"), OUTCOMES.values(), ids=OUTCOMES)
def test_verdict_and_exit_code(inner: Inner, body: str, verdict: Verdict, code: ExitCode) -> None:
    inner.module(body)
    result = inner.run()
    assert inner.only_test().verdict is verdict
    assert result.ret == code
    assert inner.record().exit_code == code


def test_failed_case_is_told_in_three_lines_then_where_to_look_and_how_to_repeat(
    inner: Inner,
) -> None:
    inner.module("""
def test_x(evidence):
    evidence.add("wire.txt", "bytes")
    check(False, expected="a refusal,\\nat once", actual="an answer")
""")
    result = inner.run("--target", "image:my image")
    lines = result.outlines
    start = lines.index("requirement: TLS-001 All traffic is TLS.")
    assert lines[start + 1 : start + 5] == [
        "expected: a refusal, at once",
        "actual: an answer",
        f"evidence: out/{inner.only_test().evidence[0]}",
        "again: pytest conformance/daemon/test_tls.py::test_x --target 'image:my image'",
    ]
    assert lines[start - 1].strip("_ ") == "test_x"


def test_plain_assert_is_told_in_the_requirements_words(inner: Inner) -> None:
    inner.module("def test_x():\n    assert 2 == 3, 'odd'")
    inner.run()
    failure = inner.only_test().failure
    assert failure is not None
    assert failure.expected == "All traffic is TLS."
    assert failure.actual.startswith("odd")
    assert "assert 2 == 3" in failure.actual


def test_timeout_in_the_body_tells_what_was_awaited(inner: Inner) -> None:
    inner.module("def test_x(): raise WaitTimeout('r1 is online', 5.0, 'r1 offline')")
    inner.run()
    failure = inner.only_test().failure
    assert failure is not None
    assert failure.expected == "r1 is online"
    assert "last seen: r1 offline" in failure.actual


def test_assertion_in_a_task_group_is_a_deviation(inner: Inner) -> None:
    inner.module("""
def test_x():
    inner = ExceptionGroup("tasks", [OSError("closed"), Deviation("an answer", "silence")])
    raise ExceptionGroup("groups", [inner])
""")
    inner.run()
    failure = inner.only_test().failure
    assert failure is not None
    assert (failure.expected, failure.actual) == ("an answer", "silence")


def test_known_issue_is_searched_in_what_was_seen_not_in_source_lines(inner: Inner) -> None:
    inner.module("""
def test_listed():
    plaintext = False  # the pattern's word, in the traceback only
    assert plaintext is None, "silence"
""")
    # The rewritten assertion shows values, not names.
    inner.run()
    test = inner.only_test()
    assert test.verdict is Verdict.FAILED
    assert "plaintext" in (test.detail or "")


def test_known_issue_tells_its_name_and_reason(inner: Inner) -> None:
    inner.module("def test_listed(): check(False, expected='TLS', actual='plaintext')")
    inner.run()
    test = inner.only_test()
    assert test.known_issue == "K-1"
    assert test.reason == "The daemon answers in plaintext. (bz#1)"
    assert test.failure is not None


def test_known_issue_that_passes_again_says_what_to_remove(inner: Inner) -> None:
    inner.module("def test_listed(): pass")
    result = inner.run("-x")
    failure = inner.only_test().failure
    assert failure is not None
    assert "remove K-1 from known_issues.toml" in failure.actual
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])  # pytest counts it too


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_known_issue_does_not_stop_a_run_that_stops_at_failures(
    inner: Inner, workers: tuple[str, ...]
) -> None:
    inner.module("""
def test_listed(): check(False, expected="TLS", actual="plaintext")
def test_next(): pass
""")
    assert inner.run_apart("-x", *workers).ret == ExitCode.CONFORMANT
    assert len(inner.record().tests) == 2
    assert inner.record().ending is Ending.COMPLETE


def test_second_trouble_of_a_test_becomes_a_note(inner: Inner) -> None:
    inner.module("""
@pytest.fixture
def f():
    yield
    raise OSError("not removed")
def test_x(f): assert False, "first"
""")
    inner.run()
    assert inner.only_test().notes == ("teardown was inconclusive: teardown: OSError: not removed",)


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="this pytest has no subtests")
def test_failed_subtest_is_a_deviation_of_its_test(inner: Inner) -> None:
    inner.module("""
def test_x(subtests):
    with subtests.test("one"): check(False, expected="a", actual="b")
    with subtests.test("two"): pass
""")
    assert inner.run_apart("-n1").ret == ExitCode.DEVIATION
    failure = inner.only_test().failure
    assert failure is not None
    assert failure.actual == "b"


def test_case_whose_body_is_left_out_is_no_pass(inner: Inner) -> None:
    inner.module("def test_x(): pass")
    assert inner.run("--setup-only").ret == ExitCode.HARNESS
    assert inner.only_test().verdict is Verdict.INCONCLUSIVE


def test_text_that_utf8_cannot_carry_is_kept_escaped(inner: Inner) -> None:
    inner.module("def test_x(): check(False, expected='text', actual='\\udcff')")
    inner.run_apart("-n1")
    failure = inner.only_test().failure
    assert failure is not None
    assert failure.actual == "\\udcff"


def test_coverage_of_the_catalogue(inner: Inner) -> None:
    inner.module("def test_x(): pass")
    inner.run()
    assert [(row.id, row.outcome) for row in inner.record().requirements] == [
        ("TLS-001", Outcome.PROVED),
        ("TLS-002", Outcome.NOT_REACHED),
    ]
