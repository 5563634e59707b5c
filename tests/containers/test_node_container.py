# SPDX-License-Identifier: GPL-2.0-or-later
"""A node's container: how it is made, and that it is gone whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker.errors import APIError
from fake_host import Api, refusal

from containers.node import File, RemoteNode, created
from containers.owner import RUN_ENVIRONMENT, labels


@dataclass
class Container:
    """In place of testcontainers' own; the last one made is ``last``."""

    image: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    life: list[str] = field(default_factory=list)
    start_error: Exception | None = None
    stop_error: Exception | None = None

    def with_command(self, command: list[str]) -> Container:
        return self

    def with_tmpfs_mount(self, path: str, options: str) -> Container:
        self.options["tmpfs"] = path
        return self

    def with_volume_mapping(self, host: str, container: str, mode: str) -> Container:
        self.options.setdefault("volumes", []).append((host, container, mode))
        return self

    def with_kwargs(self, **options: Any) -> Container:
        self.options.update(options)
        return self

    def start(self) -> None:
        self.life.append("start")
        if self.start_error is not None:
            raise self.start_error

    def stop(self) -> None:
        self.life.append("stop")
        if self.stop_error is not None:
            raise self.stop_error

    def get_container_id(self) -> str:
        return "c1"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, api: Api) -> list[Container]:
    """The containers that were made."""
    made: list[Container] = []

    def make(image: str, name: str) -> Container:
        made.append(Container(image, name))
        return made[-1]

    monkeypatch.setattr("containers.node.DockerContainer", make)
    monkeypatch.setattr(api, "api_version", "1.43", raising=False)
    monkeypatch.setenv(RUN_ENVIRONMENT, "cafe0001")
    return made


def host(**options: Any) -> RemoteNode:
    network = cast(Any, SimpleNamespace(name="pcmk-cafe0001-77.3"))
    return RemoteNode("r1", "image:1", network, "10.0.0.9", **options)


def test_node_that_was_not_created_has_no_container() -> None:
    with pytest.raises(RuntimeError, match="node r1 was not created"):
        _ = host().container_id


def test_container_is_named_labelled_and_addressed(made: list[Container]) -> None:
    host().create()

    (container,) = made
    options = container.options
    assert (container.image, container.name) == ("image:1", "pcmk-cafe0001-77.3-r1")
    assert options["labels"] == labels()
    assert (options["hostname"], options["network"]) == ("r1", "pcmk-cafe0001-77.3")
    endpoint = options["networking_config"]["pcmk-cafe0001-77.3"]
    assert endpoint["IPAMConfig"] == {"IPv4Address": "10.0.0.9"}
    assert options["init"] is True


def test_files_are_there_before_the_first_boot(made: list[Container], api: Api) -> None:
    node = host(files={"/etc/pacemaker/authkey": File(b"key")})
    node.create()

    assert (api.disk / "etc/pacemaker/authkey").read_bytes() == b"key"
    assert api.execs == {}


def test_directories_of_this_machine_are_mounted_writable(made: list[Container]) -> None:
    host(mounts={Path("/src/build"): "/gcov/src/build"}).create()

    assert made[0].options["volumes"] == [("/src/build", "/gcov/src/build", "rw")]


@pytest.fixture
def asked(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program that makes daemons leave their counters, or rather a list of where it was to."""
    monkeypatch.setattr("containers.node.PROGRAMS", str(tmp_path))
    program = tmp_path / "leave-counters"
    program.write_text(f'#!/bin/sh\necho "$1" >>{tmp_path}/asked\n')
    program.chmod(0o755)
    return tmp_path / "asked"


def test_counters_are_left_in_what_is_mounted(made: list[Container], asked: Path) -> None:
    node = host(mounts={Path("/src/a b"): "/gcov/src/a b"})
    node.create()

    node.leave_counters()

    assert asked.read_text() == "/gcov/src/a b\n"


def test_host_without_mounts_leaves_no_counters(made: list[Container], asked: Path) -> None:
    node = host()
    node.create()

    node.leave_counters()

    assert not asked.exists()


def test_host_that_is_down_or_gone_leaves_no_counters(
    made: list[Container], asked: Path, api: Api
) -> None:
    node = host(mounts={Path("/src"): "/gcov/src"})
    node.leave_counters()
    node.create()
    api.started_at = None
    node.leave_counters()

    assert not asked.exists()


def test_node_exists_inside_the_block_and_is_gone_after_it(made: list[Container]) -> None:
    with created(host()) as node:
        assert (node.container_id, made[0].life) == ("c1", ["start"])

    assert made[0].life == ["start", "stop"]


def test_node_is_gone_after_a_block_that_failed(made: list[Container]) -> None:
    with pytest.raises(ZeroDivisionError), created(host()):
        _ = 1 / 0

    assert made[0].life == ["start", "stop"]


def test_node_that_could_not_be_made_whole_is_removed(
    made: list[Container], api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise refusal(500)

    monkeypatch.setattr(api, "put_archive", full)

    with pytest.raises(APIError), created(host(files={"/a": File(b"")})):
        pytest.fail("it was not created")
    assert made[0].life == ["start", "stop"]


def test_removing_twice_is_no_error(made: list[Container]) -> None:
    node = host()
    node.create()

    node.remove()
    node.remove()

    assert made[0].life == ["start", "stop"]


@pytest.mark.parametrize("status", [404, 409])
def test_container_that_somebody_else_removes_is_left_to_them(
    made: list[Container], status: int
) -> None:
    node = host()
    node.create()
    made[0].stop_error = refusal(status)

    node.remove()

    with pytest.raises(RuntimeError, match="was not created"):
        _ = node.container_id


def test_container_that_cannot_be_removed_is_an_error(made: list[Container]) -> None:
    node = host()
    node.create()
    made[0].stop_error = refusal(500)

    with pytest.raises(APIError):
        node.remove()
