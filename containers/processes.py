# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs on a host, by the kernel's own tables (proc(5)).

Rules: nothing is asked of ps(1) and its kin, which an image may lack or bring in any version; and
a process that ends while it is looked at is not there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from containers.node import Node

#: State of a process that has ended and that its parent did not ask about yet.
ZOMBIE = "Z"

#: A line for each process: its ``stat``, a separator, its arguments, with blanks for line ends.
_LIST = r"""
for each in /proc/[0-9]*; do
    stat=$(tr '\n' ' ' <"$each/stat") &&
        printf '%s\037%s\n' "$stat" "$(tr '\0\n' '  ' <"$each/cmdline")"
done 2>/dev/null
true"""
#: Number of open files, then the line of ``status`` that tells the resident memory.
_VITALS = "cd /proc/{pid} && set -- fd/* && echo $# && grep VmRSS status"


@dataclass(frozen=True)
class HostProcess:
    """A process.

    Attributes:
        pid, parent: as seen on its host.
        state: one letter, see proc(5); ``ZOMBIE`` is one.
        command: its arguments, with blanks between; empty for a zombie.
    """

    pid: int
    parent: int
    state: str
    command: str

    @property
    def name(self) -> str:
        """What it is called, without the directory."""
        return os.path.basename(self.command.partition(" ")[0])


@dataclass(frozen=True)
class Vitals:
    """What a process holds at one moment.

    Attributes:
        pid: the process.
        memory: resident, in KiB.
        open_files: number of file descriptors.
    """

    pid: int
    memory: int
    open_files: int


def processes(node: Node) -> list[HostProcess]:
    """All processes of a host, those that do the looking included.

    Raises:
        NodeDown: the host is down.
    """
    found = []
    for line in node.run(_LIST).output.split("\n"):  # arguments hold other line ends
        stat, separator, command = line.partition("\x1f")
        if separator:
            # The command's name, in brackets, may hold anything, brackets too.
            head, _, rest = stat.rpartition(")")
            state, parent = rest.split()[:2]
            pid = int(head.partition(" ")[0])
            found.append(HostProcess(pid, int(parent), state, command.strip()))
    return found


def vitals(node: Node, pid: int) -> Vitals:
    """What a process holds now.

    Raises:
        CommandFailed: there is no such process.
        NodeDown: the host is down.
    """
    files, memory = node.run(_VITALS.format(pid=pid)).output.splitlines()
    return Vitals(pid, int(memory.split()[1]), int(files))
