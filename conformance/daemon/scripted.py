# SPDX-License-Identifier: GPL-2.0-or-later
"""Resources whose agent does what a test tells it, and keeps a record of what it did.

The agent is ``ocf:conformance:Scripted`` (``containers/recipes/files/Scripted`` tells its
parameters). Its record is read as agents' output is, over the wire, through a resource of its own,
the *observer*, which never waits behind those observed.
"""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from fixtures.peers import FakeCluster
from fixtures.wire import ExecNotify, NotifyReceived

from .under_test import Daemon

_NUMBERS = itertools.count(1)


def script(
    *,
    seconds: float = 0,
    exit_code: int = 0,
    stdout: bytes = b"",
    stderr: bytes = b"",
    stdout_fill: int = 0,
    child_seconds: float | None = None,
    flip: tuple[int, int] | None = None,
) -> dict[str, str]:
    """Parameters that tell the agent how to run.

    Args:
        seconds: how long.
        stdout, stderr: what it prints.
        stdout_fill: how many letters it prints on stdout before that.
        child_seconds: it starts a child that lives so long, in its process group.
        flip: after so many runs of the action the exit code is the second number.
    """
    parameters: dict[str, Any] = {"exit": exit_code}
    if seconds:
        parameters["seconds"] = f"{seconds:.3f}"
    if stdout:
        parameters["stdout"] = b64encode(stdout).decode()
    if stderr:
        parameters["stderr"] = b64encode(stderr).decode()
    if stdout_fill:
        parameters["stdout_fill"] = stdout_fill
    if child_seconds is not None:
        parameters["child_seconds"] = f"{child_seconds:.3f}"
    if flip is not None:
        parameters["flip_after"], parameters["flip_exit"] = flip
    return {name: str(value) for name, value in parameters.items()}


def printed(notify: ExecNotify) -> list[str]:
    """The lines that an agent printed; before 3.0.0 the daemon writes newlines as ``\\n``."""
    return (notify.output or "").replace("\\n", "\n").splitlines()


def ends(client: FakeCluster, resource: Resource) -> list[ExecNotify]:
    """What the client was told so far of a resource's actions, in order."""
    told = [event.notify for event in client.events if isinstance(event, NotifyReceived)]
    return [
        notify
        for notify in told
        if isinstance(notify, ExecNotify) and notify.resource_id == resource.id
    ]


@dataclass(frozen=True)
class Line:
    """One line of a record: ``begin``, ``child`` or ``end``, and when (epoch seconds)."""

    what: str
    at: float
    subject: str
    action: str


class Resource:
    """One registered resource of a client."""

    def __init__(self, client: FakeCluster, resource_id: str) -> None:
        self.client = client
        self.id = resource_id

    async def ask(
        self, action: str, parameters: Mapping[str, str] | None = None, **options: Any
    ) -> int:
        """Ask for an action, which must be accepted; returns its call id."""
        reply = await self.client.execute(self.id, action, parameters=parameters, **options)
        assert reply.rc is not None
        assert reply.rc > 0, f"{action} was not accepted: {reply}"
        return reply.rc

    async def run(
        self, action: str, parameters: Mapping[str, str] | None = None, **options: Any
    ) -> ExecNotify:
        """Run an action to its (first) end."""
        return await self.client.completion(await self.ask(action, parameters, **options))


class Resources:
    """The resources of one client, forgotten at the end; an async context manager."""

    def __init__(self, daemon: Daemon, client: FakeCluster) -> None:
        daemon.need_agents()
        self.daemon = daemon
        self.client = client
        self._added: list[str] = []
        self._observer: Resource | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.client.ending is None and kind is None:
            for resource_id in self._added:
                await self.client.unregister(resource_id)

    async def add(
        self,
        standard: str = "ocf",
        provider: str | None = "conformance",
        agent: str = "Scripted",
        *,
        call_options: int = 0,
    ) -> Resource:
        """Register a resource under an id that nobody has used."""
        resource = Resource(self.client, f"r{next(_NUMBERS)}")
        reply = await self.client.resource_register(
            resource.id, standard, provider, agent, call_options=call_options
        )
        assert reply.rc == 0, f"the resource was not accepted: {reply}"
        self._added.append(resource.id)
        return resource

    async def pass_time(self, documented: float) -> None:
        """Let so many seconds pass, by an action that takes as long.

        What the daemon had to say meanwhile has arrived before this returns.
        """
        await self._observe("reload", script(seconds=self.daemon.seconds(documented)))

    async def text(self, of: str) -> list[str]:
        """The record of a resource, or of an alert, so far."""
        return printed(await self._observe("record", {"of": of}))

    async def record(self, of: Resource) -> list[Line]:
        """What was done to a resource so far."""
        rows = [line.split(maxsplit=3) for line in await self.text(of.id)]
        return [Line(what, float(at), pid, action) for what, at, pid, action in rows]

    async def living(self, of: Resource) -> list[str]:
        """The pids in a resource's record that still run."""
        return printed(await self._observe("living", {"of": of.id}))

    async def _observe(self, action: str, parameters: Mapping[str, str]) -> ExecNotify:
        if self._observer is None:
            self._observer = await self.add()
        return await self._observer.run(action, parameters)
