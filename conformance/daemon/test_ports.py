# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the daemon listens, what decides that, and what happens if it cannot."""

from __future__ import annotations

import pytest

from conformance.deviation import check

from .admittance import admitted
from .conftest import StartDaemon
from .under_test import Daemon

EXIT_FATAL = 100

killed_by = pytest.mark.killed_by


async def answers(daemon: Daemon) -> None:
    client = daemon.client()
    check(await admitted(client), expected="a client is let in", actual=f"{client.ending}")


@pytest.mark.requirement("PRT-001")
@killed_by("default_port_wrong", "opens_another_port")
async def test_default_port(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    ports = await daemon.listening()
    check(ports == [3121], expected="port 3121 only", actual=f"ports {ports}")
    await answers(daemon)


@pytest.mark.requirement("ENV-009", "PRT-012", "PRT-013")
@killed_by("opens_another_port", "ipv4_only", "listens_on_each_address")
async def test_one_socket_takes_both_families(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    listeners = await daemon.listeners()
    # A client that gets through by IPv4 shows that the socket is not for IPv6 alone.
    check(
        [listener.address for listener in listeners] == ["::"],
        expected="one socket, for any IPv6 address",
        actual=", ".join(map(str, listeners)),
    )
    await answers(daemon)


@pytest.mark.requirement("PRT-002")
@killed_by("port_variable_ignored")
async def test_port_of_the_environment(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_remote_port": "3999"}, port=3999)
    ports = await daemon.listening()
    check(ports == [3999], expected="port 3999 only, not 3121", actual=f"ports {ports}")
    await answers(daemon)


@pytest.mark.requirement("PRT-010")
@killed_by("port_argument_ignored")
async def test_port_argument_wins_over_the_environment(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_remote_port": "5000"}, ["-p", "4000"], port=4000)
    ports = await daemon.listening()
    check(ports == [4000], expected="port 4000 only", actual=f"ports {ports}")
    await answers(daemon)


@pytest.mark.requirement("PRT-008")
@killed_by(
    "invalid_port_not_warned_of",
    "invalid_port_wraps_around",
    "port_variable_ignored",
    "default_port_wrong",
)
@pytest.mark.parametrize("value", ["zero", "0", "-1", "65537", "4294970417"])
async def test_invalid_port_falls_back_to_3121(start_daemon: StartDaemon, value: str) -> None:
    daemon = await start_daemon({"PCMK_remote_port": value})
    ports = await daemon.listening()
    check(ports == [3121], expected="port 3121 only", actual=f"ports {ports}")
    # Only the log can show that the administrator was told.
    warning = f"PCMK_remote_port has invalid value '{value}'"
    told = [line for line in daemon.log().splitlines() if "invalid value" in line]
    check(any(warning in line for line in told), expected=warning, actual=f"warnings: {told}")
    await answers(daemon)


@pytest.mark.requirement("PRT-009")
@killed_by("port_garbage_refused", "port_variable_ignored")
async def test_what_follows_a_port_is_ignored(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon({"PCMK_remote_port": "3200x"}, port=3200)
    ports = await daemon.listening()
    check(ports == [3200], expected="port 3200 only", actual=f"ports {ports}")


@pytest.mark.requirement("PRT-011")
@killed_by("address_variable_ignored")
@pytest.mark.parametrize("address", ["{address}", "0.0.0.0"], ids=["own", "any IPv4"])  # noqa: S104
async def test_address_restricts_the_listener(start_daemon: StartDaemon, address: str) -> None:
    daemon = await start_daemon({"PCMK_remote_address": address})
    listeners = await daemon.listeners()
    wanted = address.replace("{address}", daemon.host)
    check(
        [listener.address for listener in listeners] == [wanted],
        expected=f"one socket, on {wanted}",
        actual=", ".join(map(str, listeners)),
    )
    await answers(daemon)


@pytest.mark.requirement("PRT-011", "PRT-013")
@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        pytest.param("localhost", marks=killed_by("listens_on_each_address")),
    ],
)
@killed_by("address_variable_ignored")
async def test_loopback_alone_is_not_seen_from_outside(
    start_daemon: StartDaemon, name: str
) -> None:
    daemon = await start_daemon({"PCMK_remote_address": name})
    listeners = await daemon.listeners()
    check(
        [listener.address in ("127.0.0.1", "::1") for listener in listeners] == [True],
        expected="one socket, on the loopback",
        actual=", ".join(map(str, listeners)),
    )
    with pytest.raises(ConnectionRefusedError):
        await daemon.client().connect()


@pytest.mark.requirement("PRT-014")
@killed_by("lives_without_listening")
@pytest.mark.parametrize(
    ("variables", "taken"),
    [
        pytest.param({}, [3121], id="port taken", marks=killed_by("default_port_wrong")),
        pytest.param(
            {"PCMK_remote_port": "3999"},
            [3999],
            id="other port taken",
            marks=killed_by("port_variable_ignored"),
        ),
        pytest.param(
            {"PCMK_remote_address": "192.0.2.1"},
            [],
            id="address of another host",
            marks=killed_by("address_variable_ignored"),
        ),
        pytest.param(
            {"PCMK_remote_address": "no..name"},
            [],
            id="no name at all",
            marks=killed_by("address_variable_ignored"),
        ),
    ],
)
async def test_exit_100_if_it_cannot_listen(
    start_daemon: StartDaemon, variables: dict[str, str], taken: list[int]
) -> None:
    daemon = await start_daemon(variables, taken_ports=taken, fails=True)
    status = await daemon.wait_exited(10)
    check(status == EXIT_FATAL, expected="exit status 100", actual=f"exit status {status}")


@pytest.mark.requirement("PRT-015")
@killed_by("address_not_reused", "waits_without_provider")
async def test_restart_with_clients_connected_listens_at_once(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    for _ in range(3):
        clients = [daemon.client(f"client {number}") for number in range(3)]
        for client in clients:
            await client.connect()
        # The daemon closes first, so its side of each connection stays in TIME_WAIT.
        await daemon.terminate()
        assert await daemon.wait_exited(10) == 0
        for client in clients:
            await client.wait_closed()
        await daemon.restart()
        await answers(daemon)
