# SPDX-License-Identifier: GPL-2.0-or-later
"""A program in a node with whose streams the harness holds a conversation, line by line.

The program is started by exec, so nothing of the engine is reachable from inside the node, and an
engine on another machine serves as well. The line breaks when the node dies, or the program ends:
both are an ordinary end. The program ends when the harness closes its standard input.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from docker.utils.socket import STDOUT, frames_iter

from containers.engine import connect

if TYPE_CHECKING:
    from containers.node import Node


class Line:
    """One program, and the thread that hears what it prints.

    Args:
        name: of the thread.
        heard: called in that thread with each line of standard output, without its end.
    """

    def __init__(
        self, node: Node, command: Sequence[str], name: str, heard: Callable[[str], None]
    ) -> None:
        self._heard = heard
        api = connect().api
        created = api.exec_create(node.container_id, list(command), stdin=True)["Id"]
        self._socket: Any = api.exec_start(created, socket=True)
        # The engine's read time-out for requests does not fit a line that is mostly silent.
        self._raw: Any = getattr(self._socket, "_sock", self._socket)
        self._raw.settimeout(None)
        threading.Thread(target=self._read, name=name, daemon=True).start()

    def say(self, text: str) -> None:
        """Give the program a line; one that is dead does not hear it."""
        with suppress(OSError):
            self._raw.sendall(f"{text}\n".encode())

    def close(self) -> None:
        """Close the program's standard input, and hear no more."""
        with suppress(OSError):
            self._raw.shutdown(2)
        self._socket.close()
        self._raw.close()

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            for line in self._lines():
                self._heard(line)

    def _lines(self) -> Iterator[str]:
        pending: list[bytes] = []
        frames: Iterator[tuple[int, bytes]] = frames_iter(self._socket, tty=False)  # type: ignore[no-untyped-call]
        for stream, data in frames:
            if stream != STDOUT:
                continue
            # A line may be a MiB long and come in hundreds of pieces.
            first, *others = data.split(b"\n")
            pending.append(first)
            for piece in others:
                yield b"".join(pending).decode(errors="replace")
                pending = [piece]
