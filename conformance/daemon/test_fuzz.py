# SPDX-License-Identifier: GPL-2.0-or-later
"""A few seconds of random sessions, the same in every run; ``nox -s fuzz`` searches for longer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from copy import deepcopy

import pytest

from conformance.deviation import check
from conformance.plugin import VERSIONS, Evidence
from fixtures.wire import ResourceRegister, Tag

from .conftest import StartDaemon
from .fuzz.arena import Arena
from .fuzz.findings import Finding, write_steps
from .fuzz.known import known_issues
from .fuzz.search import search
from .fuzz.steps import Step

SEED = 10
#: Sequences of steps.
COUNT = 25


@pytest.mark.requirement("NEG-007", "NEG-008")
@pytest.mark.killed_by(
    "dies_of_unknown_after_error", "poke_after_alert_unanswered", "dies_of_reset_in_handshake"
)
async def test_random_sessions_do_no_harm(
    pytestconfig: pytest.Config, start_daemon: StartDaemon, evidence: Evidence
) -> None:
    arena = Arena(start_daemon)
    known = known_issues(pytestconfig.stash[VERSIONS]["daemon"])
    loop = asyncio.get_running_loop()

    def play(steps: Sequence[Step]) -> Finding | None:
        return asyncio.run_coroutine_threadsafe(arena.play(steps), loop).result()

    avoid = {issue.trait for issue in known}
    found = await asyncio.to_thread(search, play, SEED, count=COUNT, avoid=avoid, shrink=False)
    arena.recorder.write(evidence.directory)
    await arena.close()
    if found is not None:
        write_steps(evidence.directory / "steps.json", found.steps)
    check(
        found is None,
        expected=f"{COUNT} random sequences of steps harm nobody",
        actual=str(found.finding) if found else "",
    )


@pytest.mark.requirement("NEG-001", "NEG-002")
@pytest.mark.killed_by("dies_of_register_without_id")
async def test_register_request_for_two_resources_does_no_harm(start_daemon: StartDaemon) -> None:
    """Found by such sessions: two data elements are as bad as none."""
    daemon = await start_daemon()
    request = ResourceRegister(
        resource_id="a", standard="ocf", provider="pacemaker", agent="Dummy"
    ).to_element()
    calldata = request.find(Tag.CALL_DATA)
    assert calldata is not None
    calldata.append(deepcopy(calldata[0]))
    async with daemon.client() as client, daemon.client("other") as other:
        client.send(request)
        await daemon.settle(other)
        await daemon.check_well(other)
