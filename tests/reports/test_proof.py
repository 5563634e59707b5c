# SPDX-License-Identifier: GPL-2.0-or-later
"""The proof that tests can fail, made from records, and its views."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from lxml import etree

from reports.__main__ import main
from reports.proof import Proof, Result, prove
from reports.proof_views import proof_lines, render, summary_lines
from reports.record import Ending, Failure, Run, Test, save
from reports.verdict import Verdict

ONE, TWO = "conformance/daemon/test_a.py::one", "conformance/daemon/test_a.py::two[a|b]"
PASSED, FAILED = Verdict.PASSED, Verdict.FAILED
#: The bugs that each test names, and its requirements.
NAMES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ONE: (("deaf",), ("TLS-001",)),
    TWO: (("deaf", "mute"), ("TLS-001", "TLS-002")),
}


@dataclasses.dataclass
class Records:
    """Makes records of runs against fake daemons out of one that holds all the rest."""

    like: Run
    failure: Failure

    def run(self, spec: str, verdicts: Mapping[str, Verdict], release: str = "3.0.3") -> Run:
        return dataclasses.replace(
            self.like,
            target=dataclasses.replace(self.like.target, spec=spec, daemon_version=release),
            tests=tuple(self._test(nodeid, verdict) for nodeid, verdict in verdicts.items()),
            requirements=tuple(
                dataclasses.replace(row, level="MUST" if row.id == "TLS-001" else "MAY")
                for row in self.like.requirements
            ),
        )

    def _test(self, nodeid: str, verdict: Verdict) -> Test:
        killed_by, requirements = NAMES[nodeid]
        return dataclasses.replace(
            self.like.tests[0],
            nodeid=nodeid,
            killed_by=killed_by,
            requirements=requirements,
            verdict=verdict,
            failure=self.failure if verdict is FAILED else None,
        )

    def good(self) -> list[Run]:
        """Every mutant is killed by every test that names it."""
        return [
            self.run("fake@3.0.3", {ONE: PASSED, TWO: PASSED}),
            self.run("fake:deaf", {ONE: FAILED, TWO: Verdict.INCONCLUSIVE}),
            self.run("fake:mute@3.0.3", {ONE: PASSED, TWO: FAILED}),
        ]


@pytest.fixture
def records(run: Run, failure: Failure) -> Records:
    return Records(run, failure)


def _results(proof: Proof) -> list[tuple[str, str, str, str]]:
    return [
        (trial.requirement.id, trial.nodeid, trial.mutant, trial.why or trial.result)
        for trial in proof.trials
    ]


def _unproved(runs: Sequence[Run]) -> dict[str, str]:
    return {entry.requirement.id: entry.why for entry in prove(runs).unproved}


def test_trials_are_told_by_requirement_test_and_mutant(records: Records) -> None:
    proof = prove(records.good())
    assert _results(proof) == [
        ("TLS-001", ONE, "deaf", "killed"),
        ("TLS-001", TWO, "deaf", "killed"),
        ("TLS-001", TWO, "mute@3.0.3", "killed"),
        ("TLS-002", TWO, "deaf", "killed"),
        ("TLS-002", TWO, "mute@3.0.3", "killed"),
    ]
    assert proof.unproved == ()
    assert proof.totals() == {"MUST": (1, 1), "MAY": (1, 1)}
    assert proof.results() == {Result.KILLED: 3, Result.SURVIVED: 0, Result.NOT_SHOWN: 0}
    assert proof.exit_code() == 0


def test_mutant_survives_a_test_that_passes(records: Records) -> None:
    sound, deaf, _ = records.good()
    proof = prove([sound, deaf, records.run("fake:mute", {ONE: PASSED, TWO: PASSED})])
    assert ("TLS-002", TWO, "mute", "survived") in _results(proof)
    assert proof.results()[Result.SURVIVED] == 1
    assert proof.unproved == (), "another mutant of the test was killed"
    assert proof.exit_code() == 1


def test_mutant_that_no_test_names_survives(records: Records) -> None:
    proof = prove([*records.good(), records.run("fake:blind", {ONE: PASSED, TWO: PASSED})])
    assert proof.unsought == ("blind",)
    assert proof.exit_code() == 1
    assert "survived: blind: no test names it" in summary_lines(proof)


@pytest.mark.parametrize(
    ("control", "why"),
    [
        (Verdict.FAILED, "the test is failed against a well-behaved daemon"),
        (Verdict.UNSUPPORTED, "the test is unsupported against a well-behaved daemon"),
        (None, "the test was not run against a well-behaved daemon"),
    ],
)
def test_test_that_does_not_pass_without_the_bug_shows_nothing(
    records: Records, control: Verdict | None, why: str
) -> None:
    sound = records.run("fake", {ONE: control} if control else {})
    runs = [sound, records.run("fake:deaf", {ONE: FAILED})]
    assert _results(prove(runs)) == [("TLS-001", ONE, "deaf", why)]
    assert _unproved(runs) == {"TLS-001": why}


def test_the_well_behaved_daemon_of_the_same_release_counts(records: Records) -> None:
    sound = records.run("fake@3.0.3", {ONE: PASSED})
    old = records.run("fake:deaf@2.1.5", {ONE: FAILED}, release="2.1.5")
    assert prove([sound, old]).results()[Result.NOT_SHOWN] == 1
    old_sound = records.run("fake@2.1.5", {ONE: PASSED}, release="2.1.5")
    assert prove([sound, old, old_sound]).results()[Result.KILLED] == 1


def test_requirement_beyond_the_mutants_release_is_not_proved_by_it(records: Records) -> None:
    sound, deaf, _ = records.good()
    beyond = tuple(dataclasses.replace(test, beyond_version=("TLS-001",)) for test in deaf.tests)
    runs = [sound, dataclasses.replace(deaf, tests=beyond)]
    assert _unproved(runs) == {
        "TLS-001": "the mutant's release cannot be asked; the mutant was not run"
    }


def test_unproved_requirements_tell_why_and_begin_with_musts(records: Records) -> None:
    sound = records.run("fake", {ONE: PASSED, TWO: Verdict.UNSUPPORTED})
    nameless = tuple(dataclasses.replace(test, killed_by=()) for test in sound.tests)
    named = {ONE: "no mutant is named", TWO: "no fake daemon can be asked"}
    assert _unproved([dataclasses.replace(sound, tests=nameless)]) == {
        "TLS-001": f"{named[ONE]}; {named[TWO]}",
        "TLS-002": named[TWO],
    }
    levels = {"TLS-001": "SHOULD", "TLS-002": "MUST", "FRM-001": "MAY"}
    rows = tuple(
        dataclasses.replace(row, level=levels[row.id]) for row in records.like.requirements
    )
    assert list(_unproved([dataclasses.replace(sound, tests=nameless, requirements=rows)])) == [
        "TLS-002",
        "TLS-001",
    ]


def test_text_is_table_then_unproved_then_summary(records: Records) -> None:
    sound, _, mute = records.good()
    assert list(proof_lines(prove([sound, mute]))) == [
        "TLS-001  MUST  test_a.py::one       deaf        not shown: the mutant was not run",
        "TLS-001  MUST  test_a.py::two[a|b]  deaf        not shown: the mutant was not run",
        "TLS-001  MUST  test_a.py::two[a|b]  mute@3.0.3  killed",
        "TLS-002  MAY   test_a.py::two[a|b]  deaf        not shown: the mutant was not run",
        "TLS-002  MAY   test_a.py::two[a|b]  mute@3.0.3  killed",
        "mutants: 1; well-behaved daemons: 3.0.3; suite: 0.1.0 at abc123",
        "tests and the mutants that they name: 1 killed, 0 survived, 2 not shown",
        "MUST: 1 of 1 have a killed mutant",
        "MAY: 1 of 1 have a killed mutant",
    ]
    assert next(proof_lines(prove([sound]))).endswith("the mutant was not run")
    unproved = [line for line in proof_lines(prove([sound])) if line.startswith("unproved: ")]
    assert unproved == [
        "unproved: TLS-001 MUST: Sentence of TLS-001. (the mutant was not run)",
        "unproved: TLS-002 MAY: Sentence of TLS-002. (the mutant was not run)",
    ]


def test_page_tells_all_and_survives_what_it_tells(records: Records) -> None:
    sound, deaf, _ = records.good()
    hostile = dataclasses.replace(sound.requirements[0], sentence="<script>alert(1)</script>")
    rows = (hostile, *sound.requirements[1:])
    runs = [dataclasses.replace(run, requirements=rows) for run in (sound, deaf)]
    alive = [runs[0], dataclasses.replace(runs[1], tests=runs[0].tests)]
    page = etree.fromstring(render(prove(alive), Path("p.html")), etree.HTMLParser())
    text = " ".join(str(part) for part in page.itertext())
    assert page.findtext(".//h1") == "A mutant survived"
    for told in ("TLS-002", "test_a.py::two[a|b]", "deaf", "survived", hostile.sentence):
        assert told in text
    assert page.findall(".//script") == []


def test_markdown_keeps_its_tables_whole(records: Records) -> None:
    text = render(prove(records.good()), Path("p.md"))
    assert r"| TLS-001 | MUST | test\_a.py::two\[a\|b\] | deaf | killed |" in text.splitlines()
    assert "None." in text.splitlines()


# --- The command


def _store(runs: Sequence[Run], directory: Path) -> Path:
    for number, run in enumerate(runs):
        (directory / str(number)).mkdir(parents=True)
        save(run, directory / str(number) / "run.json")
    return directory


def test_command_prints_the_proof(
    records: Records, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = _store(records.good(), tmp_path)
    assert main(["proof", str(directory)]) == 0
    assert capsys.readouterr().out.splitlines() == list(proof_lines(prove(records.good())))


@pytest.mark.parametrize("name", ["proof.html", "proof.md", "proof.txt"])
def test_command_writes_the_proof_and_prints_its_summary(
    records: Records, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    assert main(["proof", str(_store(records.good(), tmp_path)), "-o", str(file)]) == 0
    proof = prove(records.good())
    assert capsys.readouterr().out.splitlines() == [*summary_lines(proof), str(file)]
    assert file.read_text() == render(proof, file)


def test_command_ends_with_1_if_a_mutant_survived(records: Records, tmp_path: Path) -> None:
    sound, *_ = records.good()
    deaf = records.run("fake:deaf", {ONE: PASSED})
    assert main(["proof", str(_store([sound, deaf], tmp_path))]) == 1


def test_command_ends_with_2_if_the_file_cannot_be_written(
    records: Records, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nowhere" / "proof.html"
    assert main(["proof", str(_store(records.good(), tmp_path)), "-o", str(file)]) == 2
    assert capsys.readouterr().err == f"{file} cannot be written: No such file or directory.\n"


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (None, "{0} holds no records: */run.json."),
        ("debian:sid", "{0}/0/run.json is of target debian:sid, which is no fake daemon."),
    ],
)
def test_command_ends_with_3_if_there_is_nothing_to_read(
    records: Records,
    tmp_path: Path,
    target: str | None,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _store([records.run(target, {ONE: PASSED})] if target else [], tmp_path)
    assert main(["proof", str(tmp_path)]) == 3
    assert capsys.readouterr().err == f"{sentence.format(tmp_path)}\n"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"errors": ("no module",), "ending": Ending.STOPPED}, "stopped; no module"),
        ({"errors": ("no module",)}, "complete; no module"),
        ({"ending": Ending.INTERRUPTED}, "interrupted"),
    ],
)
def test_command_ends_with_3_if_a_run_did_not_go_well(
    records: Records,
    tmp_path: Path,
    changes: dict[str, object],
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sound = dataclasses.replace(records.good()[0], **changes)  # type: ignore[arg-type]
    record = _store([sound], tmp_path) / "0" / "run.json"
    assert main(["proof", str(tmp_path)]) == 3
    assert capsys.readouterr().err == f"{record} is of a run that did not go well: {why}.\n"


def test_command_ends_with_3_if_a_record_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "deaf").mkdir()
    (tmp_path / "deaf" / "run.json").write_text("{}")
    assert main(["proof", str(tmp_path)]) == 3
