# SPDX-License-Identifier: GPL-2.0-or-later
"""The first message of a session: versions, and what the reply tells."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest

from conformance.deviation import Deviation, check
from fixtures.peers import ConnectionEnded, PeerTimeout
from fixtures.wire import Exec, Poke, ProxyNotify, RegisterRequest, Reply, ResourceInfo

from .conftest import StartDaemon
from .under_test import Daemon

EPROTO = -71


unacceptable = pytest.mark.parametrize("version", ["0.9", "0", "-1.0", "text", "", None], ids=repr)


async def register(daemon: Daemon, version: str | None) -> Reply:
    async with daemon.client() as client:
        return await client.request(
            RegisterRequest(client_name="conformance", protocol_version=version)
        )


@pytest.mark.requirement("REG-001", "REG-005")
@pytest.mark.parametrize(
    "version",
    [
        "1",
        pytest.param("1.0", marks=pytest.mark.killed_by("refuses_version_1_0")),
        "1.1",
        "1.2",
        *[
            pytest.param(newer, marks=pytest.mark.killed_by("refuses_newer_versions"))
            for newer in ("1.2.1", "1.9", "1.10", "2.0", "9.9", "2147483647.0")
        ],
    ],
)
async def test_version_is_accepted(daemon: Daemon, version: str) -> None:
    reply = await register(daemon, version)
    check(reply.rc == 0, expected="return code 0", actual=str(reply))


@pytest.mark.requirement("REG-002")
@pytest.mark.killed_by("announces_version_1_0")
@pytest.mark.parametrize(
    "announced",
    [
        pytest.param("1.1", marks=pytest.mark.versions("<2.1.8", reason="1.1 until 2.1.7")),
        pytest.param("1.2", marks=pytest.mark.versions(">=2.1.8", reason="1.2 from 2.1.8")),
    ],
)
async def test_announced_version(daemon: Daemon, announced: str) -> None:
    reply = await register(daemon, "1.1")
    found = reply.attributes.get("lrmd_protocol_version")
    check(found == announced, expected=f"version {announced} announced", actual=f"{found}")


@pytest.mark.requirement("REG-003")
@pytest.mark.killed_by("register_any_version", "refuses_in_silence")
@unacceptable
async def test_version_below_the_minimum_is_refused(daemon: Daemon, version: str | None) -> None:
    reply = await register(daemon, version)
    check(
        reply.rc == EPROTO and "lrmd_protocol_version" in reply.attributes,
        expected="return code -71 (EPROTO) and the daemon's version",
        actual=str(reply),
    )


@pytest.mark.requirement("REG-004")
@pytest.mark.killed_by("register_any_version", "refuses_in_silence")
@unacceptable
async def test_refusal_is_told(daemon: Daemon, version: str | None) -> None:
    async with daemon.client() as client:
        request = RegisterRequest(client_name="conformance", protocol_version=version)
        message_id = client.send(request)
        await client.resource_info("nothing")  # answered after whatever comes of the register
        try:
            reply = await client.reply_to(message_id, timeout=0)
        except PeerTimeout:
            raise Deviation("a reply with a negative return code", "there is no reply") from None
        check(not reply.ok, expected="a negative return code", actual=str(reply))


@pytest.mark.requirement("REG-010")
@pytest.mark.killed_by(
    "refused_client_is_provider", "register_any_version", "waits_without_provider"
)
async def test_refused_client_is_no_provider(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with daemon.client() as client:
        client.send(
            RegisterRequest(client_name="refused", protocol_version="0.9", is_ipc_provider=True)
        )
        await client.resource_info("nothing")
        await daemon.terminate()
        try:
            asked = await client.next_notify(ProxyNotify)
        except ConnectionEnded:  # without a provider the daemon goes at once (SHD-010)
            return
        raise Deviation("nothing is asked of a client that was refused", f"it was sent {asked}")


@pytest.mark.requirement("REG-006", "TLS-039")
@pytest.mark.killed_by("no_client_id")
async def test_each_session_gets_an_id_of_its_own(daemon: Daemon) -> None:
    replies = [await register(daemon, "1.1") for _ in range(2)]
    ids = {uuid.UUID(reply.attributes["lrmd_clientid"]) for reply in replies}
    check(len(ids) == 2, expected="two different UUIDs", actual=f"{ids}")
    check(
        all(reply.attributes.get("lrmd_op") == "register" for reply in replies),
        expected="lrmd_op=register in the reply",
        actual=str(replies[0]),
    )


@pytest.mark.requirement("REG-006")
async def test_registering_again_changes_nothing(daemon: Daemon) -> None:
    async with daemon.client() as client:
        ids = {(await client.register()).attributes.get("lrmd_clientid") for _ in range(2)}
    check(len(ids) == 1, expected="the same client id in both replies", actual=f"{ids}")


@pytest.mark.requirement("REG-007")
@pytest.mark.killed_by("register_reply_of_1_1")
async def test_reply_is_called_lrmd_reply(daemon: Daemon) -> None:
    reply = await register(daemon, "1.1")
    check(reply.root == "lrmd_reply", expected="<lrmd_reply>", actual=f"<{reply.root}>")


@pytest.mark.requirement("REG-008")
@pytest.mark.killed_by("no_uptime", "uptime_stands_still")
async def test_uptime_is_told_in_seconds(start_daemon: StartDaemon) -> None:
    begun = time.monotonic()
    daemon = await start_daemon()
    started = time.monotonic()

    async def uptime() -> tuple[int, float, float]:
        before = time.monotonic()
        told = (await register(daemon, "1.1")).attributes.get("uptime")
        check(told is not None and told.isdigit(), expected="a number", actual=f"{told!r}")
        return int(told or 0), before - started, time.monotonic() - begun

    async def plausible() -> int:
        told, least, most = await uptime()
        second = daemon.seconds(1)
        check(
            least / second - 1 <= told <= most / second + 1,
            expected=f"an uptime of {least / second:.1f} to {most / second:.1f} s",
            actual=f"{told} s",
        )
        return told

    first = await plausible()
    await asyncio.sleep(daemon.seconds(3))
    assert await plausible() > first


@pytest.mark.requirement("REG-011")
@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Poke(), id="poke"),
        pytest.param(ResourceInfo(resource_id="nothing"), id="info"),
        pytest.param(
            Exec(resource_id="nothing", action="start"),
            id="exec",
            marks=pytest.mark.killed_by("execution_needs_register"),
        ),
    ],
)
async def test_operations_work_without_register(
    daemon: Daemon, request_: Poke | ResourceInfo | Exec
) -> None:
    async with daemon.client() as client:
        reply = await client.request(request_)
        check(reply.rc in (0, -19), expected="an answer to the question", actual=str(reply))
