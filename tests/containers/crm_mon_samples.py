# SPDX-License-Identifier: GPL-2.0-or-later
"""``crm_mon --output-as=xml``: whole reports of real versions, and pieces for single situations.

The pieces hold the attributes that somebody reads and few others.
"""

from __future__ import annotations

from pathlib import Path

#: What each of these versions printed of the situation in ``crm_mon/cib.xml``.
REPORTS = {path.stem: path for path in Path(__file__).parent.glob("crm_mon/[0-9]*.xml")}


def _word(flag: bool) -> str:
    return "true" if flag else "false"


def current_dc(name: str, *, quorate: bool = True) -> str:
    return f'<current_dc present="true" name="{name}" id="1" with_quorum="{_word(quorate)}"/>'


DC = current_dc("n1")
NO_DC = '<current_dc present="false"/>'
#: What may be printed while the one that was elected is not yet known by name.
NAMELESS_DC = '<current_dc present="true" version="" with_quorum="true"/>'


def node(name: str, kind: str = "member", *, dc: bool = False, online: bool = True) -> str:
    return (
        f'<node name="{name}" id="{name}" online="{_word(online)}" standby="false"'
        f' maintenance="false" unclean="false" is_dc="{_word(dc)}" type="{kind}"/>'
    )


def unclean(name: str, kind: str = "member", *, online: bool = False) -> str:
    return node(name, kind, online=online).replace('unclean="false"', 'unclean="true"')


def resource(name: str, role: str, *nodes: str) -> str:
    """A primitive, active where *nodes* says."""
    places = "".join(f'<node name="{node}" id="{node}" cached="true"/>' for node in nodes)
    return (
        f'<resource id="{name}" resource_agent="ocf:heartbeat:Dummy" role="{role}"'
        f' active="{_word(bool(nodes))}" orphaned="false" blocked="false" managed="true"'
        f' failed="false" nodes_running_on="{len(nodes)}">{places}</resource>'
    )


def failure(operation: str, node: str = "n1", *, key: str = "op_key") -> str:
    """A failed action; *key* is ``id`` for a history entry without an operation key."""
    return (
        f'<failure {key}="{operation}" node="{node}" exitstatus="error" exitreason="none"'
        ' exitcode="1" call="4" status="Error"/>'
    )


def report(*, dc: str = DC, nodes: str = "", resources: str = "", failures: str = "") -> bytes:
    """A whole report."""
    return (
        '<pacemaker-result api-version="2.25" request="crm_mon --output-as=xml">'
        f"<summary>{dc}</summary><nodes>{nodes}</nodes><resources>{resources}</resources>"
        f'<failures>{failures}</failures><status code="0" message="OK"/></pacemaker-result>'
    ).encode()
