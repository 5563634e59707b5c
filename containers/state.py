# SPDX-License-Identifier: GPL-2.0-or-later
"""What a cluster says of itself, read from ``crm_mon --output-as=xml``.

Decisions are made from this and never from log text. The reader takes what every Pacemaker from
2.0.5 on prints; names of the fields are crm_mon's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree

from containers.errors import EnvironmentProblem

#: Everything that can be asked for in one call, inactive resources and failures included.
CRM_MON = ["crm_mon", "--one-shot", "--inactive", "--output-as=xml"]

#: An operation's key: resource, action, interval in ms; both names may hold underscores
#: (actions.c:parse_op_key).
_OPERATION = re.compile(r"(?P<resource>.+?)_(?P<action>migrate_to|migrate_from|[^_]+)_\d+")


@dataclass(frozen=True)
class NodeState:
    """One node as the cluster sees it.

    Attributes:
        kind: ``member``, ``remote`` or ``guest``. crm_mon itself calls both of the latter remote,
            and names a guest's container resource (pe_output.c:node_xml, ``id_as_resource``).
    """

    name: str
    kind: str
    online: bool
    unclean: bool
    standby: bool
    maintenance: bool
    dc: bool

    def __str__(self) -> str:
        words = ["online" if self.online else "offline"]
        words += [
            word for word in ("unclean", "standby", "maintenance", "dc") if getattr(self, word)
        ]
        return f"{self.name}({self.kind}: {', '.join(words)})"


@dataclass(frozen=True)
class ResourceState:
    """One resource; ``nodes`` are those on which it is active."""

    name: str
    agent: str
    role: str
    active: bool
    failed: bool
    blocked: bool
    managed: bool
    nodes: tuple[str, ...]

    def __str__(self) -> str:
        where = f"@{'+'.join(self.nodes)}" if self.nodes else ""
        flags = "".join(f" {word}" for word in ("failed", "blocked") if getattr(self, word))
        return f"{self.name}={self.role}{where}{flags}{'' if self.managed else ' unmanaged'}"


@dataclass(frozen=True)
class FailedAction:
    """One entry of the failed-actions list."""

    operation: str
    node: str
    exit_status: str
    exit_reason: str
    call: str

    def __str__(self) -> str:
        return f"{self.operation} on {self.node}: {self.exit_status} ({self.exit_reason})"


@dataclass(frozen=True)
class ClusterState:
    """One look at a cluster.

    Attributes:
        resources: by name. crm_mon gives all instances of an anonymous clone one name; those after
            the first are found as ``NAME:1``, ``NAME:2``..., as Pacemaker numbers them itself.
    """

    quorate: bool
    dc: str
    nodes: dict[str, NodeState] = field(default_factory=dict)
    resources: dict[str, ResourceState] = field(default_factory=dict)
    failures: tuple[FailedAction, ...] = ()

    @classmethod
    def nothing(cls) -> ClusterState:
        """The state of a cluster that does not answer yet."""
        return cls(quorate=False, dc="")

    @classmethod
    def parse(cls, xml: bytes) -> ClusterState:
        """Read crm_mon's XML.

        Raises:
            EnvironmentProblem: it is not what crm_mon prints.
        """
        try:
            root = etree.fromstring(xml)
        except etree.XMLSyntaxError as error:
            raise EnvironmentProblem(f"crm_mon printed no XML ({error}): {xml[:200]!r}") from error
        if root.tag != "pacemaker-result":
            raise EnvironmentProblem(f"crm_mon printed other XML than its own: {xml[:200]!r}")
        dc = root.find("summary/current_dc")
        nodes = {node.name: node for node in map(_node, root.iterfind("nodes/node"))}
        resources = _by_name(map(_resource, root.iterfind(".//resource")))
        failures = tuple(_failure(item) for item in root.iterfind("failures/failure"))
        return cls(
            quorate=_flag(dc, "with_quorum") if dc is not None else False,
            dc=str(dc.get("name", "")) if dc is not None else "",
            nodes=nodes,
            resources=resources,
            failures=failures,
        )

    def online(self, name: str) -> bool:
        """Whether the node *name* is known, online, clean, and, if it is remote, connected.

        While the start of a connection is still being attempted, crm_mon already calls its node
        online: so the connection's own role is asked too.
        """
        node, connection = self.nodes.get(name), self.resources.get(name)
        connected = connection is None or connection.role == "Started"
        return node is not None and node.online and not node.unclean and connected

    def running_on(self, resource: str) -> tuple[str, ...]:
        """The nodes on which *resource* is active and started; empty if none."""
        return tuple(
            node
            for item in self.resources.values()
            if item.name == resource and item.active and item.role != "Starting"
            for node in item.nodes
        )

    def failures_of(self, resource: str) -> list[FailedAction]:
        """The failed actions of *resource*, whatever operation it was."""
        return [
            item
            for item in self.failures
            if (match := _OPERATION.fullmatch(item.operation)) and match["resource"] == resource
        ]

    def __str__(self) -> str:
        parts = [*map(str, self.nodes.values()), *map(str, self.resources.values())]
        parts += [f"failed: {item}" for item in self.failures]
        return ("quorate; " if self.quorate else "no quorum; ") + "; ".join(parts)


def _flag(element: etree._Element, name: str) -> bool:
    return element.get(name) == "true"


def _node(element: etree._Element) -> NodeState:
    return NodeState(
        name=str(element.get("name")),
        kind="guest" if element.get("id_as_resource") else str(element.get("type", "member")),
        online=_flag(element, "online"),
        unclean=_flag(element, "unclean"),
        standby=_flag(element, "standby"),
        maintenance=_flag(element, "maintenance"),
        dc=_flag(element, "is_dc"),
    )


def _resource(element: etree._Element) -> ResourceState:
    return ResourceState(
        name=str(element.get("id")),
        agent=str(element.get("resource_agent")),
        role=str(element.get("role")),
        active=_flag(element, "active"),
        failed=_flag(element, "failed"),
        blocked=_flag(element, "blocked"),
        managed=_flag(element, "managed"),
        nodes=tuple(str(node.get("name")) for node in element.iterfind("node")),
    )


def _by_name(items: Iterable[ResourceState]) -> dict[str, ResourceState]:
    found: dict[str, ResourceState] = {}
    for item in items:
        earlier = sum(other.name == item.name for other in found.values())
        found[f"{item.name}:{earlier}" if earlier else item.name] = item
    return found


def _failure(element: etree._Element) -> FailedAction:
    return FailedAction(
        operation=str(element.get("op_key") or element.get("id")),
        node=str(element.get("node")),
        exit_status=str(element.get("exitstatus")),
        exit_reason=str(element.get("exitreason") or ""),
        call=str(element.get("call")),
    )
