# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a fake daemon listens, and what becomes of it if it cannot."""

import asyncio

import pytest

from fixtures.peers import FakeCluster, FakeRemote, HandshakeFailed, Misbehaviour

from .helpers import KEY


def remote(*arguments: str, bugs: str = "", **variables: str) -> FakeRemote:
    return FakeRemote(
        KEY,
        host="127.0.0.2",
        misbehaviour=Misbehaviour.parse(bugs),
        variables=variables,
        arguments=arguments,
        taken_ports=[4000],
    )


async def test_listeners_are_told_as_the_settings_have_them() -> None:
    async with remote(PCMK_remote_port="3999") as daemon:
        assert daemon.listeners == [("::", 3999)]
        assert daemon.port != 3999
        async with FakeCluster("127.0.0.2", daemon.port, key=KEY) as cluster:
            await cluster.register()

    assert daemon.listeners == []


async def test_another_address_is_really_opened() -> None:
    async with remote(PCMK_remote_address="127.0.0.1") as daemon:
        assert daemon.listeners == [("127.0.0.1", 3121)]
        async with FakeCluster("127.0.0.1", daemon.port, key=KEY) as cluster:
            await cluster.register()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", daemon.port)


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"PCMK_remote_port": "4000"}, "port 4000 is taken"),
        ({"PCMK_remote_address": "192.0.2.1"}, "cannot assign requested address"),
        ({"PCMK_remote_address": "no name"}, "no name is no address"),
    ],
)
async def test_daemon_that_cannot_listen_ends_with_100(variables: dict[str, str], why: str) -> None:
    daemon = remote(**variables)
    with pytest.raises(OSError, match=why):
        await daemon.start()

    assert await daemon.wait_exited() == 100
    await daemon.close()


async def test_daemon_starts_again_on_a_port_with_old_connections() -> None:
    first = await remote().start()
    cluster = await FakeCluster("127.0.0.2", first.port, key=KEY).connect()
    await first.close()
    await cluster.wait_closed()

    async with FakeRemote(KEY, host="127.0.0.2", port=first.port) as second:
        assert second.port == first.port


async def test_without_a_key_or_valid_priorities_nobody_is_let_in() -> None:
    keyless = FakeRemote(None)
    lost = FakeRemote(KEY, variables={"PCMK_tls_priorities": "NONSENSE"})
    for daemon in (keyless, lost):
        async with daemon:
            with pytest.raises(HandshakeFailed):
                await FakeCluster(daemon.host, daemon.port, key=KEY).connect()
            assert daemon.exit_code is None


async def test_start_state_is_told_by_releases_that_have_it() -> None:
    async with (
        remote(PCMK_node_start_state="standby") as daemon,
        FakeCluster("127.0.0.2", daemon.port, key=KEY) as cluster,
    ):
        reply = await cluster.register()

    assert reply.attributes["node_start_state"] == "standby"
