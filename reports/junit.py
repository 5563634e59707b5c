# SPDX-License-Identifier: GPL-2.0-or-later
"""The record as JUnit XML, in the dialect that CI servers read.

JUnit knows only pass, failure, error and skip. A deviation is a failure and an inconclusive test
an error; known and unsupported are skips whose message says so, because a CI server must neither
count them as passes nor turn red. Errors outside of any test become test cases of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from lxml import etree

from reports.record import Run, Test
from reports.text import case_lines, one_line
from reports.verdict import Verdict

# What XML 1.0 cannot carry, in any notation.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(run: Run) -> str:
    """The XML document, with one suite for the whole run."""
    counter = Counter(test.verdict for test in run.tests)
    errors = counter[Verdict.INCONCLUSIVE] + len(run.errors)
    suite = etree.Element(
        "testsuite",
        name="pacemaker-remote-conformance",
        tests=str(len(run.tests) + len(run.errors)),
        failures=str(counter[Verdict.FAILED]),
        errors=str(errors),
        skipped=str(counter[Verdict.KNOWN] + counter[Verdict.UNSUPPORTED]),
        time=f"{run.duration:.3f}",
        timestamp=_text(run.started),
        hostname=_text(run.host.get("name", "")),
    )
    _properties(
        suite,
        {
            "run": run.run_id,
            "target": run.target.spec,
            "daemon version": run.target.daemon_version or "unknown",
            "cluster version": run.target.cluster_version or "unknown",
            "harness": run.harness.commit or run.harness.version,
        }.items(),
    )
    for test in run.tests:
        _case(suite, test)
    for number, error in enumerate(run.errors, start=1):
        case = etree.SubElement(suite, "testcase", classname="harness", name=f"error {number}")
        _outcome(case, "error", one_line(error), error)
    root = etree.Element("testsuites")
    root.append(suite)
    document = etree.tostring(root, pretty_print=True, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{document}'


def _case(suite: etree._Element, test: Test) -> None:
    case = etree.SubElement(
        suite,
        "testcase",
        classname=_text(test.subject.replace("/", ".")),
        name=_text(test.nodeid.partition("::")[2]),
        time=f"{test.duration:.3f}",
    )
    _properties(case, [("requirement", named) for named in test.requirements])
    body = "\n".join([*case_lines(test), *([test.detail] if test.detail else [])])
    if test.verdict is Verdict.FAILED and test.failure is not None:
        _outcome(case, "failure", one_line(test.failure.actual), body)
    elif test.verdict is Verdict.INCONCLUSIVE:
        _outcome(case, "error", f"inconclusive: {one_line(test.reason or '')}", body)
    elif test.verdict is Verdict.KNOWN:
        _outcome(case, "skipped", f"known issue {test.known_issue}: {test.reason}", body)
    elif test.verdict is Verdict.UNSUPPORTED:
        _outcome(case, "skipped", f"unsupported: {test.reason}", None)


def _outcome(case: etree._Element, tag: str, message: str, body: str | None) -> None:
    element = etree.SubElement(case, tag, message=_text(message))
    if body is not None:
        element.text = _text(body)


def _properties(parent: etree._Element, pairs: Iterable[tuple[str, str]]) -> None:
    properties = etree.SubElement(parent, "properties")
    for name, value in pairs:
        etree.SubElement(properties, "property", name=name, value=_text(value))


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
