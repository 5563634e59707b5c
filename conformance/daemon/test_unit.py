# SPDX-License-Identifier: GPL-2.0-or-later
"""What the unit file tells systemd to do with the daemon.

No systemd runs here: that it does what it is told is taken for granted.
"""

from __future__ import annotations

import pytest

from conformance.deviation import check

from .under_test import Daemon

UNIT = "pacemaker_remote.service"
DIRECTORIES = ("/usr/lib/systemd/system", "/lib/systemd/system")


@pytest.fixture
async def unit(daemon: Daemon) -> set[str]:
    """The lines of the unit file."""
    for directory in DIRECTORIES:
        if (text := await daemon.read(f"{directory}/{UNIT}")) is not None:
            return set(text.decode().splitlines())
    pytest.skip(f"there is no {UNIT} on this host")


def check_lines(unit: set[str], *lines: str) -> None:
    check(
        unit.issuperset(lines),
        expected=f"{UNIT} has {', '.join(lines)}",
        actual="\n".join(sorted(unit)),
    )


@pytest.mark.requirement("ENV-001")
def test_unit_has_the_other_name_too(unit: set[str]) -> None:
    check_lines(unit, "Alias=pacemaker-remote.service")


@pytest.mark.requirement("ENV-005")
def test_unit_restarts_after_a_failure_but_not_after_100(unit: set[str]) -> None:
    check_lines(unit, "Restart=on-failure", "SuccessExitStatus=100")


@pytest.mark.requirement("ENV-006")
def test_unit_ends_the_daemon_alone(unit: set[str]) -> None:
    check_lines(unit, "KillMode=process")


@pytest.mark.requirement("SHD-025")
def test_unit_gives_a_stop_half_an_hour(unit: set[str]) -> None:
    check_lines(unit, "TimeoutStopSec=30min")
