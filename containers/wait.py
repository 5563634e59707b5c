# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for an event with a deadline, and saying well what did not happen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from containers.errors import WaitTimeout

T = TypeVar("T")

#: Seconds between two looks at a system that cannot call us.
POLL_INTERVAL = 0.1


def wait_for(
    look: Callable[[], T],
    satisfied: Callable[[T], bool],
    awaited: str,
    timeout: float,
    *,
    describe: Callable[[T], str] = str,
    log: Callable[[], str] = lambda: "",
    hint: str = "",
    interval: float = POLL_INTERVAL,
) -> T:
    """Call *look* until *satisfied* likes what it returns, and return that.

    Args:
        awaited: the event in words, for the error.
        timeout: seconds; at least two looks are taken however short it is.
        describe: turns what was last seen into a line for the error.
        log: fetches recent log lines for the error; called only then.

    Raises:
        WaitTimeout: the deadline passed.
    """
    deadline = time.monotonic() + timeout
    overdue = False
    while True:
        seen = look()
        if satisfied(seen):
            return seen
        if overdue:
            raise WaitTimeout(awaited, timeout, describe(seen), log=log(), hint=hint)
        time.sleep(interval)
        overdue = time.monotonic() >= deadline
