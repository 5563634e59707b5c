# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose container is this? Labels that let a later run clean up after a dead one.

Everything that a run creates on an engine carries two labels: the run, and the owning process.
A process is named by host, boot, pid and start time, so that a recycled pid is never mistaken
for a living owner, and so that on a shared engine no host judges another host's processes.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LABEL_RUN = "org.pacemaker-remote-conformance.run"
LABEL_OWNER = "org.pacemaker-remote-conformance.owner"
#: Passed to worker processes, so that one run has one name.
RUN_ENVIRONMENT = "PCMK_CONFORMANCE_RUN"


def _start_time(pid: int) -> str | None:
    """Start of *pid* in clock ticks since boot, or None if there is no such process."""
    try:
        # A process may call itself anything; names cut off in mid-character are not even rare.
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The command name, in parentheses, may hold spaces: count fields after it (proc(5): 22).
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # no Linux host: then no owner is ever judged dead
        return "unknown"


@dataclass(frozen=True)
class Owner:
    """The process that answers for a container."""

    host: str
    boot: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> Owner:
        pid = os.getpid()
        return cls(socket.gethostname(), _boot(), pid, _start_time(pid) or "unknown")

    @classmethod
    def parse(cls, label: str) -> Owner | None:
        """The owner that *label* names, or None if the label is not one of ours."""
        parts = label.split("/")
        if len(parts) != 4 or not parts[2].isdecimal():
            return None
        return cls(parts[0], parts[1], int(parts[2]), parts[3])

    def __str__(self) -> str:
        return f"{self.host}/{self.boot}/{self.pid}/{self.started}"

    def is_gone(self) -> bool:
        """True only if it is certain that the process no longer runs."""
        here = Owner.current()
        if self.host != here.host or "unknown" in (self.boot, self.started):
            return False
        return self.boot != here.boot or _start_time(self.pid) != self.started


def run_id() -> str:
    """This run's name: inherited from the environment by workers, else made anew."""
    return os.environ.setdefault(RUN_ENVIRONMENT, secrets.token_hex(4))


def labels() -> dict[str, str]:
    """The labels for anything that this process creates on an engine."""
    return {LABEL_RUN: run_id(), LABEL_OWNER: str(Owner.current())}


def is_orphan(found: Mapping[str, str]) -> bool:
    """Whether something with labels *found* belongs to a run whose owner is gone."""
    owner = Owner.parse(found.get(LABEL_OWNER, ""))
    return owner is not None and owner.is_gone()
