# SPDX-License-Identifier: GPL-2.0-or-later
"""Getting an engine where none answers, and refusing in one sentence where none can be had."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fake_clock import Clock

from containers import apt, provision
from containers.errors import EnvironmentProblem


@dataclass
class Machine:
    """A Debian machine, root's shell, Docker not installed.

    Attributes:
        programs: those on PATH.
        installs: programs by the package that brings them.
        starts_after: how often the engine is asked in vain after it was started.
        ran, started: the commands that were run to their end, and those that were left running.
        failing: a command's first words, and what it prints when it fails.
    """

    programs: set[str] = field(default_factory=lambda: {"apt-get"})
    installs: dict[str, str] = field(default_factory=lambda: {"docker.io": "dockerd"})
    answers: bool = False
    starts_after: int | None = 0
    ran: list[list[str]] = field(default_factory=list)
    started: list[list[str]] = field(default_factory=list)
    failing: tuple[list[str], str] | None = None
    lines: list[str] = field(default_factory=list)

    def which(self, program: str) -> str | None:
        return f"/usr/sbin/{program}" if program in self.programs else None

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        self.ran.append(command)
        if self.failing is not None and command[: len(self.failing[0])] == self.failing[0]:
            return subprocess.CompletedProcess(command, 100, "", self.failing[1])
        if command[:2] == ["apt-get", "install"]:
            assert options["env"]["DEBIAN_FRONTEND"] == "noninteractive"
            self.programs |= {self.installs[name] for name in command if name in self.installs}
        if command[0] == "systemctl":
            self.started.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    def popen(self, command: list[str], **options: Any) -> None:
        assert options["start_new_session"]
        assert command[0] in self.programs
        self.started.append(command)

    def try_connect(self) -> str | None:
        if self.started and not self.answers and self.starts_after is not None:
            self.answers = self.starts_after == 0
            self.starts_after -= 1
        return "client" if self.answers else None


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    machine = Machine()
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("shutil.which", machine.which)
    monkeypatch.setattr("subprocess.run", machine.run)
    monkeypatch.setattr("subprocess.Popen", machine.popen)
    monkeypatch.setattr("containers.provision.try_connect", machine.try_connect)
    monkeypatch.setattr("containers.provision.describe", lambda: "Docker Engine 27")
    monkeypatch.setattr("containers.provision.ENGINE_LOG", tmp_path / "dockerd.log")
    monkeypatch.setattr("containers.provision.Path", lambda path: tmp_path / path.lstrip("/"))
    return machine


def refusal(action: Callable[[], None]) -> str:
    """The sentence in which *action* is refused."""
    with pytest.raises(EnvironmentProblem) as caught:
        action()
    (sentence,) = str(caught.value).splitlines()
    return sentence


# --- The engine


def test_engine_that_answers_is_left_alone(machine: Machine) -> None:
    machine.answers = True

    provision.ensure_engine(machine.lines.append)

    assert (machine.ran, machine.started, machine.lines) == ([], [], [])


def test_engine_is_installed_started_and_awaited(machine: Machine, clock: Clock) -> None:
    machine.starts_after = 5

    provision.ensure_engine(machine.lines.append)

    assert machine.ran == [
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "docker.io", "iptables"],
    ]
    assert machine.started == [["dockerd"]]
    assert machine.lines == [
        "installing docker.io iptables ...",
        "starting dockerd ...",
        "engine ready: Docker Engine 27",
    ]


def test_engine_that_is_installed_is_only_started(machine: Machine) -> None:
    machine.programs = {"dockerd"}

    provision.ensure_engine(machine.lines.append)

    assert (machine.ran, machine.started) == ([], [["dockerd"]])


def test_engine_that_its_package_starts_is_not_started_twice(machine: Machine) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        machine.answers = "install" in command
        return Machine.run(machine, command, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("subprocess.run", run)
        provision.ensure_engine(machine.lines.append)

    assert machine.started == []
    assert machine.lines[-1] == "engine ready: Docker Engine 27"


def test_where_systemd_runs_the_service_is_started(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    machine.programs = {"dockerd"}

    provision.ensure_engine(machine.lines.append)

    assert machine.started == [["systemctl", "start", "docker"]]


def test_engine_set_by_hand_is_never_replaced(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")

    sentence = refusal(lambda: provision.ensure_engine(machine.lines.append))

    assert sentence == "no container engine answers at DOCKER_HOST=tcp://192.0.2.1:2375"
    assert (machine.ran, machine.started) == ([], [])


def test_on_another_system_the_sentence_says_what_to_start(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")

    sentence = refusal(lambda: provision.ensure_engine(machine.lines.append))

    assert sentence.startswith("no container engine answers; on Darwin start Docker Desktop")
    assert (machine.ran, machine.started) == ([], [])


def test_who_is_not_root_is_told_what_to_type(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    sentence = refusal(lambda: provision.ensure_engine(machine.lines.append))

    assert "only root can start one; type: sudo systemctl start docker" in sentence
    assert (machine.ran, machine.started) == ([], [])


def test_engine_installed_outside_of_path_is_told(machine: Machine) -> None:
    machine.installs = {}

    sentence = refusal(lambda: provision.ensure_engine(machine.lines.append))

    assert sentence == "dockerd is installed but not found; add /usr/sbin to PATH and try again"
    assert machine.started == []


def test_engine_that_does_not_come_up_is_told_with_its_log(machine: Machine, clock: Clock) -> None:
    machine.starts_after = None
    begun = clock.now

    sentence = refusal(lambda: provision.ensure_engine(machine.lines.append))

    assert sentence.startswith("dockerd was started and does not answer after 60 s; see ")
    assert "dockerd.log" in sentence
    assert clock.now - begun >= 60
    assert machine.lines[-1] == "starting dockerd ..."


# --- Packages


def test_packages_are_installed_by_root_on_debian(machine: Machine) -> None:
    apt.install(("mmdebstrap",), machine.lines.append)

    assert machine.ran[-1][-1] == "mmdebstrap"
    assert machine.lines == ["installing mmdebstrap ..."]


def test_without_apt_get_the_sentence_names_the_packages(machine: Machine) -> None:
    machine.programs = set()

    sentence = refusal(lambda: apt.install(("docker.io", "iptables"), machine.lines.append))

    assert sentence == "please install docker.io iptables (this system has no apt-get)"
    assert (machine.ran, machine.lines) == ([], [])


def test_without_root_the_sentence_names_the_command(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    sentence = refusal(lambda: apt.install(("mmdebstrap",), machine.lines.append))

    assert sentence == "please install mmdebstrap; type: sudo apt-get install mmdebstrap"
    assert machine.ran == []


@pytest.mark.parametrize("verb", ["update", "install"])
def test_refusal_of_apt_get_is_told_in_its_last_words(machine: Machine, verb: str) -> None:
    machine.failing = (["apt-get", verb], "W: one\nE: two\nE: three\nE: four\n")

    sentence = refusal(lambda: apt.install(("mmdebstrap",), machine.lines.append))

    assert sentence.startswith(f"apt-get {verb} -qq")
    assert sentence.endswith("failed: E: two | E: three | E: four")
    assert machine.ran[-1][1] == verb  # what comes after is not tried
