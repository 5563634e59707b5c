# SPDX-License-Identifier: GPL-2.0-or-later
"""corosync.conf by corosync's own rules: a line is ``section {``, ``key: value`` or ``}``."""

from __future__ import annotations

from typing import Any

import pytest

from containers.cluster import corosync_conf


def sections(text: str) -> dict[str, Any]:
    """What corosync's parser makes of its file; a section's keys under its name, in a list."""
    root: dict[str, Any] = {}
    stack = [root]
    for line in text.splitlines():
        words = line.strip()
        if words.endswith("{"):
            inner: dict[str, Any] = {}
            stack[-1].setdefault(words[:-1].strip(), []).append(inner)
            stack.append(inner)
        elif words == "}":
            stack.pop()
        else:
            key, separator, value = words.partition(": ")
            assert separator, f"no key and value: {line!r}"
            assert not set(value) & set("{}"), f"a section in one line: {line!r}"
            stack[-1][key] = value
    assert stack == [root]
    return root


def test_corosync_knows_every_node_by_name_address_and_number() -> None:
    conf = sections(corosync_conf({"n1": "10.0.0.10", "n2": "10.0.0.11"}).decode())

    assert conf["nodelist"][0]["node"] == [
        {"ring0_addr": "10.0.0.10", "name": "n1", "nodeid": "1"},
        {"ring0_addr": "10.0.0.11", "name": "n2", "nodeid": "2"},
    ]
    assert conf["totem"][0]["transport"] == "knet"
    assert conf["system"] == [{"sched_rr": "no", "move_to_root_cgroup": "no"}]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_only_two_nodes_need_the_two_node_rule(size: int) -> None:
    addresses = {f"n{i}": f"10.0.0.{i}" for i in range(size)}
    (quorum,) = sections(corosync_conf(addresses).decode())["quorum"]

    assert quorum["provider"] == "corosync_votequorum"
    # Without wait_for_all: 0, two_node would hold up a first start until both have been seen.
    rule = {"two_node": "1", "wait_for_all": "0"}
    assert {key: quorum[key] for key in rule if key in quorum} == (rule if size == 2 else {})
