# SPDX-License-Identifier: GPL-2.0-or-later
"""The container engine: find it, ask it, and leave nothing behind on it.

Any engine that speaks Docker's API will do; it is found as the docker command finds it
(``DOCKER_HOST``, else the local socket). Starting one where none answers is
:mod:`containers.provision`'s business.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import platform
import warnings
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from containers.errors import EnvironmentProblem
from containers.owner import LABEL_OWNER, LABEL_RUN, is_orphan, labels, run_id

if TYPE_CHECKING:
    from docker.models.networks import Network

#: Seconds for any one request to the engine, unless it streams.
REQUEST_TIMEOUT = 120


def try_connect() -> docker.DockerClient | None:
    """A client of the engine, or None if no engine answers."""
    try:
        client = docker.from_env(timeout=REQUEST_TIMEOUT)
        client.ping()
        return client
    except (DockerException, requests.RequestException):
        pass
    # The library forgets to close a socket that did not connect; were it collected later, its
    # warning would come in the middle of something else.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return None


@cache
def connect() -> docker.DockerClient:
    """The process's one client of the engine.

    Raises:
        EnvironmentProblem: no engine answers.
    """
    client = try_connect()
    if client is None:
        raise EnvironmentProblem(
            "no container engine answers; start Docker (or set DOCKER_HOST), "
            "or on Debian type: python3 -m containers provision"
        )
    return client


def require_local() -> None:
    """Refuse an engine whose containers cannot be reached by their own addresses.

    Raises:
        EnvironmentProblem: it runs on another machine, or in a virtual machine of its own.
    """
    if platform.system() != "Linux":
        raise EnvironmentProblem(
            f"on {platform.system()} containers cannot be reached by their own addresses, as the "
            "tests need it; run this on Linux, for example in a virtual machine with Docker"
        )
    host = urlsplit(os.environ.get("DOCKER_HOST", "unix://"))
    if host.scheme in ("unix", "") or host.hostname in ("localhost", "127.0.0.1", "::1"):
        return
    raise EnvironmentProblem(
        f"the engine at {host.hostname} is not this machine's, and the tests talk to containers by "
        "their own addresses; run this on the engine's own host"
    )


def describe() -> str:
    """The engine in one line, for reports: name, version, kernel."""
    version = connect().version()
    platform = version.get("Platform", {}).get("Name") or "Docker Engine"
    return f"{platform} {version.get('Version')}, kernel {version.get('KernelVersion')}"


def _remove_where(wanted: Callable[[dict[str, str]], bool]) -> int:
    """Remove every labelled container, then network, then volume that is *wanted*; count them."""
    client = connect()
    found = {"label": LABEL_OWNER}
    removed = 0
    for kind in ("containers", "networks", "volumes"):
        objects = (
            client.api.containers(all=True, filters=found)
            if kind == "containers"
            else (
                client.api.networks(filters=found)
                if kind == "networks"
                else client.api.volumes(filters=found)["Volumes"] or []
            )
        )
        for entry in objects:
            if not wanted(entry.get("Labels") or {}):
                continue
            try:
                if kind == "containers":
                    client.api.remove_container(entry["Id"], force=True, v=True)
                elif kind == "networks":
                    client.api.remove_network(entry["Id"])
                else:
                    client.api.remove_volume(entry["Name"], force=True)
            except NotFound:
                continue  # its owner was quicker
            except APIError as error:
                # 409: its removal is under way already; 403: that of a container on this network
                if error.status_code != 409 and (kind, error.status_code) != ("networks", 403):
                    raise
                continue
            removed += 1
    return removed


def remove_orphans() -> int:
    """Remove what runs of dead processes left behind; returns how many things were removed."""
    return _remove_where(is_orphan)


def remove_run() -> int:
    """Remove everything that this run, all its workers included, still has on the engine."""
    return _remove_where(lambda found: found.get(LABEL_RUN) == run_id())


def create_network(name: str) -> Network:
    """A bridge network that reaches nothing beyond itself, with addresses that stay.

    Fixed container addresses need a subnet named by us, but only the engine knows which ranges
    are free: let it choose once, then ask for the same range by name.
    """
    client = connect()
    for _ in range(10):
        scout = client.networks.create(f"{name}-scout", internal=True, labels=labels())
        scout.reload()
        subnet = scout.attrs["IPAM"]["Config"][0]["Subnet"]
        scout.remove()
        gateway = str(next(ipaddress.ip_network(subnet).hosts()))
        pool = docker.types.IPAMPool(subnet=subnet, gateway=gateway)
        try:
            network = client.networks.create(
                name,
                internal=True,
                labels=labels(),
                ipam=docker.types.IPAMConfig(pool_configs=[pool]),
            )
        except APIError as error:
            if "overlap" in str(error).lower():
                continue  # another run took it in between
            raise
        network.reload()
        return network
    raise EnvironmentProblem("the engine gave no free address range for a network in ten tries")
