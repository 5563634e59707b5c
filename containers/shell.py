# SPDX-License-Identifier: GPL-2.0-or-later
"""A shell in a container that runs one command after the other.

Asking the engine for every single command costs fifteen times as much as the command itself, and
a busy engine now and then loses the last output of a process that ends. A shell that stays has
neither trouble: its commands' outputs end with a mark of its own on both streams, so nothing that
was cut off is ever mistaken for something short.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from docker.errors import APIError
from docker.utils.socket import STDOUT, frames_iter

from containers.engine import connect
from containers.errors import EnvironmentProblem


class ShellGone(EnvironmentProblem):
    """The shell cannot be had, or went away before its command was over."""


class Shell:
    """One shell; not to be used by two threads at a time.

    Raises:
        ShellGone: the container is down.
    """

    def __init__(self, container_id: str) -> None:
        api = connect().api
        try:
            created = api.exec_create(container_id, ["sh"], stdin=True)["Id"]
            self._socket: Any = api.exec_start(created, socket=True)
        except APIError as problem:
            raise ShellGone(str(problem.explanation)) from None
        self._raw: Any = getattr(self._socket, "_sock", self._socket)
        self._raw.settimeout(None)  # a command may take its time
        self._frames: Iterator[tuple[int, bytes]] = frames_iter(self._socket, tty=False)  # type: ignore[no-untyped-call]
        self._mark = f"\x1e{secrets.token_hex(8)}:"

    def run(self, command: Sequence[str]) -> tuple[int, bytes, bytes]:
        """Exit status, standard output and standard error of a command, which gets no input.

        Raises:
            ShellGone: it is not known whether the command ran to its end; this shell is lost.
        """
        mark = self._mark.replace("\x1e", "\\036")
        line = (
            f"( {shlex.join(command)} ) </dev/null; printf '{mark}%s;' $?; printf '{mark};' >&2\n"
        )
        end = self._mark.encode()
        outputs = [b"", b""]
        try:
            self._raw.sendall(line.encode())
            while not all(output.endswith(b";") and end in output for output in outputs):
                stream, data = next(self._frames)
                outputs[stream != STDOUT] += data
        except (OSError, StopIteration):
            self.close()
            raise ShellGone("it went down, or the engine closed the line") from None
        (output, _, code), (error, _, _) = (text.rpartition(end) for text in outputs)
        return int(code.rstrip(b";")), output, error

    def close(self) -> None:
        """End the shell; what it runs is not waited for."""
        with suppress(OSError):
            self._raw.shutdown(2)
        self._socket.close()
        self._raw.close()
