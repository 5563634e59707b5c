# SPDX-License-Identifier: GPL-2.0-or-later
"""The power switch that the cluster's fence agent asks for, and the record of who asked.

The agent ``fence_harness`` in a cluster node hands its request to a relay there; the relay is a
process that the harness started by exec and whose streams it holds, so nothing of the engine is
reachable from inside a node, and an engine on another machine serves as well. The record kept
here, and not the cluster's opinion, says who fenced whom and when.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from containers.errors import EnvironmentProblem
from containers.line import Line
from containers.node import PROGRAMS, Node
from containers.wait import wait_for

ACTIONS = ("on", "off", "reboot", "status")
FIFO = "/run/pacemaker-conformance/requests"


@dataclass(frozen=True)
class FenceRecord:
    """One request to the power switch.

    Attributes:
        executor: the cluster node whose fencer ran the agent.
        action: ``off``, ``on`` or ``reboot``.
        target: the node that was to be fenced.
        device: the ``device`` parameter of the fence device's configuration.
        requested, finished: monotonic seconds (time.monotonic).
        error: why it failed; empty if it succeeded.
    """

    executor: str
    action: str
    target: str
    device: str
    requested: float
    finished: float
    error: str = ""


class Powered(Protocol):
    """Something that can hang on the power switch: a node, or what stands in for one."""

    @property
    def name(self) -> str: ...

    @property
    def powered(self) -> bool: ...

    def power_off(self) -> None: ...

    def boot(self) -> None: ...


class Relay:
    """The line to the fence agents of one cluster node; lives as long as the node is up."""

    def __init__(self, node: Node, serve: Callable[[Relay, list[str]], None]) -> None:
        self.node = node
        self._serve = serve
        self._line = Line(node, [f"{PROGRAMS}/fence-relay"], f"relay-{node.name}", self._asked)
        try:
            wait_for(
                lambda: node.run(f"test -p {FIFO}", check=False).exit_code,
                lambda code: code == 0,
                f"fence relay on {node.name}",
                10,
                interval=0.02,
            )
        except BaseException:
            self.close()  # nobody else has this line
            raise

    def _asked(self, line: str) -> None:
        worker = threading.Thread(target=self._serve, args=(self, line.split()), daemon=True)
        worker.start()

    def answer(self, request: str, code: int, message: str) -> None:
        self._line.say(f"{request} {code} {message}")

    def close(self) -> None:
        self._line.close()


class PowerSwitch:
    """Switches nodes off and on as fence agents ask, and remembers it.

    Attributes:
        records: every finished request for ``on``, ``off`` or ``reboot``, in order.
    """

    def __init__(self) -> None:
        self.records: list[FenceRecord] = []
        self._nodes: dict[str, Powered] = {}
        self._relays: dict[str, Relay] = {}
        self._lock = threading.Lock()

    def plug(self, node: Powered) -> None:
        """Put *node* on this switch, so that it can be fenced."""
        self._nodes[node.name] = node

    def unplug(self, node: Powered) -> None:
        self._nodes.pop(node.name, None)

    def connect(self, node: Node) -> None:
        """Open the relay on a cluster node that has just been started."""
        old = self._relays.pop(node.name, None)
        if old is not None:
            old.close()
        self._relays[node.name] = Relay(node, self._serve)

    def close(self) -> None:
        for relay in self._relays.values():
            relay.close()
        self._relays.clear()

    def of(self, target: str) -> list[FenceRecord]:
        """The records that are about *target*."""
        with self._lock:
            return [record for record in self.records if record.target == target]

    def clear(self) -> None:
        with self._lock:
            self.records.clear()

    def _serve(self, relay: Relay, words: list[str]) -> None:
        if len(words) != 4 or words[1] not in ACTIONS:
            relay.answer(words[0] if words else "-", 1, "request not understood")
            return
        request, action, target, device = words
        node = self._nodes.get(target)
        begun = FenceRecord(relay.node.name, action, target, device, time.monotonic(), 0.0)
        code, message = 0, ""
        try:
            if action == "status":
                code, message = (0, "on") if node is not None and node.powered else (2, "off")
            else:
                self._switch(node, target, action)
        except Exception as problem:
            # Whatever went wrong, the agent must hear of it: the cluster waits for an answer.
            code, message = 1, _first_line(problem)
        if action != "status":
            with self._lock:
                self.records.append(replace(begun, finished=time.monotonic(), error=message))
        relay.answer(request, code, message)

    def _switch(self, node: Powered | None, target: str, action: str) -> None:
        if node is None:
            raise EnvironmentProblem(f"{target} is not on this power switch")
        if action in ("off", "reboot"):
            node.power_off()
        if action in ("on", "reboot"):
            node.boot()
            if isinstance(node, Node) and node.name in self._relays:
                self.connect(node)


def _first_line(error: Exception) -> str:
    """The first line of *error*'s text; its type if it has none, for no error is ever empty."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
