# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts and relays that hang on the power switch in tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from containers.node import Node


@dataclass
class Host:
    """A host that remembers what was done to it.

    Attributes:
        error: raised when it is to be switched.
    """

    name: str
    powered: bool = True
    error: Exception | None = None
    done: list[str] = field(default_factory=list)

    def power_off(self) -> None:
        self._do("power_off")
        self.powered = False

    def boot(self) -> None:
        self._do("boot")
        self.powered = True

    def _do(self, what: str) -> None:
        self.done.append(what)
        if self.error is not None:
            raise self.error


class Line:
    """In place of a relay: asks what fence agents would ask, and keeps the answers."""

    def __init__(self, node: Node, serve: Callable[[Line, list[str]], None]) -> None:
        self.node = node
        self.serve = serve
        self.closed = False
        self.answers: list[tuple[str, int, str]] = []

    def ask(self, request: str) -> tuple[str, int, str]:
        """The one answer to a request, given as the agent writes it."""
        before = len(self.answers)
        self.serve(self, request.split())
        (answer,) = self.answers[before:]
        return answer

    def answer(self, request: str, code: int, message: str) -> None:
        self.answers.append((request, code, message))

    def close(self) -> None:
        self.closed = True
