# SPDX-License-Identifier: GPL-2.0-or-later
"""The search against fake daemons: it finds what is planted, and what it keeps shows it again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from packaging.version import Version

from conformance.daemon.fake import FakeDaemon, start_fake
from conformance.daemon.fuzz.arena import Arena
from conformance.daemon.fuzz.findings import Finding, write_steps
from conformance.daemon.fuzz.known import known_issues
from conformance.daemon.fuzz.search import search
from conformance.daemon.fuzz.steps import Ask, Knock, Leave, Step
from containers.node import AUTHKEY, File
from fixtures.peers import NEWEST, Misbehaviour
from reports.verdict import ExitCode

ROOT = Path(__file__).parents[2]
SESSION = "conformance/daemon/fuzz/session.py"
KEY = bytes(range(1, 65))
AVOID = [issue.trait for issue in known_issues(Version(NEWEST.name))]
#: Sequences played at most in one search.
LIMIT = 100


@pytest.fixture
async def arena_of() -> AsyncIterator[Callable[[str], Arena]]:
    """Make an arena of fake daemons with a bug; all are closed in the end."""
    daemons: list[FakeDaemon] = []
    arenas: list[Arena] = []

    def make(bug: str) -> Arena:
        async def start() -> FakeDaemon:
            files = {AUTHKEY: File(KEY, 0o640)}
            daemon = await start_fake(KEY, Misbehaviour.parse(bug), NEWEST, {}, (), files)
            daemons.append(daemon)
            return daemon

        arenas.append(Arena(start))
        return arenas[-1]

    yield make
    for arena in arenas:
        await arena.close()
    for daemon in daemons:
        await daemon.close()


@pytest.mark.parametrize(
    ("bug", "kind"),
    [
        ("dies_of_unknown_after_error", "died"),
        ("poke_after_alert_unanswered", "unanswered"),
        ("dies_of_reset_in_handshake", "died"),
    ],
)
async def test_planted_bug_is_found_and_its_steps_show_it_again(
    bug: str, kind: str, arena_of: Callable[[str], Arena]
) -> None:
    wrong, right = arena_of(bug), arena_of("")
    loop = asyncio.get_running_loop()

    def play(steps: Sequence[Step]) -> Finding | None:
        return asyncio.run_coroutine_threadsafe(wrong.play(steps), loop).result()

    found = await asyncio.to_thread(search, play, 10, count=LIMIT, avoid=AVOID, shrink=False)
    assert found is not None
    assert found.finding.kind == kind
    again = await wrong.play(found.steps, fresh=True)
    assert again is not None
    assert again.kind == kind
    assert await right.play(found.steps) is None


def run(report: Path, *words: str) -> tuple[int, str]:
    """Exit status and output of one search, in a process of its own."""
    command = [sys.executable, "-m", "pytest", SESSION, "-q", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", "--report-dir", str(report), *words]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_well_behaved_daemon_gives_no_finding(tmp_path: Path) -> None:
    status, output = run(tmp_path, "--target", "fake", "--seed", "1", "--minutes", "0.02")
    assert status == ExitCode.CONFORMANT, output
    assert "known issues seen: none" in output


def test_finding_is_kept_and_told_how_to_play_again(tmp_path: Path) -> None:
    target = "fake:dies_of_reset_in_handshake"
    words = ("--target", target, "--seed", "10", "--minutes", "0.02")
    status, output = run(tmp_path, *words)
    assert status == ExitCode.DEVIATION, output
    (kept,) = tmp_path.glob("evidence/*/finding-1/steps.json")
    assert f"--target {target} --replay {kept}" in output


@pytest.mark.parametrize(
    ("target", "status"),
    [("fake:dies_of_reset_in_handshake", ExitCode.DEVIATION), ("fake", ExitCode.CONFORMANT)],
)
def test_steps_are_played_again(target: str, status: ExitCode, tmp_path: Path) -> None:
    path = tmp_path / "steps.json"
    write_steps(path, [Ask(), Knock(how="reset"), Leave()])
    ended, output = run(tmp_path / "report", "--target", target, "--replay", str(path))
    assert ended == status, output
    (report,) = tmp_path.glob("report/evidence/*")
    assert {"capture.pcapng", "transcript.txt"} <= {each.name for each in report.iterdir()}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--target", "host:192.0.2.1"), "for daemons in containers"),
        (("--target", "fake", "--minutes", "0"), "--minutes must be more than 0"),
        (("--target", "fake", "--replay", "/nonexistent"), "cannot read"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(
    words: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    status, output = run(tmp_path, *words)
    assert status == ExitCode.USAGE, output
    assert sentence in output
