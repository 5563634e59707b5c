# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the daemon listens."""

from __future__ import annotations

import pytest

from conformance.deviation import check

from .conftest import StartDaemon
from .under_test import Daemon


async def answers(daemon: Daemon) -> None:
    async with daemon.client() as client:
        assert (await client.register()).rc == 0


@pytest.mark.requirement("PRT-001", "ENV-009")
async def test_default_port(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    ports = await daemon.listening()
    check(ports == [daemon.port], expected=f"port {daemon.port} only", actual=f"ports {ports}")
    await answers(daemon)


@pytest.mark.requirement("PRT-002")
async def test_port_of_the_environment(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_remote_port": "3999"}, port=3999)
    ports = await daemon.listening()
    check(ports == [3999], expected="port 3999 only, not 3121", actual=f"ports {ports}")
    await answers(daemon)


@pytest.mark.requirement("PRT-010")
async def test_port_argument_wins_over_the_environment(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_remote_port": "5000"}, ["-p", "4000"], port=4000)
    ports = await daemon.listening()
    check(ports == [4000], expected="port 4000 only", actual=f"ports {ports}")
    await answers(daemon)


@pytest.mark.requirement("PRT-008")
@pytest.mark.parametrize("value", ["zero", "0", "-1", "65536"])
async def test_invalid_port_falls_back_to_3121(start_daemon: StartDaemon, value: str) -> None:
    daemon = await start_daemon({"PCMK_remote_port": value})
    ports = await daemon.listening()
    check(ports == [3121], expected="port 3121 only", actual=f"ports {ports}")
    await answers(daemon)
