# SPDX-License-Identifier: GPL-2.0-or-later
"""Pacemaker's own tools on the daemon's host, with a provider that answers as a cluster does.

The other tests of the proxy say which message goes where; these say that it is enough for the
programs that people use. They run on a real host only, so no fake daemon proves that they can fail;
each one compares what the tool printed with what the provider alone knew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from conformance.deviation import check
from fixtures.peers import ClusterServices, serving
from fixtures.peers.services import CIB
from fixtures.wire import ProxyOp

from .proxying import provider, same_xml, told
from .under_test import Daemon

#: How the cluster knows a remote node.
REMOTE_NODE = b'<primitive id="r7" class="ocf" provider="pacemaker" type="remote"/>'
#: Exit status of a shell that does not find a program.
NOT_FOUND = 127
#: Exit status of timeout(1) when it had to kill the program (128 + 9).
KILLED = 137


@pytest.fixture
async def services(daemon: Daemon) -> AsyncIterator[ClusterServices]:
    """A cluster behind the daemon, in which the daemon's node is called r7."""
    services = ClusterServices(node="r7", dc="n5")
    services.devices = ["fence-a", "fence-b"]
    services.attributes["r7", "rack"] = "42"
    services.cib = CIB.replace(b"<resources/>", b"<resources>" + REMOTE_NODE + b"</resources>")
    async with provider(daemon) as client, serving(client, services):
        yield services


@dataclass(frozen=True)
class Tool:
    """A command, and what it must print."""

    command: Sequence[str]
    prints: Sequence[str] = field(default_factory=tuple)


@pytest.mark.requirement("PRX-004", "PRX-005")
@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(
            Tool(["attrd_updater", "-n", "rack", "-Q"], ['name="rack" host="r7" value="42"']),
            id="attrd_updater",
        ),
        pytest.param(
            Tool(["stonith_admin", "-L"], ["fence-a", "fence-b", "2 fence devices found"]),
            id="stonith_admin",
        ),
        pytest.param(Tool(["crmadmin", "-D"], ["n5"]), id="crmadmin -D"),
        pytest.param(Tool(["crmadmin", "-S", "r7"], ["n5", "S_IDLE"]), id="crmadmin -S"),
    ],
)
async def test_tool_prints_what_the_cluster_answers(
    daemon: Daemon, services: ClusterServices, tool: Tool
) -> None:
    ran = await daemon.tool(*tool.command)
    check(
        ran.exit_code == 0 and all(text in ran.output for text in tool.prints),
        expected=f"exit status 0 and {', '.join(tool.prints)}",
        actual=str(ran),
    )


@pytest.mark.requirement("PRX-004", "PRX-005")
@pytest.mark.parametrize("size", [0, 1024 * 1024], ids=["small", "1 MiB"])
async def test_cibadmin_prints_the_clusters_cib(
    daemon: Daemon, services: ClusterServices, size: int
) -> None:
    filling = b'<nvpair id="filling" name="filling" value="' + b"0123456789abcdef" * (size // 16)
    options = b'<cluster_property_set id="o">' + filling + b'"/></cluster_property_set>'
    services.cib = CIB.replace(b"<crm_config/>", b"<crm_config>" + options + b"</crm_config>")
    ran = await daemon.tool("cibadmin", "-Q")
    check(
        ran.exit_code == 0 and same_xml(compact(ran.output), services.cib),
        expected="exit status 0 and the CIB",
        actual=f"{ran.exit_code}: {ran.output[:400]} {ran.error[:400]}",
    )


@pytest.mark.requirement("PRX-004", "PRX-005")
@pytest.mark.parametrize(
    "command",
    [
        ["attrd_updater", "-n", "rack", "-U", "17"],
        ["crm_attribute", "-n", "rack", "-l", "reboot", "-v", "17"],
    ],
    ids=lambda command: command[0],
)
async def test_tool_sets_a_node_attribute(
    daemon: Daemon, services: ClusterServices, command: Sequence[str]
) -> None:
    ran = await daemon.tool(*command)
    if ran.exit_code == NOT_FOUND:
        pytest.skip(f"{command[0]} is not on the daemon's host")
    check(
        ran.exit_code == 0 and services.attributes["r7", "rack"] == "17",
        expected="exit status 0, and the cluster knows rack=17 of r7",
        actual=f"{ran}; {services.attributes}",
    )


@pytest.mark.requirement("PRX-008")
async def test_a_killed_tool_is_told_to_the_provider(daemon: Daemon) -> None:
    async with provider(daemon) as client:
        ran = await daemon.tool("timeout", "-s", "KILL", "0.3", "cibadmin", "-Q")
        new = await told(client, ProxyOp.NEW)
        check(
            ran.exit_code == KILLED,
            expected="a cibadmin that nobody answers waits until it is killed",
            actual=str(ran),
        )
        await told(client, ProxyOp.DESTROY, new.session)


@pytest.mark.requirement("PRX-002")
async def test_without_provider_a_tool_fails_at_once(daemon: Daemon) -> None:
    ran = await daemon.tool("timeout", "-s", "KILL", "5", "cibadmin", "-Q")
    check(
        ran.exit_code not in (0, KILLED),
        expected="cibadmin ends with an error of its own",
        actual=str(ran),
    )


def compact(output: str) -> bytes:
    """What a tool printed, without the white space that makes it readable."""
    return "".join(line.strip() for line in output.splitlines()).encode()
