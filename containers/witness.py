# SPDX-License-Identifier: GPL-2.0-or-later
"""The record that ``ocf:conformance:Witness`` resources keep on the hosts where they run.

It survives the host's power cycle, and says what was really done, whatever the cluster believes.
"""

from __future__ import annotations

from dataclasses import dataclass

from containers.node import Node

LOG = "/var/lib/pacemaker-conformance/witness.log"


@dataclass(frozen=True)
class Act:
    """One action done to one resource.

    Attributes:
        at: seconds since the epoch; all containers of one engine share its clock.
        action: ``start`` or ``stop``.
    """

    at: float
    node: str
    resource: str
    action: str
    exit_code: int


def acts_on(node: Node, resource: str) -> list[Act]:
    """What was done to *resource* on *node*, in order; the node may be down."""
    found = [line.split() for line in (node.read(LOG) or b"").decode().splitlines()]
    return [
        Act(float(at), node.name, name, action, int(code))
        for at, name, action, code in found
        if name == resource
    ]
