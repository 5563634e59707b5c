# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose first process is pacemaker-remoted itself, as in the container of a bundle.

Its container begins with a shell that waits for the order to boot, a file that tells variables and
arguments, and then becomes the daemon. When the daemon ends, so does the host.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress

from containers.engine import connect
from containers.errors import EnvironmentProblem
from containers.node import PROGRAMS, File, NodeDown, Process, RemoteNode

#: The log of a daemon that is pid 1 and was not told another.
INIT_LOG_FILE = "/var/log/pcmk-init.log"
#: It sets the shell's variables and arguments; a small file is there whole or not at all.
_ORDER = f"{PROGRAMS}/boot"
_WAIT = f'until [ -s {_ORDER} ]; do sleep 0.02; done; . {_ORDER}; exec {PROGRAMS}/{{starter}} "$@"'


class FirstProcess(Process):
    """The first process of a host; the host ends with it."""

    def __init__(self, node: PidOneNode) -> None:
        # Nothing of an exec's: this process was there before and only became the daemon.
        self._node = node

    @property
    def exit_status(self) -> int | None:
        """See ``Process``."""
        state = connect().api.inspect_container(self._node.container_id)["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def signal(self, name: str) -> None:
        """Send the signal from outside, as ``docker stop`` does.

        Raises:
            EnvironmentProblem: it has ended already.
        """
        if not self.running:
            raise EnvironmentProblem(f"the daemon on {self._node.name} has ended already")
        connect().api.kill(self._node.container_id, name)


class PidOneNode(RemoteNode):
    """A host that boots once, into the daemon."""

    first = ("sh", "-c", _WAIT.format(starter=RemoteNode.starter))
    reaper = False
    log_file = INIT_LOG_FILE

    def start_daemon(
        self, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Process:
        """Give the order to boot."""
        variables = {**self.environment, **(environment or {})}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        lines.append(shlex.join(["set", "--", *arguments]))
        self.write(_ORDER, File("\n".join([*lines, ""]).encode()))
        self.process = FirstProcess(self)
        return self.process

    def leave_counters(self) -> None:
        """See ``RemoteNode``; the host ends with its daemon, and the command with the host."""
        with suppress(NodeDown):
            super().leave_counters()
