# SPDX-License-Identifier: GPL-2.0-or-later
"""Time that passes only when somebody sleeps: no test here waits."""

from __future__ import annotations


class Clock:
    """Stands in for the module ``time`` where :mod:`containers.wait` looks for it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
