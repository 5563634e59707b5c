# SPDX-License-Identifier: GPL-2.0-or-later
"""One container without an engine: a directory for its disk, local processes for its commands."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import requests
from docker.errors import APIError, NotFound

from containers.node import RemoteNode


def refusal(status: int) -> APIError:
    response = requests.Response()
    response.status_code = status
    return APIError("refused", response=response, explanation="container c1 is not running")


def open_line(command: list[str], directory: Path) -> socket.socket:
    """A line to a command as the engine makes it: its outputs come in frames (stream, length)."""
    ours, theirs = socket.socketpair()
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=directory, stdin=theirs, stdout=pipe, stderr=pipe)
    sending = threading.Lock()

    def carry(stream: int, output: IO[bytes]) -> None:
        with output:
            while data := os.read(output.fileno(), 7):  # odd pieces, as on a busy engine
                with sending, suppress(OSError):
                    theirs.sendall(struct.pack(">BxxxL", stream, len(data)) + data)

    def carry_both() -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        error = threading.Thread(target=carry, args=(2, process.stderr), daemon=True)
        error.start()
        carry(1, process.stdout)
        error.join()
        process.wait()
        theirs.close()

    threading.Thread(target=carry_both, daemon=True).start()
    return ours


@dataclass
class Api:
    """An engine with one container.

    Attributes:
        disk: the container's root directory.
        started_at: when the container was last started; None if it is down.
        execs: command and environment of every exec, by its id.
        statuses: exit statuses of those that have ended.
        lines: makes the line to a command that reads its input.
        signals: those that the engine sent to the container's first process.
        exit_code: of that process, once it has ended.
    """

    disk: Path
    started_at: str | None = "09:00"
    execs: dict[str, tuple[list[str], dict[str, str]]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    lines: Callable[[list[str], Path], Any] = open_line
    signals: list[str] = field(default_factory=list)
    exit_code: int = 0
    boots: int = 0
    opened: list[Any] = field(default_factory=list)

    def inspect_container(self, container: str) -> dict[str, Any]:
        assert container == "c1"
        running = self.started_at is not None
        state = {
            "Running": running,
            "StartedAt": self.started_at or "09:00",
            "ExitCode": 0 if running else self.exit_code,
        }
        return {"State": state}

    def start(self, container: str) -> None:
        self.boots += 1
        self.started_at = self.started_at or f"10:0{self.boots}"

    def kill(self, container: str, signal: str = "KILL") -> None:
        if self.started_at is None:
            raise refusal(409)
        self.signals.append(signal)
        if signal == "KILL":
            self.started_at, self.exit_code = None, 137

    def exec_create(
        self,
        container: str,
        command: list[str],
        environment: dict[str, str] | None = None,
        stdin: bool = False,
    ) -> dict[str, str]:
        if self.started_at is None:
            raise refusal(409)
        name = f"e{len(self.execs) + 1}"
        self.execs[name] = (command, environment or {})
        return {"Id": name}

    def exec_start(self, name: str, *, socket: bool = False, detach: bool = False) -> Any:
        if detach:
            return None
        assert socket
        self.opened.append(self.lines(self.execs[name][0], self.disk))
        return self.opened[-1]

    def exec_inspect(self, name: str) -> dict[str, Any]:
        return {"Running": name not in self.statuses, "ExitCode": self.statuses.get(name)}

    def put_archive(self, container: str, path: str, data: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                assert content is not None
                target = self.disk / path.lstrip("/") / entry.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
                target.chmod(entry.mode)

    def get_archive(self, container: str, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        source = self.disk / path.lstrip("/")
        if not source.exists():
            raise NotFound("no such file")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.add(source, arcname=source.name)
        data = buffer.getvalue()
        return iter([data[:100], data[100:]]), {}


class Remote(RemoteNode):
    """A node whose container is there already."""

    @property
    def container_id(self) -> str:
        return "c1"


def remote(**options: Any) -> Remote:
    return Remote("r1", image="i", network=cast(Any, None), address="10.0.0.9", **options)
