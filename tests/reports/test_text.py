# SPDX-License-Identifier: GPL-2.0-or-later
"""The record as plain text."""

from __future__ import annotations

import dataclasses

from reports.record import Ending, Run
from reports.text import LINE_LIMIT, case_lines, one_line, summary_lines


def test_failed_case_in_the_order_that_people_know(run: Run) -> None:
    assert list(case_lines(run.tests[1], "out/7")) == [
        "requirement: TLS-001 All traffic is TLS.",
        "expected: a refusal",
        "actual: an answer",
        "evidence: out/7/evidence/x-1/wire.txt out/7/evidence/x-1/a b&c.log",
        "note: no pcap",
        "again: pytest conformance/daemon/test_tls.py::test_failed[a b] --target debian:trixie",
    ]


def test_long_text_is_cut_visibly() -> None:
    line = one_line("word\n" * LINE_LIMIT)
    assert len(line) == LINE_LIMIT
    assert line.endswith("…")
    assert one_line(" a \n\t b ") == "a b"


def test_summary_tells_counts_then_what_to_act_on_then_coverage(run: Run) -> None:
    assert list(summary_lines(run)) == [
        "target: debian:trixie (Debian 13, daemon 3.0.0, docker 20.10)",
        "1 passed, 1 failed, 1 known, 1 unsupported, 1 inconclusive in 60.2 s",
        "failed: conformance/daemon/test_tls.py::test_failed[a b]: TLS-001: an answer",
        "inconclusive: conformance/daemon/test_tls.py::test_inconclusive: TLS-001: no engine",
        "known: conformance/daemon/test_tls.py::test_known: TLS-001: It exits at once.",
        "unsupported: 1 test: needs 3.0",
        "requirements: 1 proved, 1 failed, 1 not reached; 3 in the catalogue",
    ]


def test_equal_reasons_are_told_once(run: Run) -> None:
    skipped = run.tests[3]
    many = dataclasses.replace(run, tests=(skipped, skipped), selected=2)
    assert "unsupported: 2 tests: needs 3.0" in summary_lines(many)


def test_run_that_was_cut_short_says_so(run: Run) -> None:
    cut = dataclasses.replace(run, ending=Ending.STOPPED, selected=9, errors=("boom\nat x",))
    lines = list(summary_lines(cut))
    assert lines[1].endswith("; stopped, 5 of 9 tests ran")
    assert "error: boom at x" in lines


def test_empty_run_says_that_nothing_ran(run: Run) -> None:
    empty = dataclasses.replace(run, tests=(), selected=0)
    assert "no test ran in 60.2 s" in summary_lines(empty)
