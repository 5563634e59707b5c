# SPDX-License-Identifier: GPL-2.0-or-later
"""What an image holds, as its own programs tell it. The image is a directory of programs."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError
from packaging.version import Version

from containers.contents import CLUSTER, COROSYNC, DAEMON, look
from containers.errors import EnvironmentProblem
from containers.owner import labels

SHELL = shutil.which("sh") or "/bin/sh"


@dataclass
class Image:
    """An image, and the one container that is made of it.

    Attributes:
        programs: the directory that is its PATH.
        error: raised when the container is to be started.
        status: of the shell, in place of its own.
    """

    programs: Path
    error: Exception | None = None
    status: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    ran: subprocess.CompletedProcess[bytes] | None = None
    removed: bool = False

    def install(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!{SHELL}\n{script}\n")
        path.chmod(0o755)

    @property
    def containers(self) -> Image:
        return self

    def create(self, image: str, command: list[str], **options: Any) -> Image:
        assert command[0] == "sh"
        self.options = {"image": image, "command": [SHELL, *command[1:]], **options}
        return self

    def start(self) -> None:
        if self.error is not None:
            raise self.error
        self.ran = subprocess.run(
            self.options["command"],
            env={"PATH": str(self.programs)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def wait(self) -> dict[str, int]:
        assert self.ran is not None
        return {"StatusCode": self.ran.returncode if self.status is None else self.status}

    def logs(self) -> bytes:
        assert self.ran is not None
        return self.ran.stdout

    def remove(self, *, force: bool) -> None:
        assert force
        self.removed = True


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """An image with a shell and nothing of Pacemaker."""
    tr = shutil.which("tr")
    assert tr is not None
    (tmp_path / "tr").symlink_to(tr)
    image = Image(tmp_path)
    monkeypatch.setattr("containers.contents.connect", lambda: image)
    return image


def version_only(option: str, text: str) -> str:
    """A program that understands one option."""
    return f'[ "$1" = {option} ] || exit 64; printf "{text}"'


def test_programs_tell_their_versions(image: Image) -> None:
    image.install(DAEMON, version_only("--version", r"Pacemaker 3.0.1\nWritten by many\n"))
    image.install(CLUSTER, version_only("--version", "Pacemaker 2.1.5-4+deb12u1"))
    image.install(COROSYNC, version_only("-v", "Corosync Cluster Engine, version 3.1.9"))

    contents = look("example.com/ha:1")

    assert contents.version(DAEMON) == Version("3.0.1")
    assert contents.version(CLUSTER) == Version("2.1.5")
    assert contents.programs[COROSYNC][0] == 0
    assert contents.lacks(DAEMON, CLUSTER, COROSYNC) == ()


def test_release_candidate_is_a_version(image: Image) -> None:
    image.install(DAEMON, version_only("--version", "Pacemaker 3.0.2-rc1"))

    assert look("x").version(DAEMON) == Version("3.0.2rc1")


@pytest.mark.parametrize("present", [(), (DAEMON,), (CLUSTER, COROSYNC), (COROSYNC,)])
def test_what_is_not_there_is_told(image: Image, present: tuple[str, ...]) -> None:
    for name in present:
        image.install(name, "true")
    every = (DAEMON, CLUSTER, COROSYNC)

    contents = look("x")

    assert contents.lacks(*every) == tuple(name for name in every if name not in present)
    assert contents.lacks(*present) == ()


def test_program_that_does_not_run_is_told_when_it_is_asked_for(image: Image) -> None:
    image.install(DAEMON, "echo libcrmcommon.so.46: cannot open shared object file >&2; exit 127")

    contents = look("x")

    assert contents.lacks(DAEMON) == ()
    with pytest.raises(EnvironmentProblem) as caught:
        contents.version(DAEMON)
    assert str(caught.value) == (
        "pacemaker-remoted does not run in x: it ended with 127 and said "
        "'libcrmcommon.so.46: cannot open shared object file'"
    )


def test_program_that_tells_no_version_is_told(image: Image) -> None:
    image.install(CLUSTER, "echo usage: pacemakerd")

    with pytest.raises(EnvironmentProblem, match="--version in x printed 'usage: pacemakerd'"):
        look("x").version(CLUSTER)


def test_image_in_which_a_shell_fails_is_told(image: Image) -> None:
    image.install(DAEMON, "echo Pacemaker 3.0.1")
    image.status = 137

    with pytest.raises(EnvironmentProblem, match="a shell in x ended with 137: '"):
        look("x")


def test_image_without_a_shell_is_told(image: Image) -> None:
    image.error = APIError("400 Client Error", explanation='exec: "sh": not found')

    with pytest.raises(EnvironmentProblem, match='image x cannot be run: exec: "sh": not found'):
        look("x")


@pytest.mark.parametrize("fails", [False, True])
def test_container_is_labelled_and_gone_afterwards(image: Image, fails: bool) -> None:
    image.error = APIError("no", explanation="no") if fails else None

    try:
        look("x")
    except EnvironmentProblem:
        assert fails

    assert image.options["labels"] == labels()
    assert image.removed
