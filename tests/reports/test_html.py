# SPDX-License-Identifier: GPL-2.0-or-later
"""The page: complete, self-contained, and safe to open after a hostile test."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from reports import html
from reports.record import Ending, Failure, Run


def _page(run: Run, evidence_root: str = "") -> etree._Element:
    return etree.fromstring(html.render(run, evidence_root), etree.HTMLParser())


def _find(page: etree._Element, path: str, **variables: Any) -> list[Any]:
    found = page.xpath(path, **variables)
    assert isinstance(found, list)
    return found


def _text(element: etree._Element) -> str:
    return " ".join(str(part) for text in element.itertext() for part in str(text).split())


def test_every_test_and_requirement_is_there(run: Run) -> None:
    page = _page(run)
    for test in run.tests:
        assert _find(page, "//details[@id=$id]", id=f"test-{test.nodeid}")
    for requirement in run.requirements:
        (row,) = _find(page, "//tr[@id=$id]", id=requirement.id)
        assert requirement.sentence in _text(row)
        assert requirement.outcome in _text(row)
        assert "S:9.4.1" in _text(row)
        assert "MUST" in _text(row)


def test_what_needs_attention_comes_first(run: Run) -> None:
    shown = [element.get("data-said") for element in _page(run).iter("details")]
    assert [word for word in shown if word] == [
        "failed",
        "inconclusive",
        "known",
        "passed",
        "unsupported",
    ]


def test_failed_test_shows_all_that_is_known_of_it(run: Run) -> None:
    (details,) = _find(_page(run), "//details[contains(@class, 'failed')]")
    text = _text(details)
    for part in (
        "Sentence of TLS-001.",
        "Expected a refusal",
        "Actual an answer",
        "setup 500 ms, call 1.0 s",
        "no pcap",
        "--target debian:trixie",
        "Traceback: <script>alert(1)</script>",
    ):
        assert part in text


def test_requirements_row_leads_to_its_tests(run: Run) -> None:
    page = _page(run)
    (link,) = _find(page, "//tr[@id='TLS-002']//a")
    assert link.get("href") == "#test-conformance/daemon/test_tls.py%3A%3Atest_passed"
    assert _text(link) == "test_passed"


def test_areas_count_what_was_proved(run: Run) -> None:
    shares = [_text(link) for link in _find(_page(run), "//div[@class='areas']/a")]
    assert shares == ["TLS 1 of 2", "FRM 0 of 1"]


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "No deviation found"), (1, "Deviations found"), (3, "Not conclusive"), (4, "Nothing ran")],
)
def test_conclusion_is_the_heading(run: Run, code: int, words: str) -> None:
    (heading,) = _page(dataclasses.replace(run, exit_code=code)).iter("h1")
    assert _text(heading) == words


def test_run_that_was_cut_short_says_so(run: Run) -> None:
    cut = dataclasses.replace(run, ending=Ending.INTERRUPTED, selected=40, errors=("E: boom",))
    text = _text(_page(cut))
    assert "interrupted : 5 of 40 tests ran" in text
    assert "E: boom" in text


HOSTILE = "</script><script>alert(1)</script>\" onload='x' {{ 7*7 }} \x00\udcff"


def test_texts_are_escaped_wherever_they_stand(run: Run) -> None:
    test = dataclasses.replace(
        run.tests[1],
        nodeid=f"conformance/x.py::t[{HOSTILE}]",
        failure=Failure(requirement=HOSTILE, expected=HOSTILE, actual=HOSTILE),
        known_issue=HOSTILE,
        reason=HOSTILE,
        detail=HOSTILE,
        notes=(HOSTILE,),
        evidence=(f"evidence/x/{HOSTILE}".replace("\udcff", ""),),
        again=HOSTILE,
    )
    requirement = dataclasses.replace(run.requirements[0], sentence=HOSTILE, sources=(HOSTILE,))
    hostile = dataclasses.replace(
        run,
        tests=(test,),
        errors=(HOSTILE,),
        target=dataclasses.replace(run.target, spec=HOSTILE),
        requirements=(requirement, *run.requirements[1:]),
    )
    text = html.render(hostile)
    assert text.count("<script") == html.render(run).count("<script") == 1
    assert "alert(1)</script>" not in text
    assert "49" not in text.replace(run.run_id, "")
    page = etree.fromstring(text.replace("\x00", "").replace("\udcff", ""), etree.HTMLParser())
    assert not _find(page, "//@onload")


def test_page_needs_nothing_else(run: Run) -> None:
    page = _page(run)
    assert not _find(page, "//link | //@src | //iframe | //img")
    assert not re.search(r"https?:|url\(|@import", html.render(run))


@pytest.mark.parametrize(
    ("root", "href"),
    [
        ("", "evidence/x-1/a%20b%26c.log"),
        ("../run 7", "../run%207/evidence/x-1/a%20b%26c.log"),
    ],
)
def test_evidence_is_linked_from_where_the_page_lies(run: Run, root: str, href: str) -> None:
    links = _find(_page(run, root), "//dt[text()='Evidence']/following-sibling::dd[1]//a")
    assert [_text(link) for link in links] == ["wire.txt", "a b&c.log"]
    assert links[1].get("href") == href


def test_way_from_the_page_to_the_evidence(tmp_path: Path) -> None:
    record = tmp_path / "results" / "one" / "run.json"
    assert html.evidence_root(tmp_path / "results" / "one" / "x.html", record) == "."
    assert html.evidence_root(tmp_path / "pages" / "x.html", record) == "../results/one"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0421, "42 ms"), (1.25, "1.2 s"), (119.9, "119.9 s"), (605, "10 min 5 s")],
)
def test_durations_are_readable(run: Run, seconds: float, words: str) -> None:
    (header,) = _page(dataclasses.replace(run, duration=seconds)).iter("header")
    assert f", {words}" in _text(header)
