# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs on a host: this one, whose processes are as good as a container's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fake_host import Api, Remote, remote

from containers.node import CommandFailed
from containers.processes import ZOMBIE, HostProcess, processes, vitals

#: What no machine has as a process: pids end at 2^22 (proc(5), pid_max).
NO_PID = 4_194_305


@pytest.fixture
def node(api: Api) -> Remote:
    return remote()


@contextmanager
def running(*command: str) -> Iterator[int]:
    """A child of this process, gone after the block."""
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        yield child.pid


def found(node: Remote, pid: int) -> HostProcess:
    (process,) = [each for each in processes(node) if each.pid == pid]
    return process


def test_process_is_told_with_its_parent_and_its_arguments(node: Remote) -> None:
    with running("/bin/cat", "-", "two words\x1e\nand lines") as pid:
        process = found(node, pid)

    assert process.parent == os.getpid()
    assert process.command == "/bin/cat - two words\x1e and lines"
    assert process.name == "cat"


def test_name_with_blanks_and_brackets_is_no_trouble(node: Remote, tmp_path: Path) -> None:
    odd = tmp_path / "a) S 1 (b"
    odd.symlink_to("/bin/cat")

    with running(str(odd)) as pid:
        assert found(node, pid).parent == os.getpid()


def test_process_that_nobody_asked_about_is_a_zombie(node: Remote) -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)

    process = found(node, child)
    os.waitpid(child, 0)

    assert (process.state, process.command) == (ZOMBIE, "")


def test_vitals_are_those_of_the_process(node: Remote) -> None:
    with running("/bin/cat") as pid:
        before = vitals(node, os.getpid())
        assert vitals(node, pid).open_files < before.open_files
    with open(os.devnull, "rb"):
        assert vitals(node, os.getpid()).open_files == before.open_files

    assert before.pid == os.getpid()
    assert 1_000 < before.memory < 10_000_000


def test_vitals_of_nobody_are_an_error(node: Remote) -> None:
    with pytest.raises(CommandFailed):
        vitals(node, NO_PID)
