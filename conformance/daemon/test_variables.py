# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon makes of variables and arguments that concern its log, its keys and its node."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from containers.node import LOG_FILE

from .conftest import StartDaemon

STARTED = b"successfully started and accepting connections"
ELSEWHERE = "/var/log/pacemaker/elsewhere.log"


@pytest.mark.requirement("ENV-007")
@pytest.mark.killed_by("log_file_settings_ignored")
async def test_log_goes_where_the_variable_says(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_logfile": ELSEWHERE})
    there, default = await daemon.read(ELSEWHERE), await daemon.read(LOG_FILE)
    check(
        STARTED in (there or b"") and default is None,
        expected=f"the start-up lines in {ELSEWHERE}, nothing in {LOG_FILE}",
        actual=f"there: {there!r}, in the default file: {default!r}",
    )


@pytest.mark.requirement("ENV-007")
@pytest.mark.killed_by("log_file_settings_ignored")
async def test_log_goes_where_the_argument_says_too(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({}, ["-l", ELSEWHERE])
    for path in (ELSEWHERE, LOG_FILE):
        log = await daemon.read(path) or b""
        check(STARTED in log, expected=f"the start-up lines in {path}", actual=f"{log!r}")


@pytest.mark.requirement("ENV-008")
@pytest.mark.killed_by("silent_start", "port_variable_ignored")
async def test_start_tells_where_it_listens(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_debug": "yes", "PCMK_remote_port": "3999"}, port=3999)
    line = "Started TLS listener on all addresses on port 3999"
    check(line in daemon.log(), expected=line, actual=daemon.log())


@pytest.mark.requirement("ENV-010")
@pytest.mark.killed_by("dh_max_bits_ignored")
async def test_shorter_dh_prime_is_made(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_dh_max_bits": "1024"})
    # With a client that names a group of its own, as all of today do, only the log can show it.
    line = "Generating Diffie-Hellman parameters with 1024-bit prime"
    check(line in daemon.log(), expected=line, actual=daemon.log())


@pytest.mark.requirement("REG-009")
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param({}, None, marks=pytest.mark.killed_by("start_state_always_told"), id="unset"),
        pytest.param(
            {"PCMK_node_start_state": "standby"},
            "standby",
            marks=pytest.mark.killed_by("start_state_untold"),
            id="standby",
        ),
    ],
)
async def test_start_state_is_told_if_it_is_set(
    start_daemon: StartDaemon, variables: dict[str, str], told: str | None
) -> None:
    daemon = await start_daemon(variables)
    async with daemon.client() as client:
        reply = await client.register()
    found = reply.attributes.get("node_start_state")
    check(found == told, expected=f"node_start_state: {told}", actual=f"{found}")
