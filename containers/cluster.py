# SPDX-License-Identifier: GPL-2.0-or-later
"""A real cluster: corosync and Pacemaker on a few nodes, and hosts for remote nodes beside them.

Nodes are called ``n1``, ``n2``...; remote hosts as the caller likes. The first configuration is
seeded before the first start (a fence device and a short dc-deadtime), so that a cluster is ready
in seconds. Between tests :meth:`Cluster.reset` brings it back to exactly that configuration.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from docker.errors import NotFound
from lxml import etree

from containers import cib, witness
from containers.engine import create_network
from containers.errors import EnvironmentProblem
from containers.fencing import PowerSwitch
from containers.images import ImagePair
from containers.node import AUTHKEY, ClusterNode, CommandFailed, File, Node, NodeDown, RemoteNode
from containers.owner import run_id
from containers.state import CRM_MON, ClusterState
from containers.wait import wait_for

if TYPE_CHECKING:
    from docker.models.networks import Network

COROSYNC_CONF = "/etc/corosync/corosync.conf"
COROSYNC_AUTHKEY = "/etc/corosync/authkey"
CIB_SEED = "/var/lib/pacemaker/cib/seed.xml"

#: The fence device's resource id; its agent asks the harness's power switch.
FENCING = "fencing"
#: Seconds from creation to a quorate cluster with a DC; measured at 4 to 6.
READY_TIMEOUT = 60.0
#: Seconds in which a cluster must be back at its seed after its configuration was replaced.
RESET_TIMEOUT = 30.0

PROPERTIES = {"dc-deadtime": "2s", "stonith-enabled": "true"}

_serial = count(1)


def fence_device() -> str:
    """The fence device: it can fence every node, cluster and remote."""
    return cib.primitive(
        FENCING,
        "stonith:fence_harness",
        parameters={"pcmk_host_check": "none"},
        meta={"resource-stickiness": "1"},  # it must not move about while others are tested
        operations={"monitor": {"interval": "60s", "timeout": "20s"}},
    )


def corosync_conf(addresses: Mapping[str, str]) -> bytes:
    """corosync.conf for nodes at *addresses*, by name; one key a line, as its parser wants."""
    lines = ["totem {", " version: 2", " cluster_name: conformance", " transport: knet"]
    lines += [" crypto_cipher: none", " crypto_hash: none", " token: 3000", "}", "nodelist {"]
    for number, (name, address) in enumerate(addresses.items(), start=1):
        lines += [" node {", f"  ring0_addr: {address}", f"  name: {name}", f"  nodeid: {number}"]
        lines += [" }"]
    lines += ["}", "quorum {", " provider: corosync_votequorum"]
    if len(addresses) == 2:
        lines += [" two_node: 1", " wait_for_all: 0"]
    # Containers get neither real-time scheduling nor the root cgroup.
    lines += ["}", "system {", " sched_rr: no", " move_to_root_cgroup: no", "}"]
    lines += ["logging {", " to_stderr: yes", " to_syslog: no", "}", ""]
    return "\n".join(lines).encode()


@dataclass
class Cluster:
    """A cluster and the remote hosts beside it, on a network of their own.

    Attributes:
        images: of the cluster side.
        remote_images: of the remote hosts.
        authkey: the Pacemaker Remote key of all of them.
        environment: variables of the cluster nodes' daemons.
        power: the power switch that the fence device asks; its records are the proof of fencing.
        history: every state that differed from the one before: monotonic seconds and the state.
    """

    images: ImagePair
    remote_images: ImagePair
    authkey: bytes
    size: int = 2
    environment: Mapping[str, str] = field(default_factory=dict)
    nodes: dict[str, ClusterNode] = field(default_factory=dict, init=False)
    remotes: dict[str, RemoteNode] = field(default_factory=dict, init=False)
    power: PowerSwitch = field(default_factory=PowerSwitch, init=False)
    history: list[tuple[float, str]] = field(default_factory=list, init=False)
    _network: Network | None = field(default=None, init=False)
    _hosts: Iterator[ipaddress.IPv4Address] = field(default=iter(()), init=False)

    @property
    def network(self) -> Network:
        if self._network is None:
            raise RuntimeError("the cluster was not started")
        return self._network

    @property
    def gateway(self) -> str:
        """The engine host's address on the cluster's network: a fake remote node listens there."""
        return str(self.network.attrs["IPAM"]["Config"][0]["Gateway"])

    def start(self) -> None:
        """Create the network and the nodes, and wait until the cluster can work.

        Raises:
            WaitTimeout, EnvironmentProblem: it could not be brought up.
        """
        self._network = create_network(f"pcmk-{run_id()}-{os.getpid()}.{next(_serial)}")
        subnet = ipaddress.ip_network(self.network.attrs["IPAM"]["Config"][0]["Subnet"])
        # The engine gives out addresses from the bottom; ours begin above.
        self._hosts = (ipaddress.IPv4Address(int(subnet[0]) + 10 + i) for i in range(200))
        addresses = {f"n{i}": str(next(self._hosts)) for i in range(1, self.size + 1)}
        files = {
            AUTHKEY: File(self.authkey, 0o640),
            COROSYNC_CONF: File(corosync_conf(addresses)),
            COROSYNC_AUTHKEY: File(self.authkey[:128].ljust(128, b"\0"), 0o400),
            CIB_SEED: File(cib.seed(PROPERTIES, [fence_device()])),
        }
        for name, address in addresses.items():
            self.nodes[name] = ClusterNode(
                name, self.images.node, self.network, address, self.environment, files
            )
        with ThreadPoolExecutor(self.size) as pool:
            list(pool.map(self._start_node, self.nodes.values()))
        self.wait(
            "a quorate cluster with a DC and all nodes online",
            lambda state: (
                self._daemons_run()
                and state.quorate
                and bool(state.dc)
                and all(state.online(name) for name in self.nodes)
                and bool(state.running_on(FENCING))
            ),
            READY_TIMEOUT,
        )

    def _start_node(self, node: ClusterNode) -> None:
        node.create()
        self.power.plug(node)
        self.power.connect(node)
        node.boot()

    def _daemons_run(self) -> bool:
        for node in self.nodes.values():
            if node.process is None or not node.process.running:
                tail = node.run("tail -n 5 /var/log/cluster/corosync.log", check=False).output
                raise EnvironmentProblem(f"{node.name} ended while starting:\n{tail}")
        return True

    def remote_host(
        self,
        name: str,
        environment: Mapping[str, str] | None = None,
        files: Mapping[str, File] | None = None,
    ) -> RemoteNode:
        """Create a host for a remote node, with this cluster's key; its daemon is not started."""
        contents = {AUTHKEY: File(self.authkey, 0o640), **(files or {})}
        node = RemoteNode(
            name,
            self.remote_images.remote,
            self.network,
            str(next(self._hosts)),
            environment or {},
            contents,
        )
        node.create()
        self.power.plug(node)
        self.remotes[name] = node
        return node

    def discard(self, node: RemoteNode) -> None:
        """Remove a remote host's container."""
        self.power.unplug(node)
        self.remotes.pop(node.name, None)
        node.remove()

    def close(self) -> None:
        """Remove everything that the cluster consists of, as far as it came to be."""
        self.power.close()
        everything: list[Node] = [*self.nodes.values(), *self.remotes.values()]
        with ExitStack() as stack:
            if self._network is not None:
                stack.callback(self._remove_network, self._network)
            for node in everything:
                stack.callback(node.remove)

    @staticmethod
    def _remove_network(network: Network) -> None:
        with suppress(NotFound):
            network.remove()

    # Looking

    def state(self) -> ClusterState:
        """What the first cluster node that answers says; nothing() if none answers."""
        for node in self.nodes.values():
            try:
                ran = node.run(CRM_MON, check=False)
            except NodeDown:
                continue
            if ran.exit_code == 0:
                state = ClusterState.parse(ran.output.encode())
                break
        else:
            state = ClusterState.nothing()
        if not self.history or self.history[-1][1] != str(state):
            self.history.append((time.monotonic(), str(state)))
        return state

    def wait(
        self,
        awaited: str,
        satisfied: Callable[[ClusterState], bool],
        timeout: float,
        *,
        hint: str = "",
    ) -> ClusterState:
        """Wait until the cluster's own state satisfies; see :func:`containers.wait.wait_for`."""
        return wait_for(
            self.state, satisfied, awaited, timeout, log=self._dc_log, hint=hint, interval=0.05
        )

    def wait_online(self, name: str, timeout: float = 30.0) -> ClusterState:
        """Wait until the node *name*, of whatever kind, is online."""
        return self.wait(
            f"node {name} online",
            lambda state: state.online(name),
            timeout,
            hint="for a remote node: same key and same port on both sides, and its daemon running?",
        )

    def wait_idle(self, timeout: float = 30.0) -> ClusterState:
        """Wait until the controller has nothing more to do: a steady state to begin from."""
        return self.wait(
            "an idle controller", lambda state: bool(state.dc) and self._idle(state.dc), timeout
        )

    def wait_running(self, resource: str, node: str, timeout: float = 30.0) -> ClusterState:
        """Wait until *resource* runs on *node* and nowhere else."""
        return self.wait(
            f"resource {resource} running on {node}",
            lambda state: state.running_on(resource) == (node,),
            timeout,
        )

    def _dc_log(self) -> str:
        dc = self.nodes.get(self.state().dc)
        return dc.log_tail() if dc is not None else "(no DC)"

    def admin(self) -> ClusterNode:
        """A cluster node on which administration commands can be run: any that is up."""
        for node in self.nodes.values():
            if node.powered:
                return node
        raise EnvironmentProblem("no cluster node is up")

    def query(self, xpath: str) -> list[etree._Element]:
        """The elements of the live CIB that *xpath* selects."""
        output = self.admin().run(["cibadmin", "--query"]).output
        found = etree.fromstring(output.encode()).xpath(xpath)
        assert isinstance(found, list)
        return [element for element in found if isinstance(element, etree._Element)]

    # Changing

    def create(self, *resources: str, constraints: tuple[str, ...] = ()) -> None:
        """Add resources and constraints, given as XML (:mod:`containers.cib`), in one change."""
        xml = (
            f"<configuration><resources>{''.join(resources)}</resources>"
            f"<constraints>{''.join(constraints)}</constraints></configuration>"
        )
        self._load("--modify", "configuration", xml.encode(), "--allow-create")

    def delete_resource(self, name: str) -> None:
        """Remove a resource with its failures, and wait until it is gone."""
        node = self.admin()
        xpath = f"//primitive[@id='{name}']"
        node.run(["cibadmin", "--delete", "--force", "--xpath", xpath])
        node.run(["crm_resource", "--cleanup"])
        self.wait(f"{name} gone", lambda state: name not in state.resources, RESET_TIMEOUT)

    def _load(self, how: str, section: str, xml: bytes, *options: str) -> None:
        node = self.admin()
        path = "/tmp/change.xml"  # noqa: S108 - in a container of our own
        node.write(path, File(xml))
        node.run(["cibadmin", how, "-o", section, "--xml-file", path, *options])

    def _load_seed(self) -> None:
        """Replace the configuration, all at once: in steps, each would be acted upon."""
        (configuration,) = self.query("/cib/configuration")
        seed = etree.fromstring(cib.seed(PROPERTIES, [fence_device()])).find("configuration")
        assert seed is not None
        nodes, known = seed.find("nodes"), configuration.find("nodes")
        assert nodes is not None
        assert known is not None
        seed.replace(nodes, known)
        self._load("--replace", "configuration", etree.tostring(seed))

    def set_property(self, name: str, value: str) -> None:
        self.admin().run(["crm_attribute", "--type", "crm_config", "-n", name, "-v", value])

    def reset(self) -> None:
        """Back to the seed: every node up, only the fence device configured, no history.

        Raises:
            WaitTimeout, CommandFailed: it could not be cleaned; then it must be thrown away.
        """
        state = self.clear()
        node = self.admin()
        for name in (other.name for other in state.nodes.values() if other.kind != "member"):
            node.run(["crm_node", "--force", "--remove", name])
        if state.failures:
            node.run(["crm_resource", "--cleanup"])
        if self.power.records:
            node.run(["stonith_admin", "--cleanup", "--history", "*"])
        self.wait(
            "a cluster with its own nodes only, the fence device running and nothing failed",
            lambda state: (
                set(state.nodes) == set(self.nodes)
                and set(state.resources) == {FENCING}
                and bool(state.running_on(FENCING))
                and not state.failures
                and self._idle(state.dc)
            ),
            RESET_TIMEOUT,
        )
        for remote in list(self.remotes.values()):
            self.discard(remote)
        for cluster_node in self.nodes.values():
            cluster_node.run(f"rm -f {witness.LOG}")
        self.power.clear()
        self.history.clear()

    def clear(self) -> ClusterState:
        """Every node up, nothing configured but the fence device, nothing else running."""
        self._revive()
        self._load_seed()
        return self.wait(
            "every resource but the fence device stopped",
            lambda state: {r.name for r in state.resources.values() if r.active} == {FENCING},
            RESET_TIMEOUT,
        )

    def _revive(self) -> None:
        """Bring up what is down, so that nothing waits for it in vain."""
        dead = [node for node in self.nodes.values() if not node.powered]
        for cluster_node in dead:
            cluster_node.boot()
            self.power.connect(cluster_node)
        if dead:
            self.wait(
                "all cluster nodes online",
                lambda state: all(state.online(name) for name in self.nodes),
                READY_TIMEOUT,
            )
        for remote in self.remotes.values():
            if remote.powered and remote.process is not None and not remote.process.running:
                remote.start_daemon()
        # Fencing that is under way must come to its end while its target can still be fenced.
        self.wait(
            "no node unclean",
            lambda state: not any(node.unclean for node in state.nodes.values()),
            RESET_TIMEOUT,
        )

    def _idle(self, dc: str) -> bool:
        """Whether the controller has nothing more to do."""
        return "S_IDLE" in self.admin().run(["crmadmin", "--status", dc], check=False).output


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster runs inside the block and is gone after it, whatever happens."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


__all__ = ["FENCING", "Cluster", "CommandFailed", "corosync_conf", "fence_device", "running"]
