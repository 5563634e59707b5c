# SPDX-License-Identifier: GPL-2.0-or-later
"""JUnit XML as CI servers read it."""

from __future__ import annotations

import dataclasses

from lxml import etree

from reports import junit
from reports.record import Failure, Run


def _suite(run: Run) -> etree._Element:
    root = etree.fromstring(junit.render(run).encode())
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    return suite


def _case(run: Run, name: str) -> etree._Element:
    (case,) = (case for case in _suite(run).iter("testcase") if case.get("name") == name)
    return case


def test_totals(run: Run) -> None:
    attributes = _suite(run).attrib
    assert {name: attributes[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }
    assert attributes["time"] == "60.250"


def test_passed_case_has_no_outcome_element(run: Run) -> None:
    case = _case(run, "test_passed")
    assert [child.tag for child in case] == ["properties"]
    assert (case.get("classname"), case.get("time")) == ("daemon.tls", "1.500")


def test_case_names_its_requirements(run: Run) -> None:
    (named,) = _case(run, "test_passed").iter("property")
    assert (named.get("name"), named.get("value")) == ("requirement", "TLS-002")


def test_failed_case_is_a_failure_with_the_three_lines(run: Run) -> None:
    failure = _case(run, "test_failed[a b]").find("failure")
    assert failure is not None
    assert failure.get("message") == "an answer"
    assert (failure.text or "").splitlines()[:3] == [
        "requirement: TLS-001 All traffic is TLS.",
        "expected: a refusal",
        "actual: an answer",
    ]
    assert "<script>" in (failure.text or "")


def test_known_and_unsupported_are_skips_that_say_why(run: Run) -> None:
    messages = {
        case.get("name"): skipped.get("message")
        for case in _suite(run).iter("testcase")
        if (skipped := case.find("skipped")) is not None
    }
    assert messages == {
        "test_known": "known issue K-1: It exits at once.",
        "test_unsupported": "unsupported: needs 3.0",
    }


def test_inconclusive_is_an_error(run: Run) -> None:
    error = _case(run, "test_inconclusive").find("error")
    assert error is not None
    assert error.get("message") == "inconclusive: no engine"


def test_errors_outside_of_tests_are_cases(run: Run) -> None:
    run = dataclasses.replace(run, errors=("test_x.py: cannot be imported",))
    suite = _suite(run)
    assert (suite.get("tests"), suite.get("errors")) == ("6", "2")
    assert _case(run, "error 1").find("error") is not None


def test_what_xml_cannot_carry_is_replaced(run: Run, failure: Failure) -> None:
    nasty = dataclasses.replace(failure, actual="a\x00b\x1b[31m\udcff\ufffe ]]> &c")
    run = dataclasses.replace(run, tests=(dataclasses.replace(run.tests[1], failure=nasty),))
    element = _case(run, "test_failed[a b]").find("failure")
    assert element is not None
    assert element.get("message") == "a\ufffdb\ufffd[31m\ufffd\ufffd ]]> &c"
