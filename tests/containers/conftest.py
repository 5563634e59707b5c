# SPDX-License-Identifier: GPL-2.0-or-later
"""Every wait of these tests runs on a clock of its own, and no node finds a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_clock import Clock
from fake_host import Api
from fake_power import Line


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("containers.wait.time", clock)
    return clock


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Api]:
    """The engine of one container."""
    api = Api(tmp_path)
    client = SimpleNamespace(api=api)
    monkeypatch.setattr("containers.node.connect", lambda: client)
    monkeypatch.setattr("containers.pid_one.connect", lambda: client)
    monkeypatch.setattr("containers.shell.connect", lambda: client)
    yield api
    for line in api.opened:
        line.close()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """Every relay that was opened to fence agents, oldest first; none of them is a real one."""
    opened: list[Line] = []

    def open_line(*args: Any) -> Line:
        opened.append(Line(*args))
        return opened[-1]

    monkeypatch.setattr("containers.fencing.Relay", open_line)
    return opened
