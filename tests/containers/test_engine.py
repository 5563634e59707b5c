# SPDX-License-Identifier: GPL-2.0-or-later
"""Finding the engine, and leaving nothing behind on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, DockerException, NotFound

from containers import engine
from containers.errors import EnvironmentProblem
from containers.owner import LABEL_OWNER, LABEL_RUN, RUN_ENVIRONMENT, Owner, labels

HERE = Owner.current()
DEAD = replace(HERE, started=str(int(HERE.started) - 1))


def error(status: int, text: str = "no") -> APIError:
    response = requests.Response()
    response.status_code = status
    return APIError(text, response=response, explanation=text)


@dataclass
class Engine:
    """Containers, networks and volumes: kind to name to labels.

    Attributes:
        errors: what happens when the thing of this name is to be removed.
        removed: kind and name, in order.
    """

    things: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    removed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def api(self) -> Engine:
        return self

    def _list(self, kind: str, filters: dict[str, str]) -> list[dict[str, Any]]:
        return [
            {"Id": name, "Name": name, "Labels": found or None}
            for name, found in self.things.get(kind, {}).items()
            if filters["label"] in found
        ]

    def _remove(self, kind: str, name: str) -> None:
        if name in self.errors:
            raise self.errors[name]
        self.removed.append((kind, name))

    def containers(self, *, all: bool, filters: dict[str, str]) -> list[dict[str, Any]]:
        assert all  # those that have ended, too
        return self._list("container", filters)

    def networks(self, *, filters: dict[str, str]) -> list[dict[str, Any]]:
        return self._list("network", filters)

    def volumes(self, *, filters: dict[str, str]) -> dict[str, Any]:
        return {"Volumes": self._list("volume", filters) or None}

    def remove_container(self, name: str, *, force: bool, v: bool) -> None:
        assert force
        assert v
        self._remove("container", name)

    def remove_network(self, name: str) -> None:
        self._remove("network", name)

    def remove_volume(self, name: str, *, force: bool) -> None:
        assert force
        self._remove("volume", name)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine that answers."""
    engine_ = Engine()
    monkeypatch.setattr("containers.engine.connect", lambda: engine_)
    monkeypatch.setenv(RUN_ENVIRONMENT, "run-1")
    return engine_


def owned(owner: Owner, run: str = "run-0") -> dict[str, str]:
    return {LABEL_RUN: run, LABEL_OWNER: str(owner)}


# --- Finding it


def test_no_engine_is_one_sentence_that_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("containers.engine.try_connect", lambda: None)
    engine.connect.cache_clear()

    with pytest.raises(EnvironmentProblem, match="type: python3 -m containers provision") as caught:
        engine.connect()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("refusal", [DockerException("no"), requests.ConnectionError("no")])
def test_engine_that_does_not_answer_is_none(
    monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    def refuse(**_: Any) -> None:
        raise refusal

    monkeypatch.setattr("docker.from_env", refuse)

    assert engine.try_connect() is None


def test_engine_is_asked_before_it_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    pinged: list[bool] = []
    client: Any = SimpleNamespace(ping=lambda: pinged.append(True))
    monkeypatch.setattr("docker.from_env", lambda **_: client)

    assert engine.try_connect() is client
    assert pinged


@pytest.mark.parametrize(
    ("platform", "name"), [({"Name": "Docker Engine - Community"},) * 2, ({}, {})]
)
def test_engine_in_one_line(
    monkeypatch: pytest.MonkeyPatch, platform: dict[str, str], name: dict[str, str]
) -> None:
    version = {"Platform": platform, "Version": "27.1", "KernelVersion": "6.18"}
    monkeypatch.setattr(
        "containers.engine.connect", lambda: SimpleNamespace(version=lambda: version)
    )

    assert engine.describe() == f"{name.get('Name', 'Docker Engine')} 27.1, kernel 6.18"


# --- Leaving nothing behind


def test_only_what_dead_runs_left_is_removed(there: Engine) -> None:
    stranger = replace(DEAD, host="elsewhere")
    for kind in ("container", "network", "volume"):
        there.things[kind] = {
            "dead": owned(DEAD),
            "mine": labels(),
            "strange": owned(stranger),
            "odd": {LABEL_OWNER: "somebody"},
            "plain": {},
        }

    assert engine.remove_orphans() == 3
    assert there.removed == [("container", "dead"), ("network", "dead"), ("volume", "dead")]


def test_end_of_a_run_removes_what_all_of_its_processes_made(there: Engine) -> None:
    there.things["container"] = {
        "mine": labels(),
        "worker's": owned(replace(HERE, pid=1, started="1"), "run-1"),
        "other run's": owned(HERE, "run-2"),
    }
    there.things["network"] = {"net": labels()}

    assert engine.remove_run() == 3
    assert there.removed == [
        ("container", "mine"),
        ("container", "worker's"),
        ("network", "net"),
    ]


def test_nothing_to_remove_is_nothing_removed(there: Engine) -> None:
    assert engine.remove_orphans() == engine.remove_run() == 0


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        ("container", NotFound("gone")),
        ("container", error(409, "removal in progress")),
        ("network", NotFound("gone")),
        ("network", error(403, "has active endpoints")),
        ("volume", error(409, "in use")),
    ],
)
def test_what_somebody_else_is_removing_is_left_to_them(
    there: Engine, kind: str, trouble: Exception
) -> None:
    there.things[kind] = {"taken": labels(), "mine": labels()}
    there.errors["taken"] = trouble

    assert engine.remove_run() == 1
    assert there.removed == [(kind, "mine")]


@pytest.mark.parametrize(("kind", "status"), [("container", 500), ("container", 403)])
def test_what_cannot_be_removed_is_an_error(there: Engine, kind: str, status: int) -> None:
    there.things[kind] = {"stuck": labels()}
    there.errors["stuck"] = error(status)

    with pytest.raises(APIError):
        engine.remove_run()


# --- Networks


@dataclass
class Network:
    name: str
    subnet: str
    attrs: dict[str, Any] = field(default_factory=dict)
    removed: bool = False

    def reload(self) -> None:
        self.attrs = {"IPAM": {"Config": [{"Subnet": self.subnet}]}}

    def remove(self) -> None:
        self.removed = True


@dataclass
class Networks:
    """Gives out 172.30.0.0/24, 172.30.1.0/24... and refuses the first few that are asked for."""

    refusals: list[Exception] = field(default_factory=list)
    made: list[Network] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def networks(self) -> Networks:
        return self

    def create(self, name: str, **options: Any) -> Network:
        self.asked.append(options)
        if "ipam" in options:
            if self.refusals:
                raise self.refusals.pop(0)
            (pool,) = options["ipam"]["Config"]
            assert pool["Gateway"] == pool["Subnet"].replace(".0/24", ".1")
            subnet = pool["Subnet"]
        else:
            subnet = f"172.30.{len(self.made)}.0/24"
        self.made.append(Network(name, subnet))
        return self.made[-1]


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> Networks:
    networks = Networks()
    monkeypatch.setattr("containers.engine.connect", lambda: networks)
    return networks


def test_network_keeps_the_range_that_the_engine_chose(networks: Networks) -> None:
    network: Any = engine.create_network("pcmk-1")

    scout, made = networks.made
    assert network is made
    assert (scout.removed, made.removed) == (True, False)
    assert (made.name, made.attrs["IPAM"]["Config"][0]["Subnet"]) == ("pcmk-1", scout.subnet)


def test_networks_are_isolated_and_labelled_even_those_that_only_look(networks: Networks) -> None:
    engine.create_network("pcmk-1")

    assert [(asked["internal"], asked["labels"]) for asked in networks.asked] == [
        (True, labels()),
        (True, labels()),
    ]


def test_range_that_another_run_took_is_left_to_it(networks: Networks) -> None:
    networks.refusals = [error(403, "Pool overlaps with other one on this address space")] * 2

    network = engine.create_network("pcmk-1")

    assert network.attrs["IPAM"]["Config"][0]["Subnet"] == "172.30.2.0/24"
    assert [made.removed for made in networks.made] == [True, True, True, False]


def test_ten_ranges_taken_are_an_environment_problem(networks: Networks) -> None:
    networks.refusals = [error(403, "Pool overlaps with other one")] * 20

    with pytest.raises(EnvironmentProblem, match="no free address range for a network in ten"):
        engine.create_network("pcmk-1")
    assert len(networks.made) == 10
    assert all(made.removed for made in networks.made)


def test_other_refusals_are_not_taken_for_an_overlap(networks: Networks) -> None:
    networks.refusals = [error(500, "iptables failed")]

    with pytest.raises(APIError, match="iptables failed"):
        engine.create_network("pcmk-1")
