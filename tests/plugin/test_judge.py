# SPDX-License-Identifier: GPL-2.0-or-later
"""A known issue that occurs sometimes excuses its failure and is content with a pass."""

import re

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.catalogue import Catalogue
from conformance.deviation import Deviation
from conformance.judge import Case
from conformance.known_issues import KnownIssue
from reports.record import Test as Entry
from reports.verdict import Verdict


def close(*, sometimes: bool, error: Exception | None) -> Entry:
    issue = KnownIssue(
        id="race",
        requirement="FEN-002",
        tests=(),
        versions=SpecifierSet(),
        sometimes=sometimes,
        reason="r",
        upstream="u",
        pattern=re.compile("nobody"),
    )
    case = Case(
        nodeid="conformance/cluster/test_x.py::test_y",
        subject="cluster/x",
        requirements=[Catalogue.load()["FEN-002"]],
        version=Version("3.0.0"),
        issues=[issue],
        again="",
    )
    case.add_phase("setup", 0.0, None, "")
    case.add_phase("call", 0.0, error, "")
    case.add_phase("teardown", 0.0, None, "")
    return case.close([], [], "")


@pytest.mark.parametrize(
    ("sometimes", "error", "verdict"),
    [
        (True, None, Verdict.PASSED),
        (True, Deviation("r1 is fenced", "nobody is"), Verdict.KNOWN),
        (True, Deviation("r1 is fenced", "n1 was"), Verdict.FAILED),
        (False, None, Verdict.FAILED),
        (False, Deviation("r1 is fenced", "nobody is"), Verdict.KNOWN),
    ],
)
def test_verdict(sometimes: bool, error: Exception | None, verdict: Verdict) -> None:
    assert close(sometimes=sometimes, error=error).verdict is verdict
