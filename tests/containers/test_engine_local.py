# SPDX-License-Identifier: GPL-2.0-or-later
"""An engine is refused if its containers cannot be reached by their addresses."""

import platform

import pytest

from containers.engine import require_local
from containers.errors import EnvironmentProblem


@pytest.mark.parametrize(
    "host", [None, "unix:///run/docker.sock", "tcp://127.0.0.1:2375", "ssh://localhost"]
)
def test_local_engine(host: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if host is not None:
        monkeypatch.setenv("DOCKER_HOST", host)
    require_local()


@pytest.mark.parametrize("host", ["tcp://192.0.2.7:2375", "ssh://builder.example"])
def test_engine_elsewhere(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EnvironmentProblem, match="own host"):
        require_local()


def test_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(EnvironmentProblem, match="on Darwin"):
        require_local()
