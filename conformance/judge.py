# SPDX-License-Identifier: GPL-2.0-or-later
"""From what happened in a test to its verdict.

A test has three phases: setup and teardown belong to its fixtures, call is its body. What a phase
raised decides what it says:

- nothing: the phase passed;
- a skip: the target lacks what the test needs, so it is unsupported;
- an assertion (``AssertionError``, so also ``Deviation``; ``pytest.fail``): the target deviates.
  Fixtures assert too, such as "the daemon is still alive" when the test is over;
- ``Inconclusive``, an ``EnvironmentProblem`` of the containers, or an error of their engine: the
  harness could not find out;
- ``WaitTimeout`` in the body: what the test waited for is what the requirement promises, so this
  is a deviation; in a fixture, it is a problem of the environment like any other;
- anything else: in the body, the target made the test stumble, which nobody may overlook, so it
  is a deviation; in a fixture, the harness could not find out.

If an exception is a group, because several finalizers failed or tasks ran side by side, its leaves
are looked at, and an assertion among them decides.

A deviation that a known issue of the target's version describes makes the phase "known": the
issue's pattern is searched in what was *actually* seen, never in the source lines of a traceback.
The phase with the worst news speaks for the test. If there was no bad news although a known issue
promises some, the test fails: the list is out of date. Only an issue that occurs sometimes, a race
in the target, promises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from docker.errors import DockerException
from packaging.version import Version
from requests import RequestException

from conformance.catalogue import Requirement
from conformance.deviation import Deviation
from conformance.known_issues import KnownIssue
from containers.errors import EnvironmentProblem, WaitTimeout
from reports.record import Failure, Test
from reports.verdict import Inconclusive, Verdict

# What is never the target's doing: the harness says so, or its engine failed.
_OBSTACLES = (Inconclusive, EnvironmentProblem, DockerException, RequestException)

# Of the phases of one test, the first of these that occurs.
_PRECEDENCE = (
    Verdict.FAILED,
    Verdict.INCONCLUSIVE,
    Verdict.KNOWN,
    Verdict.UNSUPPORTED,
    Verdict.PASSED,
)


@dataclass(frozen=True)
class Finding:
    """What one phase says."""

    verdict: Verdict
    expected: str | None = None
    """What the test itself said that it expected."""
    actual: str = ""
    reason: str | None = None
    issue: str | None = None


@dataclass
class Case:
    """One test in progress: gathers its phases, then makes its entry of the record."""

    nodeid: str
    subject: str
    requirements: Sequence[Requirement]
    version: Version | None
    """Of the side that decides; ``None`` if it is not known."""
    issues: Sequence[KnownIssue]
    """Those that promise a failure of this test on this version."""
    again: str
    killed_by: Sequence[str] = ()
    """Misbehaviours of a fake daemon that must make it fail."""
    waits: float = 0.0
    """Seconds that the requirement itself makes it wait."""
    _findings: list[tuple[str, Finding]] = field(default_factory=list)
    _phases: dict[str, float] = field(default_factory=dict)
    _traces: list[str] = field(default_factory=list)

    @property
    def beyond_version(self) -> tuple[str, ...]:
        """Ids of the requirements that do not apply to the version; none if it is not known."""
        version = self.version
        if version is None:
            return ()
        return tuple(row.id for row in self.requirements if not row.applies_to(version))

    def add_phase(
        self, when: str, seconds: float, error: BaseException | None, trace: str
    ) -> Finding:
        """Take note of a phase; ``trace`` is the traceback as text, empty if there is none.

        A test with subtests comes with one call for each of them before its own.
        """
        finding = self._match(judge(when, error))
        self._findings.append((when, finding))
        self._phases[when] = seconds
        if trace and finding.verdict is not Verdict.UNSUPPORTED:
            self._traces.append(trace)
        return finding

    def close(self, evidence: Sequence[str], notes: Sequence[str], output: str) -> Test:
        """The entry of the record. ``output`` is what was captured while the test ran."""
        finding = self._verdict()
        verdict = finding.verdict
        deviates = verdict in (Verdict.FAILED, Verdict.KNOWN)
        quiet = verdict in (Verdict.PASSED, Verdict.UNSUPPORTED)
        detail = "\n".join([*self._traces, *([output] if output else [])])
        return Test(
            nodeid=self.nodeid,
            subject=self.subject,
            requirements=tuple(row.id for row in self.requirements),
            beyond_version=self.beyond_version,
            killed_by=tuple(self.killed_by),
            waits=self.waits,
            verdict=verdict,
            duration=sum(self._phases.values()),
            phases=dict(self._phases),
            failure=self._failure(finding) if deviates else None,
            known_issue=finding.issue,
            reason=finding.reason,
            detail=None if quiet or not detail else detail,
            notes=(*self._other_findings(finding), *notes),
            evidence=tuple(evidence),
            again=self.again,
        )

    def _match(self, finding: Finding) -> Finding:
        if finding.verdict is not Verdict.FAILED:
            return finding
        for issue in self.issues:
            if issue.pattern.search(finding.actual):
                return Finding(
                    Verdict.KNOWN,
                    finding.expected,
                    finding.actual,
                    reason=f"{issue.reason} ({issue.upstream})",
                    issue=issue.id,
                )
        return finding

    def _verdict(self) -> Finding:
        findings = [finding for _, finding in self._findings]
        worst = min(findings, key=lambda finding: _PRECEDENCE.index(finding.verdict))
        if worst.verdict is not Verdict.PASSED:
            return worst
        if "call" not in self._phases:
            return Finding(Verdict.INCONCLUSIVE, reason="the body of the test was not run")
        if any(not issue.sometimes for issue in self.issues):
            return self._outdated()
        return worst

    def _outdated(self) -> Finding:
        outdated = [issue for issue in self.issues if not issue.sometimes]
        names = " and ".join(issue.id for issue in outdated)
        return Finding(
            Verdict.FAILED,
            expected=f"a failure as known issue {names} describes it for {self.version}",
            actual=f"the test passed: remove {names} from known_issues.toml or narrow its versions",
            issue=outdated[0].id,
        )

    def _failure(self, finding: Finding) -> Failure:
        sentences = "; ".join(f"{row.id} {row.sentence}" for row in self.requirements)
        expected = "; ".join(row.sentence for row in self.requirements)
        return Failure(
            requirement=sentences,
            expected=expected if finding.expected is None else finding.expected,
            actual=finding.actual,
        )

    def _other_findings(self, chosen: Finding) -> Iterator[str]:
        for when, finding in self._findings:
            if finding is not chosen and finding.verdict is not Verdict.PASSED:
                yield f"{when} was {finding.verdict}: {finding.reason or finding.actual}"


def judge(when: str, error: BaseException | None) -> Finding:
    """What a phase says that ended with this error; known issues are not considered."""
    if error is None:
        return Finding(Verdict.PASSED)
    leaves = list(_leaves(error))
    assertion = _first(leaves, (AssertionError, pytest.fail.Exception))
    if assertion is not None:
        expected = clean(assertion.expected) if isinstance(assertion, Deviation) else None
        return Finding(Verdict.FAILED, expected, _actual(assertion))
    skip = _first(leaves, (pytest.skip.Exception,))
    if skip is not None and len(leaves) == 1:
        return Finding(Verdict.UNSUPPORTED, reason=clean(str(skip)) or "skipped without a reason")
    timeout = _first(leaves, (WaitTimeout,))
    if when == "call" and isinstance(timeout, WaitTimeout):
        return Finding(Verdict.FAILED, clean(timeout.awaited), clean(str(timeout)))
    obstacle = _first(leaves, _OBSTACLES)
    if when == "call" and obstacle is None:
        return Finding(Verdict.FAILED, actual=_actual(leaves[0]))
    reason = _actual(obstacle or leaves[0])
    return Finding(Verdict.INCONCLUSIVE, reason=f"{when}: {reason}")


def clean(text: str) -> str:
    """The text with everything escaped that UTF-8 cannot carry, such as bytes of a bad peer."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _first(
    errors: Sequence[BaseException], kinds: tuple[type[BaseException], ...]
) -> BaseException | None:
    return next((error for error in errors if isinstance(error, kinds)), None)


def _actual(error: BaseException) -> str:
    if isinstance(error, Deviation):
        return clean(error.actual)
    text = clean(str(error)).strip()
    speaks = isinstance(error, (AssertionError, pytest.fail.Exception, Inconclusive))
    if speaks and text:
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name
