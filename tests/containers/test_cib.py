# SPDX-License-Identifier: GPL-2.0-or-later
"""Pieces of cluster configuration."""

from __future__ import annotations

import pytest
from lxml import etree

from containers import cib


def pairs(element: etree._Element | None, block: str) -> dict[str, str]:
    """The name-value pairs of a block."""
    assert element is not None
    found = element.findall(f"{block}/nvpair")
    return {str(pair.get("name")): str(pair.get("value")) for pair in found}


def ids(element: etree._Element) -> list[str]:
    return [str(item.get("id")) for item in element.iter() if item.get("id") is not None]


@pytest.mark.parametrize(
    ("agent", "attributes"),
    [
        ("ocf:heartbeat:Dummy", {"class": "ocf", "provider": "heartbeat", "type": "Dummy"}),
        ("stonith:fence_xvm", {"class": "stonith", "type": "fence_xvm"}),
        ("systemd:sshd", {"class": "systemd", "type": "sshd"}),
    ],
)
def test_agent_is_class_provider_and_type(agent: str, attributes: dict[str, str]) -> None:
    element = etree.fromstring(cib.primitive("p1", agent))

    assert (element.tag, dict(element.items())) == ("primitive", {"id": "p1", **attributes})
    assert element.find("instance_attributes") is None
    assert element.find("meta_attributes") is None


def test_primitive_holds_parameters_meta_attributes_and_operations() -> None:
    element = etree.fromstring(
        cib.primitive(
            "p1",
            "ocf:heartbeat:Dummy",
            parameters={"state": '/run/a&b "c"', "fake": "x"},
            meta={"remote-node": "g1"},
            operations={"start": {"timeout": "9s"}, "monitor": {"interval": "5s"}},
        )
    )

    assert pairs(element, "instance_attributes") == {"state": '/run/a&b "c"', "fake": "x"}
    assert pairs(element, "meta_attributes") == {"remote-node": "g1"}
    found = [dict(op.items()) for op in element.iterfind("operations/op")]
    assert [(op["name"], op["interval"], op.get("timeout")) for op in found] == [
        ("start", "0s", "9s"),
        ("monitor", "5s", None),
    ]
    assert len(ids(element)) == len(set(ids(element))) == 8


def test_location_ties_a_resource_to_a_node() -> None:
    tie = etree.fromstring(cib.location("p1", "r1"))
    ban = etree.fromstring(cib.location("p1", "n1", "-INFINITY"))

    assert (tie.tag, tie.get("rsc"), tie.get("node"), tie.get("score")) == (
        "rsc_location",
        "p1",
        "r1",
        "INFINITY",
    )
    assert ban.get("score") == "-INFINITY"
    assert tie.get("id") != ban.get("id")


def test_remote_is_a_connection_with_a_quick_monitor() -> None:
    element = etree.fromstring(cib.remote("r1", server="10.0.0.9", reconnect_interval="5s"))

    assert (element.get("provider"), element.get("type")) == ("pacemaker", "remote")
    assert pairs(element, "instance_attributes") == {
        "server": "10.0.0.9",
        "reconnect_interval": "5s",
    }
    assert [op.get("interval") for op in element.iterfind("operations/op")] == ["5s"]


def test_operations_of_a_remote_replace_the_usual_ones() -> None:
    element = etree.fromstring(cib.remote("r1", operations={"start": {"timeout": "4s"}}))

    assert [op.get("name") for op in element.iterfind("operations/op")] == ["start"]


def test_witness_takes_parameters() -> None:
    element = etree.fromstring(cib.witness("w1", stop_seconds="3"))

    assert element.get("provider") == "conformance"
    assert pairs(element, "instance_attributes") == {"stop_seconds": "3"}


def test_seed_is_a_whole_cib() -> None:
    root = etree.fromstring(cib.seed({"dc-deadtime": "2s"}, [cib.remote("r1"), cib.witness("w1")]))

    assert (root.tag, root.get("validate-with")) == ("cib", cib.SCHEMA)
    assert [child.tag for child in root] == ["configuration", "status"]
    sections = ["crm_config", "nodes", "resources", "constraints"]
    assert [section.tag for section in root.iterfind("configuration/*")] == sections
    assert [item.get("id") for item in root.iterfind("configuration/resources/*")] == ["r1", "w1"]
    options = root.find("configuration/crm_config")
    assert pairs(options, "cluster_property_set") == {"dc-deadtime": "2s"}
    counters = ("admin_epoch", "epoch", "num_updates")  # the schema asks for them
    assert [root.get(name) for name in counters] == ["0", "1", "0"]
