# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may use the daemon's local IPC names, and for what (docs/protocol.md §5.4)."""

from __future__ import annotations

import pytest
from lxml import etree

from conformance.deviation import check
from fixtures.peers import EACCES, LocalClient
from fixtures.wire import (
    AlertExec,
    Cancel,
    Exec,
    GetRecurring,
    Poke,
    ProxyForward,
    RegisterRequest,
    Request,
    ResourceInfo,
    ResourceRegister,
    ResourceUnregister,
    ReturnCode,
)

from .proxying import SERVERS, provider, refusal
from .under_test import Daemon

#: A user of the daemon's host who is in no group of the cluster, and one who is.
STRANGER = "nobody"
MEMBER = "nobody:haclient"
EXECUTOR = "lrmd"
REFUSED = (ReturnCode.EACCES, None)


async def ask(local: LocalClient, request: Request) -> int | None:
    """The return code of a request to the executor's own name; ``None`` if it is not replied to.

    A poke bounds the wait. Releases from 3.0.2 on refuse by silence.
    """
    local.send(1, etree.tostring(request.to_element()))
    local.send(2, etree.tostring(Poke(client_name="local").to_element()))
    rc = None
    while True:
        message_id, answer = await local.response()
        if message_id == 2:
            return rc
        rc = int(etree.fromstring(answer).get("lrmd_rc", "0"))


@pytest.mark.requirement("SEC-002")
@pytest.mark.killed_by("local_ipc_is_open_to_all")
@pytest.mark.parametrize("server", [*SERVERS, EXECUTOR])
async def test_strangers_open_no_local_name(daemon: Daemon, server: str) -> None:
    async with provider(daemon):
        error = await refusal(daemon, server, STRANGER)
    check(error == EACCES, expected="EACCES (13)", actual=f"errno {error}")


@pytest.mark.requirement("SEC-006")
@pytest.mark.parametrize(
    "request_",
    [
        ResourceRegister(resource_id="r", standard="ocf", provider="pacemaker", agent="Dummy"),
        ResourceInfo(resource_id="r"),
        ResourceUnregister(resource_id="r"),
        Exec(resource_id="r", action="start"),
        Cancel(resource_id="r", action="monitor", interval_ms=10_000),
        GetRecurring(),
        AlertExec(alert_id="a", path="/bin/true"),
        ProxyForward(ipc_op="destroy", session="nobody"),
    ],
    ids=lambda request: type(request).__name__,
)
@pytest.mark.killed_by("local_group_may_execute")
async def test_group_members_may_not_execute(daemon: Daemon, request_: Request) -> None:
    async with await daemon.local(EXECUTOR, MEMBER) as local:
        rc = await ask(local, request_)
    check(rc in REFUSED, expected="return code -13, or silence", actual=f"{rc}")


@pytest.mark.requirement("SEC-006")
@pytest.mark.parametrize("user", ["root", "hacluster", MEMBER])
async def test_everybody_who_connects_may_register_and_poke(daemon: Daemon, user: str) -> None:
    async with await daemon.local(EXECUTOR, user) as local:
        register = RegisterRequest(client_name="local", protocol_version="1.1")
        rcs = [await ask(local, register), await ask(local, Poke())]
    check(rcs == [0, 0], expected="return codes 0", actual=f"{rcs}")


@pytest.mark.requirement("PRX-021")
@pytest.mark.killed_by("local_process_may_be_provider")
@pytest.mark.parametrize("user", ["root", "hacluster", MEMBER])
async def test_no_local_process_becomes_provider(daemon: Daemon, user: str) -> None:
    async with await daemon.local(EXECUTOR, user) as local:
        rc = await ask(
            local,
            RegisterRequest(client_name="local", protocol_version="1.1", is_ipc_provider=True),
        )
    check(rc in REFUSED, expected="return code -13, or silence", actual=f"{rc}")
