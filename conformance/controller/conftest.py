# SPDX-License-Identifier: GPL-2.0-or-later
"""``fake_host``: a fake remote node that a real cluster can reach, fence and integrate.

The fake listens on the engine host's address in the cluster's network. The cluster is spoken to
in threads, so that the fake can answer meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest

from conformance.environment import Environment
from conformance.plugin import Evidence
from containers import cib
from containers.cluster import Cluster
from fixtures.capture import Recorder
from fixtures.peers import FakeRemote

T = TypeVar("T")


async def meanwhile(call: Callable[..., T], *arguments: object, **options: object) -> T:
    """Do something blocking with the cluster while the fake goes on answering."""
    return await asyncio.to_thread(call, *arguments, **options)


class FakeHost:
    """The host of a fake remote node: it can be switched off and on, and is told apart by name.

    Attributes:
        fake: the daemon that runs now; a power cycle makes a new one on the same port.
    """

    def __init__(self, name: str, address: str, key: bytes, recorder: Recorder) -> None:
        self.name = name
        self.address = address
        self._key = key
        self._recorder = recorder
        self._loop = asyncio.get_running_loop()
        self.fake = self._new(port=0)

    def _new(self, port: int) -> FakeRemote:
        return FakeRemote(
            self._key,
            host=self.address,
            port=port,
            taps=lambda label: [self._recorder.tap(label)],
        )

    @property
    def port(self) -> int:
        return self.fake.port

    @property
    def powered(self) -> bool:
        return self.fake.exit_code is None

    def power_off(self) -> None:
        """Called by the power switch, in a thread of its own."""
        asyncio.run_coroutine_threadsafe(self.fake.close(), self._loop).result(10)

    def boot(self) -> None:
        """Called by the power switch, in a thread of its own."""
        self.fake = self._new(self.port)
        asyncio.run_coroutine_threadsafe(self.fake.start(), self._loop).result(10)

    def resource(self, **parameters: str) -> str:
        """The connection resource that makes this host a remote node."""
        return cib.remote(self.name, server=self.address, port=str(self.port), **parameters)


@pytest.fixture
async def fake_host(
    cluster: Cluster, environment: Environment, evidence: Evidence
) -> AsyncIterator[FakeHost]:
    """A host ``f1`` with a well-behaved fake daemon; the cluster knows nothing of it yet."""
    recorder = Recorder()
    evidence.on_finish(lambda: recorder.write(evidence.directory))
    host = FakeHost("f1", cluster.gateway, environment.authkey, recorder)
    await host.fake.start()
    cluster.power.plug(host)
    try:
        yield host
        # While the cluster lets go of it, the fake must still answer.
        await meanwhile(cluster.clear)
    finally:
        cluster.power.unplug(host)
        await host.fake.close()


@pytest.fixture
async def fake_node(cluster: Cluster, fake_host: FakeHost) -> FakeHost:
    """``f1`` integrated as a remote node, online."""
    await meanwhile(cluster.create, fake_host.resource())
    await meanwhile(cluster.wait_online, "f1")
    await meanwhile(cluster.wait_idle)
    return fake_host


@pytest.fixture
async def loaded_node(cluster: Cluster, fake_node: FakeHost) -> FakeHost:
    """The remote node ``f1`` with the resource ``p1`` running on it by preference."""
    resource = cib.primitive("p1", "ocf:pacemaker:Dummy")
    await meanwhile(cluster.create, resource, constraints=(cib.location("p1", "f1"),))
    await meanwhile(cluster.wait_running, "p1", "f1")
    return fake_node
