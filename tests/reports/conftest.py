# SPDX-License-Identifier: GPL-2.0-or-later
"""A run with one test of each verdict, to be varied by the tests."""

from __future__ import annotations

import dataclasses

import pytest

from reports.coverage import outcomes
from reports.record import Ending, Failure, Harness, Requirement, Run, Target, Test
from reports.verdict import Verdict

IDS = ("TLS-001", "TLS-002", "FRM-001")


def _test(name: str, verdict: Verdict, **changes: object) -> Test:
    nodeid = f"conformance/daemon/test_tls.py::{name}"
    test = Test(
        nodeid=nodeid,
        subject="daemon/tls",
        requirements=("TLS-001",),
        beyond_version=(),
        killed_by=(),
        waits=0.0,
        verdict=verdict,
        duration=1.5,
        phases={"setup": 0.5, "call": 1.0},
        failure=None,
        known_issue=None,
        reason=None,
        detail=None,
        notes=(),
        evidence=(),
        again=f"pytest {nodeid} --target debian:trixie",
    )
    return dataclasses.replace(test, **changes)  # type: ignore[arg-type]


@pytest.fixture
def failure() -> Failure:
    return Failure(
        requirement="TLS-001 All traffic is TLS.", expected="a refusal", actual="an\nanswer"
    )


@pytest.fixture
def run(failure: Failure) -> Run:
    """Passed, failed, known, unsupported, inconclusive; FRM-001 is not reached."""
    tests = (
        _test("test_passed", Verdict.PASSED, requirements=("TLS-002",)),
        _test(
            "test_failed[a b]",
            Verdict.FAILED,
            failure=failure,
            detail="Traceback: <script>alert(1)</script>",
            evidence=("evidence/x-1/wire.txt", "evidence/x-1/a b&c.log"),
            notes=("no pcap",),
        ),
        _test(
            "test_known",
            Verdict.KNOWN,
            failure=failure,
            known_issue="K-1",
            reason="It exits at once.",
        ),
        _test("test_unsupported", Verdict.UNSUPPORTED, reason="needs 3.0"),
        _test("test_inconclusive", Verdict.INCONCLUSIVE, reason="no engine", detail="trace"),
    )
    found = outcomes(IDS, tests)
    return Run(
        run_id="20260102T030405Z-7",
        started="2026-01-02T03:04:05+00:00",
        ended="2026-01-02T03:05:05+00:00",
        duration=60.25,
        command=("pytest", "-n", "2"),
        ending=Ending.COMPLETE,
        exit_code=1,
        selected=5,
        errors=(),
        target=Target(
            spec="debian:trixie",
            description="Debian 13",
            daemon_version="3.0.0",
            cluster_version=None,
            engine="docker 20.10",
        ),
        harness=Harness(version="0.1.0", commit="abc123"),
        host={"name": "builder", "machine": "x86_64"},
        tests=tests,
        requirements=tuple(
            Requirement(
                id=id,
                area=id[:3],
                level="MUST",
                sentence=f"Sentence of {id}.",
                sources=("S:9.4.1",),
                versions=">=3.0.0",
                outcome=found[id],
            )
            for id in IDS
        ),
    )
