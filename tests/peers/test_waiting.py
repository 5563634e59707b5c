# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for what a peer does, at the edge of the deadline."""

import asyncio
import time

from fixtures.peers.waiting import Signal


async def test_what_comes_together_with_the_deadline_is_in_time() -> None:
    signal, arrived = Signal(), []

    def arrive() -> None:
        arrived.append("reply")
        signal.fire()

    # The loop is busy until both have come, so it finds them in one go.
    loop = asyncio.get_running_loop()
    loop.call_soon(time.sleep, 0.05)
    loop.call_later(0.01, arrive)

    assert await signal.until(lambda: arrived or None, "reply", 0.02) == ["reply"]
