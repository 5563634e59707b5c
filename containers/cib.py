# SPDX-License-Identifier: GPL-2.0-or-later
"""Pieces of cluster configuration as XML, in the words of the CIB's schema."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

#: Understood by every version under test; a node puts its newest one in place (start-cluster-node).
SCHEMA = "pacemaker-3.0"


def _nvpairs(parent: etree._Element, tag: str, owner: str, values: Mapping[str, str]) -> None:
    if not values:
        return
    block = etree.SubElement(parent, tag, id=f"{owner}-{tag}")
    for name, value in values.items():
        etree.SubElement(block, "nvpair", id=f"{owner}-{tag}-{name}", name=name, value=value)


def _text(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode")


def primitive(
    name: str,
    agent: str,
    *,
    parameters: Mapping[str, str] | None = None,
    meta: Mapping[str, str] | None = None,
    operations: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """A primitive resource.

    Args:
        agent: ``class:provider:type`` or ``class:type``.
        operations: operation name to its attributes, for example
            ``{"monitor": {"interval": "10s", "timeout": "20s"}}``.
    """
    class_, _, rest = agent.partition(":")
    provider, _, type_ = rest.rpartition(":")
    element = etree.Element("primitive", {"id": name, "class": class_})
    if provider:
        element.set("provider", provider)
    element.set("type", type_)
    _nvpairs(element, "instance_attributes", name, parameters or {})
    _nvpairs(element, "meta_attributes", name, meta or {})
    block = etree.SubElement(element, "operations")
    for operation, attributes in (operations or {}).items():
        attributes = {"interval": "0s", **attributes}
        key = f"{name}-{operation}-{attributes['interval']}"
        etree.SubElement(block, "op", {"id": key, "name": operation, **attributes})
    return _text(element)


def location(resource: str, node: str, score: str = "INFINITY") -> str:
    """A location constraint that ties *resource* to *node*."""
    identity = f"loc-{resource}-{node}"
    attributes = {"id": identity, "rsc": resource, "node": node, "score": score}
    return _text(etree.Element("rsc_location", attributes))


def seed(properties: Mapping[str, str], resources: list[str]) -> bytes:
    """A whole CIB for a cluster's very first start.

    Seeding ``dc-deadtime`` this way brings a new cluster to a DC in seconds instead of twenty.
    """
    cib = etree.Element(
        "cib", {"validate-with": SCHEMA, "epoch": "1", "num_updates": "0", "admin_epoch": "0"}
    )
    configuration = etree.SubElement(cib, "configuration")
    crm_config = etree.SubElement(configuration, "crm_config")
    options = etree.SubElement(crm_config, "cluster_property_set", id="cib-bootstrap-options")
    for name, value in properties.items():
        identity = f"cib-bootstrap-options-{name}"
        etree.SubElement(options, "nvpair", id=identity, name=name, value=value)
    etree.SubElement(configuration, "nodes")
    block = etree.SubElement(configuration, "resources")
    block.extend(etree.fromstring(resource) for resource in resources)
    etree.SubElement(configuration, "constraints")
    etree.SubElement(cib, "status")
    return etree.tostring(cib)


def remote(
    name: str, *, operations: Mapping[str, Mapping[str, str]] | None = None, **parameters: str
) -> str:
    """A connection resource: it makes *name* a remote node.

    Args:
        operations: in place of the usual ones; the monitor here is quicker than the agent's
            advertised 30 s, so that a test need not wait for it.
        parameters: ``server``, ``port``, ``reconnect_interval``.
    """
    usual = {"monitor": {"interval": "5s", "timeout": "10s"}}
    return primitive(
        name, "ocf:pacemaker:remote", parameters=parameters, operations=operations or usual
    )


def witness(name: str, **parameters: str) -> str:
    """A resource that does nothing but keep a record (:mod:`containers.witness`).

    Its monitors are rare, so that none is under way when a test breaks something: the cluster waits
    for what is under way on a node before it fences it.
    """
    operations = {"monitor": {"interval": "60s", "timeout": "20s"}}
    return primitive(name, "ocf:conformance:Witness", parameters=parameters, operations=operations)
