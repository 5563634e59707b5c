# SPDX-License-Identifier: GPL-2.0-or-later
"""Actions that lack what it takes to find or call an agent: an error, and the daemon lives.

In daemons of their own, which have run a recurring operation before: some releases keep a table
from then on, and look into it for actions that have no name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster
from fixtures.wire import Exec, MessageEvent, ResourceRegister, ReturnCode

from .conftest import StartDaemon

HOUR = 3_600_000


@pytest.fixture
async def client(start_daemon: StartDaemon) -> AsyncIterator[FakeCluster]:
    """A registered client of such a daemon; ``d1`` is a resource."""
    daemon = await start_daemon()
    async with daemon.client() as client:
        await client.register()
        await client.resource_register("d1")
        await client.completion((await client.execute("d1", "monitor", interval_ms=HOUR)).rc)
        yield client


@pytest.mark.requirement("EXE-037")
@pytest.mark.parametrize(
    ("standard", "provider", "agent"),
    [
        pytest.param(
            *(None, "pacemaker", "Dummy"),
            marks=pytest.mark.killed_by("crash_without_class"),
            id="class",
        ),
        pytest.param("ocf", None, "Dummy", id="provider"),
        pytest.param("ocf", "pacemaker", None, id="type"),
    ],
)
async def test_incomplete_registration_is_an_error(
    client: FakeCluster, standard: str | None, provider: str | None, agent: str | None
) -> None:
    await client.request(
        ResourceRegister(resource_id="part", standard=standard, provider=provider, agent=agent)
    )
    end = await client.completion((await client.execute("part", "start")).rc)
    check(end.status != 0, expected="a status that is no success", actual=str(end))
    await client.resource_info("part")  # it lives


@pytest.mark.requirement("EXE-006")
@pytest.mark.killed_by("exec_without_action_succeeds", "dies_of_exec_without_action")
async def test_exec_without_action_is_an_error(client: FakeCluster) -> None:
    reply = await client.request(Exec(resource_id="d1", action=None))
    after = await client.completion((await client.execute("d1", "monitor")).rc)
    # A notify without an action is none for us; it is looked for as text.
    texts = [event.xml for event in client.events if isinstance(event, MessageEvent)]
    call = b'lrmd_callid="%d"' % (reply.rc or 0)
    mine = [xml for xml in texts if call in xml and b"lrmd_exec_op_status" in xml]
    failed = bool(mine) and all(b'lrmd_exec_op_status="0"' not in xml for xml in mine)
    check(
        (reply.rc == ReturnCode.EINVAL or failed) and after.status == 0,
        expected="refused with -22, or ended with an error; the next action runs",
        actual=f"{reply}; {mine}; then {after}",
    )
