# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose container is this, and is its owner still there?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from containers.owner import (
    LABEL_OWNER,
    LABEL_RUN,
    RUN_ENVIRONMENT,
    Owner,
    is_orphan,
    labels,
    run_id,
)

HERE = Owner.current()


def started(pid: int) -> str:
    """When *pid* started, in the kernel's words (proc(5), field 22)."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()


@contextmanager
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends when its standard input is closed, and is reaped at the end."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        yield process


@contextmanager
def own_name(name: bytes) -> Iterator[None]:
    """This process calls itself *name*."""
    comm = Path("/proc/self/comm")
    before = comm.read_bytes()
    comm.write_bytes(name)
    try:
        yield
    finally:
        comm.write_bytes(before)


@pytest.fixture
def unnamed_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run has a name yet; whatever name one gets is forgotten after the test."""
    monkeypatch.setenv(RUN_ENVIRONMENT, "some run")
    monkeypatch.delenv(RUN_ENVIRONMENT)


# --- Labels


@pytest.mark.usefixtures("unnamed_run")
def test_run_is_named_once_and_its_workers_inherit_the_name() -> None:
    name = run_id()

    assert name == run_id() == os.environ[RUN_ENVIRONMENT]
    asked = [sys.executable, "-c", "from containers.owner import run_id; print(run_id())"]
    root = Path(__file__).parents[2]
    worker = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True)
    assert worker.stdout.strip() == name


@pytest.mark.usefixtures("unnamed_run")
def test_two_runs_have_two_names() -> None:
    first = run_id()
    del os.environ[RUN_ENVIRONMENT]

    assert run_id() != first


def test_labels_tell_the_run_and_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUN_ENVIRONMENT, "cafe0001")

    assert labels() == {LABEL_RUN: "cafe0001", LABEL_OWNER: str(HERE)}
    assert Owner.parse(labels()[LABEL_OWNER]) == HERE


@pytest.mark.parametrize(
    "label",
    [
        "",
        "somebody",
        "host/boot/1",
        "host/boot/one/2",
        "host/boot/-1/2",
        "host/boot/²/3",
        "a/b/1/2/3",
    ],
)
def test_labels_of_others_name_no_owner(label: str) -> None:
    assert Owner.parse(label) is None
    assert not is_orphan({LABEL_OWNER: label})


# --- Judgement


def test_this_process_is_not_gone() -> None:
    assert HERE.pid == os.getpid()
    assert not HERE.is_gone()
    assert not is_orphan(labels())


def test_another_living_process_is_not_gone() -> None:
    with child() as process:
        assert not replace(HERE, pid=process.pid, started=started(process.pid)).is_gone()


def test_process_that_ended_is_gone() -> None:
    with child() as process:
        owner = replace(HERE, pid=process.pid, started=started(process.pid))

    assert owner.is_gone()
    assert is_orphan({LABEL_OWNER: str(owner), LABEL_RUN: "whatever"})


def test_process_that_nobody_has_reaped_is_gone() -> None:
    with child() as process:
        owner = replace(HERE, pid=process.pid, started=started(process.pid))
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, it is a zombie

        assert Path(f"/proc/{process.pid}").exists()
        assert owner.is_gone()


def test_pid_that_another_process_has_now_is_no_living_owner() -> None:
    assert replace(HERE, started=str(int(HERE.started) - 1)).is_gone()


def test_every_process_of_an_earlier_boot_is_gone() -> None:
    assert replace(HERE, boot="7c3e9a52-0000-4000-8000-000000000000").is_gone()


@pytest.mark.parametrize("boot", [HERE.boot, "7c3e9a52-0000-4000-8000-000000000000"])
def test_processes_of_another_host_are_not_for_this_one_to_judge(boot: str) -> None:
    stranger = Owner(f"not-{HERE.host}", boot, 2**22, "1")

    assert not stranger.is_gone()
    assert not is_orphan({LABEL_OWNER: str(stranger)})


@pytest.mark.parametrize("unknown", ["boot", "started"])
def test_without_certainty_nobody_is_gone(unknown: str) -> None:
    assert not replace(HERE, pid=2**22, **{unknown: "unknown"}).is_gone()


@pytest.mark.parametrize("found", [{}, {"com.example.owner": "x"}, {LABEL_RUN: "cafe0001"}])
def test_what_carries_no_owner_is_no_orphan(found: dict[str, str]) -> None:
    assert not is_orphan(found)


@pytest.mark.parametrize("name", [b"a b c", b"x) Z (y", b"caf\xc3"])
def test_a_process_may_have_any_name(name: bytes) -> None:
    with own_name(name):
        assert Owner.current() == HERE
        assert not HERE.is_gone()
