# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m reports``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.record import Run
from reports.store import link_latest, write_all

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def record(run: Run, tmp_path: Path) -> Path:
    return write_all(run, tmp_path / "results" / "one")[0]


def test_run_leaves_three_files(run: Run, tmp_path: Path) -> None:
    files = write_all(run, tmp_path / "new" / "run")
    assert [path.name for path in files] == ["run.json", "junit.xml", "report.html"]
    assert sorted((tmp_path / "new" / "run").iterdir()) == sorted(files)


@pytest.mark.parametrize(("view", "name"), [("html", "report.html"), ("junit", "junit.xml")])
def test_view_is_made_again_beside_the_record(
    record: Path, view: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = record.with_name(name)
    before = made.read_text()
    made.unlink()
    assert main([view, str(record)]) == 0
    assert capsys.readouterr().out == f"{made}\n"
    assert made.read_text() == before


def test_page_elsewhere_links_back_to_the_evidence(record: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["html", str(record), "-o", str(page)]) == 0
    assert 'href="results/one/evidence/x-1/wire.txt"' in page.read_text()


def test_summary_goes_to_standard_output(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", str(record)]) == 0
    assert "1 passed, 1 failed" in capsys.readouterr().out


def test_timing_goes_to_standard_output(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timing", str(record)]) == 0
    assert "5 tests in 60.2 s" in capsys.readouterr().out


def test_summary_into_a_file(record: Path, tmp_path: Path) -> None:
    assert main(["summary", str(record), "-o", str(tmp_path / "s.txt")]) == 0
    assert "1 passed, 1 failed" in (tmp_path / "s.txt").read_text()


@pytest.mark.parametrize("view", ["html", "junit", "summary", "timing"])
def test_bad_record_is_one_sentence_and_exit_2(
    view: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"tests": []}')
    assert main([view, str(path)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == f"{path} is not the record of a conformance run.\n"


def test_output_that_cannot_be_written_is_one_sentence_and_exit_2(
    record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "nowhere" / "page.html"
    assert main(["html", str(record), "-o", str(target)]) == 2
    assert capsys.readouterr().err == f"{target} cannot be written: No such file or directory.\n"


def test_bad_command_line_is_exit_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["pdf", "run.json"])
    assert caught.value.code == 2


def test_module_runs_as_a_program(record: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reports", "summary", str(record)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "requirements: 1 proved" in done.stdout


def test_latest_leads_to_the_newest_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        link_latest(tmp_path / name)
    assert (tmp_path / "latest").resolve() == (tmp_path / "two").resolve()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "one", "two"]
