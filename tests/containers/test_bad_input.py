# SPDX-License-Identifier: GPL-2.0-or-later
"""What people mistype or lack, end to end: one sentence, the right exit status, no traceback.

Every command runs in a process of its own, in an environment whose container engine is dead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEAD_ENGINE = "unix:///nonexistent"
NO_ENGINE = (
    "no container engine answers; start Docker (or set DOCKER_HOST), "
    "or on Debian type: python3 -m containers provision"
)


def run(*words: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The outcome of ``python -m WORDS``, typed in the project's directory."""
    environment = {**os.environ, "DOCKER_HOST": DEAD_ENGINE, "COLUMNS": "500"}
    # A run inside a run would take the outer one's for its own.
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "NO_COLOR"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def conformance(tmp_path: Path, *words: str, root: Path = ROOT) -> tuple[int, str]:
    """Exit status and the one sentence of a run of the suite that cannot begin."""
    directory = tmp_path / "report"
    ran = run(
        "pytest",
        "-p",
        "no:cacheprovider",
        "conformance/daemon",
        "--report-dir",
        str(directory),
        *words,
        root=root,
    )
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "INTERNALERROR" not in ran.stdout + ran.stderr
    assert not directory.exists()  # nothing was tested, so there is nothing to tell
    (line,) = ran.stderr.splitlines()
    return ran.returncode, line.removeprefix("Exit: ")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "authkey"
    path.touch()
    return path


# --- The suite


def test_unknown_target(tmp_path: Path) -> None:
    assert conformance(tmp_path, "--target", "redhat:9") == (
        2,
        "unknown target 'redhat:9': it must begin with one of "
        "debian:, image:, debs:, install:, host:",
    )


def test_directory_for_coverage_without_notes(tmp_path: Path) -> None:
    code, line = conformance(tmp_path, "--gcov", str(tmp_path))

    assert code == 2
    assert line.startswith(f"--gcov: no *.gcno file lies below {tmp_path}; ")


def test_coverage_of_a_daemon_that_is_in_no_container(tmp_path: Path) -> None:
    assert conformance(tmp_path, "--target", "fake", "--gcov", str(tmp_path)) == (
        2,
        "--gcov is for daemons in containers, not for target fake",
    )


def test_host_without_a_key(tmp_path: Path) -> None:
    assert conformance(tmp_path, "--target", "host:127.0.0.1") == (
        2,
        "target host:127.0.0.1 needs the daemon's key: --authkey FILE",
    )


def test_key_file_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "authkey"

    assert conformance(tmp_path, "--target", "host:127.0.0.1", "--authkey", str(missing)) == (
        2,
        f"cannot read the key file {missing}: No such file or directory",
    )


def test_key_file_that_is_empty(tmp_path: Path, key_file: Path) -> None:
    assert conformance(tmp_path, "--target", "host:127.0.0.1", "--authkey", str(key_file)) == (
        2,
        f"the key file {key_file} is empty",
    )


def test_remote_side_for_a_daemon_alone(tmp_path: Path) -> None:
    assert conformance(tmp_path, "--target", "fake", "--remote-target", "debian:sid") == (
        2,
        "target fake is a daemon alone: it goes without --remote-target",
    )


def test_engine_that_does_not_answer(tmp_path: Path) -> None:
    # with workers, of which none may be started then
    assert conformance(tmp_path, "--target", "debian:trixie", "-n", "2") == (3, NO_ENGINE)


def test_catalogue_file_that_cannot_be_read(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    copy.mkdir()
    for name in ("conformance", "containers", "fixtures", "reports"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns(".*"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    broken = copy / "conformance" / "requirements" / "tls.toml"
    broken.write_text("[[requirement]]\nid = TLS-001\n")

    status, sentence = conformance(tmp_path, "--target", "fake", root=copy)

    assert status == 3
    assert sentence.startswith(f"{broken} is not valid TOML: Invalid value (at line 2")


# --- The set-up steps


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ("prepare --target redhat:9", 2, "unknown target 'redhat:9'"),
        ("prepare --target debs:/nonexistent", 2, "there is no directory /nonexistent"),
        ("prepare --target debian:trixie", 3, NO_ENGINE),
        ("clean", 3, NO_ENGINE),
        ("provision", 3, f"no container engine answers at DOCKER_HOST={DEAD_ENGINE}"),
    ],
)
def test_steps_refuse_in_one_sentence(words: str, status: int, sentence: str) -> None:
    ran = run("containers", *words.split())

    assert (ran.returncode, ran.stdout) == (status, "")
    (line,) = ran.stderr.splitlines()
    assert sentence in line


def test_step_that_does_not_exist_is_wrong_usage() -> None:
    ran = run("containers", "destroy")

    assert ran.returncode == 2
    assert "invalid choice: 'destroy'" in ran.stderr
    assert "Traceback" not in ran.stderr
