# SPDX-License-Identifier: GPL-2.0-or-later
"""A client that asks much and reads nothing."""

from __future__ import annotations

import pytest

from conformance.deviation import Deviation
from fixtures.peers import PeerTimeout
from fixtures.wire import ResourceInfo

from .conftest import StartDaemon
from .under_test import SIGN_OF_LIFE

#: Characters that each answer repeats, and how many answers are asked for: more than any kernel
#: keeps for one connection.
LONG, QUESTIONS = 200_000, 30


@pytest.mark.requirement("FRM-027")
@pytest.mark.killed_by("stalls_on_slow_reader")
async def test_client_that_does_not_read_delays_nobody_else(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with daemon.client("other") as other, daemon.client("slow") as slow:
        await slow.resource_register("long", agent="x" * LONG)
        slow.pause_reading(receive_buffer=4096)
        for _ in range(QUESTIONS):
            slow.send(ResourceInfo(resource_id="long"))
        question = ResourceInfo(resource_id=SIGN_OF_LIFE)
        try:
            for _ in range(QUESTIONS):
                await other.request(question, timeout=other.patience / 2)
        except PeerTimeout:
            raise Deviation("other clients are answered promptly", "one is not answered") from None
        finally:
            slow.reset()
        await daemon.check_well(other)
