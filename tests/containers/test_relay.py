# SPDX-License-Identifier: GPL-2.0-or-later
"""The line to the fence agents of a cluster node, over a socket pair in place of the engine's."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from queue import Queue
from typing import Any, cast

import pytest

from containers.errors import WaitTimeout
from containers.fencing import Relay
from containers.node import Node, Ran

STDOUT, STDERR = 1, 2
#: Seconds after which something that should have happened did not.
PATIENCE = 5.0


class Agents:
    """What runs in the node: the relay's far end, and whether it has made its FIFO yet."""

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.far.settimeout(PATIENCE)
        self.looks_until_ready = 1
        self.name = "n1"
        self.container_id = "c1"

    def run(self, command: str, *, check: bool) -> Ran:
        self.looks_until_ready -= 1
        return Ran(command, 1 if self.looks_until_ready > 0 else 0, "")

    def exec_create(self, container: str, command: list[str], *, stdin: bool) -> dict[str, str]:
        assert (container, stdin) == ("c1", True)
        assert command[0].endswith("/fence-relay")
        return {"Id": "e1"}

    def exec_start(self, created: str, *, socket: bool) -> Any:
        assert (created, socket) == ("e1", True)
        return self.near

    def write(self, stream: int, text: bytes) -> None:
        """One frame, as the engine wraps what a process without a terminal prints."""
        self.far.sendall(struct.pack(">BxxxL", stream, len(text)) + text)


class Desk:
    """Takes requests as the power switch would."""

    def __init__(self) -> None:
        self.requests: Queue[list[str]] = Queue()

    def serve(self, relay: Relay, words: list[str]) -> None:
        self.requests.put(words)

    def next(self) -> list[str]:
        return self.requests.get(timeout=PATIENCE)


@pytest.fixture
def agents(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agents]:
    agents = Agents()
    client = cast(Any, type("Client", (), {"api": agents}))
    monkeypatch.setattr("containers.line.connect", lambda: client)
    yield agents
    agents.far.close()
    agents.near.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def relay(agents: Agents, desk: Desk) -> Iterator[Relay]:
    relay = Relay(cast(Node, agents), desk.serve)
    yield relay
    relay.close()
    readers_end()


def readers_end() -> bool:
    """Whether every thread that reads from a line comes to its end."""
    readers = [thread for thread in threading.enumerate() if thread.name == "relay-n1"]
    for reader in readers:
        reader.join(PATIENCE)
    return not any(reader.is_alive() for reader in readers)


def test_line_is_open_when_the_node_has_its_fifo(agents: Agents, desk: Desk) -> None:
    agents.looks_until_ready = 3

    relay = Relay(cast(Node, agents), desk.serve)

    assert agents.looks_until_ready == 0
    relay.close()
    assert readers_end()


def test_node_that_never_makes_its_fifo_is_a_timeout(agents: Agents, desk: Desk) -> None:
    agents.looks_until_ready = 10**6

    with pytest.raises(WaitTimeout, match="fence relay on n1"):
        Relay(cast(Node, agents), desk.serve)
    assert readers_end()
    assert agents.far.recv(1) == b""


@pytest.mark.usefixtures("relay")
def test_requests_are_lines_however_they_are_cut(agents: Agents, desk: Desk) -> None:
    agents.write(STDOUT, b"1 off r1 harness\n2 o")
    agents.write(STDERR, b"a complaint\n")
    agents.write(STDOUT, b"n r1 harness\n")

    asked = sorted([desk.next(), desk.next()])

    assert asked == [["1", "off", "r1", "harness"], ["2", "on", "r1", "harness"]]
    assert desk.requests.empty()


def test_answer_is_one_line(agents: Agents, relay: Relay) -> None:
    relay.answer("17", 1, "r9 is not on this power switch")

    assert agents.far.recv(100) == b"17 1 r9 is not on this power switch\n"


def test_a_slow_request_does_not_hold_up_the_next(agents: Agents) -> None:
    answered: Queue[str] = Queue()
    second_is_served = threading.Event()

    def serve(relay: Relay, words: list[str]) -> None:
        if words[0] == "1":
            assert second_is_served.wait(PATIENCE)
        answered.put(words[0])
        second_is_served.set()

    relay = Relay(cast(Node, agents), serve)
    agents.write(STDOUT, b"1 off r1 harness\n2 off r2 harness\n")

    assert [answered.get(timeout=PATIENCE), answered.get(timeout=PATIENCE)] == ["2", "1"]
    relay.close()
    assert readers_end()


def test_line_ends_quietly_with_its_node(agents: Agents, relay: Relay) -> None:
    agents.far.close()

    assert readers_end()
    relay.answer("17", 0, "")  # nobody hears it, and that is no error


def test_closing_the_line_tells_the_node_and_ends_the_reader(agents: Agents, relay: Relay) -> None:
    relay.close()

    assert readers_end()
    assert agents.far.recv(1) == b""
