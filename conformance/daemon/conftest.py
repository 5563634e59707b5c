# SPDX-License-Identifier: GPL-2.0-or-later
"""``daemon``: one that listens with default settings. ``start_daemon``: one of the test's own.

The default daemon serves all tests of a worker and is asked after each whether it is still well;
if not, that test fails and the next one gets a new daemon. ``lend_daemon`` does the same for
settings that several tests share.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from conformance.environment import Environment, parse_fake
from conformance.plugin import Evidence
from containers import counters
from containers.engine import create_network
from containers.node import AUTHKEY, File, RemoteNode, created
from containers.owner import run_id
from containers.pid_one import PidOneNode
from containers.targets import DEFAULT_PORT, Kind
from fixtures.capture import Recorder
from fixtures.peers import FakeCluster
from fixtures.tls import Credentials

from .elsewhere import HostDaemon
from .fake import ADDRESS as FAKE_ADDRESS
from .fake import start_fake
from .in_container import ContainerDaemon
from .in_container import start as start_in_container
from .scripted import Resources
from .under_test import Daemon


@dataclass(frozen=True, eq=False)
class Settings:
    """How a daemon is started that serves several tests; it lives as long as the worker.

    Attributes:
        variables: of its process environment.
        files: placed before it starts.
        credentials: what its clients use in place of the run's key.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    credentials: Credentials | None = None


DEFAULT = Settings()


class DaemonHosts:
    """Hosts for daemons, on one network of this worker; all are gone when the worker ends.

    A host is wiped when a test gives it back, and given to the next one if it is as good as new.
    """

    def __init__(self, environment: Environment, stack: ExitStack) -> None:
        self._environment = environment
        self._stack = stack
        self._network = None
        self._numbers = itertools.count(1)
        self._idle: list[RemoteNode] = []
        self.shared: dict[Settings, ContainerDaemon] = {}

    def take(self) -> RemoteNode:
        """A host without a running daemon or any trace of one."""
        if self._idle:
            return self._idle.pop()
        node = self._create(RemoteNode)
        node.make_wipeable()
        return node

    def take_pid_one(self) -> RemoteNode:
        """A host that becomes the daemon."""
        return self._create(PidOneNode)

    def give_back(self, node: RemoteNode, placed: Collection[str]) -> None:
        """*placed* are the files that were put onto it."""
        node.leave_counters()
        if not isinstance(node, PidOneNode) and node.powered and node.wipe(placed):
            self._idle.append(node)
        else:
            node.remove()

    def _create(self, kind: type[RemoteNode]) -> RemoteNode:
        images = self._environment.remote_images
        assert images is not None, "only targets with images have hosts"
        if self._network is None:
            network = self._network = create_network(f"pcmk-{run_id()}-{os.getpid()}.d")
            self._stack.callback(network.remove)
        subnet = ipaddress.ip_network(self._network.attrs["IPAM"]["Config"][0]["Subnet"])
        number = next(self._numbers)
        address = str(ipaddress.ip_address(int(subnet[0]) + 9 + number))
        node = kind(f"d{number}", images.remote, self._network, address)
        if built := self._environment.counters:
            node.environment, node.mounts = counters.VARIABLES, counters.mount(built)
        self._stack.enter_context(created(node))
        self._stack.callback(node.leave_counters)
        node.run(f"rm -f {AUTHKEY}")  # some packages bring one
        return node

    def forget(self, settings: Settings) -> None:
        """Share the daemon with these settings no more."""
        if settings in self.shared:
            self.shared.pop(settings).hang_up()


@pytest.fixture(scope="session")
def daemon_hosts(environment: Environment) -> Iterator[DaemonHosts]:
    with ExitStack() as stack:
        hosts = DaemonHosts(environment, stack)
        yield hosts
        for settings in list(hosts.shared):
            hosts.forget(settings)


@pytest.fixture
def recorder(evidence: Evidence) -> Recorder:
    """Records every connection of the test; what it recorded becomes evidence."""
    recorder = Recorder()
    evidence.on_finish(lambda: recorder.write(evidence.directory))
    return recorder


#: Finding a prime of the usual length takes a daemon up to seconds of its start. The shared daemon
#: takes that time; those that live for one test need no such prime.
QUICK_START = {"PCMK_dh_max_bits": "1024"}


def at(address: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with the host's own address put in."""
    return {name: value.replace("{address}", address) for name, value in variables.items()}


class StartDaemon(Protocol):
    """Starts a daemon of the test's own; see :func:`start_daemon`."""

    def __call__(
        self,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        *,
        key: bytes | None = None,
        port: int = DEFAULT_PORT,
        files: Mapping[str, File | None] | None = None,
        taken_ports: Collection[int] = (),
        fails: bool = False,
        pid_one: bool = False,
    ) -> Awaitable[Daemon]: ...


@pytest.fixture
async def start_daemon(
    environment: Environment,
    daemon_hosts: DaemonHosts,
    recorder: Recorder,
    evidence: Evidence,
) -> AsyncIterator[StartDaemon]:
    """Start a daemon with settings of its own, on a host on which nothing else happens.

    Its settings are variables, arguments, the port that they mean, and files that are placed on
    its host before it starts. *key* is what clients use and what the key file holds (the run's by
    default), unless *files* says what the key file holds; None there is no such file. ``{address}``
    in a variable stands for the address of the host. *taken_ports* are somebody else's; a daemon
    that *fails* is not expected to listen; one that is *pid_one* is the first process of its host.
    """
    started: list[Daemon] = []
    nodes: list[tuple[RemoteNode, set[str]]] = []

    async def start(
        variables: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        *,
        key: bytes | None = None,
        port: int = DEFAULT_PORT,
        files: Mapping[str, File | None] | None = None,
        taken_ports: Collection[int] = (),
        fails: bool = False,
        pid_one: bool = False,
    ) -> Daemon:
        daemon: Daemon
        key = environment.authkey if key is None else key
        wanted = {AUTHKEY: File(key, 0o640), **(files or {})}
        placed = {path: file for path, file in wanted.items() if file is not None}
        variables = variables or {}
        if environment.target.kind is Kind.HOST:
            pytest.skip("nobody starts a daemon on somebody else's host")
        if environment.target.kind is Kind.FAKE:
            bugs, release = parse_fake(environment.target)
            variables = at(FAKE_ADDRESS, variables)
            daemon = await start_fake(
                key,
                bugs,
                release,
                variables,
                arguments,
                placed,
                taken_ports=taken_ports,
                fails=fails,
                pid_one=pid_one,
            )
        else:
            node = daemon_hosts.take_pid_one() if pid_one else daemon_hosts.take()
            nodes.append((node, set(placed)))
            variables = {**QUICK_START, **at(node.address, variables)}
            daemon = start_in_container(
                node,
                key,
                variables,
                arguments,
                placed,
                port,
                taken_ports=taken_ports,
                fails=fails,
            )
            nodes[-1] = (node, daemon.placed)
        daemon.recorder = recorder
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        if log := daemon.log():
            evidence.add("pacemaker-remoted.log", log)
        await daemon.close()
    for node, paths in nodes:
        daemon_hosts.give_back(node, paths)


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[FakeCluster]:
    """A registered client of the default daemon."""
    async with daemon.client() as client:
        assert (await client.register()).rc == 0
        yield client


@pytest.fixture
async def resources(daemon: Daemon, client: FakeCluster) -> AsyncIterator[Resources]:
    """Resources of that client that do what they are told; forgotten after the test."""
    async with Resources(daemon, client) as resources:
        yield resources


async def _shared_daemon(
    environment: Environment,
    hosts: DaemonHosts,
    start: Callable[..., Awaitable[Daemon]],
    settings: Settings,
) -> Daemon:
    target = environment.target
    if target.kind is Kind.HOST and settings is DEFAULT:
        return HostDaemon(target.address, target.port, environment.authkey)
    if target.kind in (Kind.HOST, Kind.FAKE):
        return await start(settings.variables, files=settings.files)
    shared = hosts.shared.get(settings)
    if shared is None or not await shared.alive():
        hosts.forget(settings)
        key = environment.authkey
        placed = {AUTHKEY: File(key, 0o640), **settings.files}
        shared = start_in_container(hosts.take(), key, settings.variables, (), placed)
        hosts.shared[settings] = shared
    return shared


class LendDaemon(Protocol):
    """Lends a daemon that several tests share; see :func:`lend_daemon`."""

    def __call__(self, settings: Settings) -> AbstractAsyncContextManager[Daemon]: ...


@pytest.fixture
def lend_daemon(
    environment: Environment,
    daemon_hosts: DaemonHosts,
    start_daemon: StartDaemon,
    recorder: Recorder,
    evidence: Evidence,
) -> LendDaemon:
    """Lend a daemon with these very settings, alive and answering before and after."""

    @asynccontextmanager
    async def lend(settings: Settings) -> AsyncIterator[Daemon]:
        daemon = await _shared_daemon(environment, daemon_hosts, start_daemon, settings)
        daemon.credentials = settings.credentials
        daemon.recorder = recorder
        before = daemon.log_size()
        bystander = await daemon.bystander()
        yield daemon
        if log := daemon.log(before):
            evidence.add("pacemaker-remoted.log", log)
        try:
            await daemon.check_well(bystander)
        except BaseException:
            daemon_hosts.forget(settings)
            raise
        finally:
            await bystander.close()

    return lend


@pytest.fixture
async def daemon(lend_daemon: LendDaemon) -> AsyncIterator[Daemon]:
    """A daemon with default settings and the run's key, alive and answering before and after."""
    async with lend_daemon(DEFAULT) as daemon:
        yield daemon
