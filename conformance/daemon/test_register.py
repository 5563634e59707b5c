# SPDX-License-Identifier: GPL-2.0-or-later
"""The first message of a session: versions, and what the reply tells."""

from __future__ import annotations

import uuid

import pytest

from conformance.deviation import check
from fixtures.wire import RegisterRequest, Reply

from .under_test import Daemon


async def register(daemon: Daemon, version: str | None) -> Reply:
    async with daemon.client() as client:
        return await client.request(
            RegisterRequest(client_name="conformance", protocol_version=version)
        )


@pytest.mark.requirement("REG-001", "REG-005")
@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.9", "2.0", "9.9"])
async def test_version_is_accepted(daemon: Daemon, version: str) -> None:
    reply = await register(daemon, version)
    check(reply.rc == 0, expected="return code 0", actual=str(reply))


@pytest.mark.requirement("REG-002")
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
@pytest.mark.killed_by("register_any_version")
@pytest.mark.versions("<3.0.2", reason="later releases answer with silence (REG-004)")
@pytest.mark.parametrize("version", ["0.9", None])
async def test_version_below_the_minimum_is_refused(daemon: Daemon, version: str | None) -> None:
    reply = await register(daemon, version)
    check(
        reply.rc == -71 and "lrmd_protocol_version" in reply.attributes,
        expected="return code -71 (EPROTO) and the daemon's version",
        actual=str(reply),
    )


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
