# SPDX-License-Identifier: GPL-2.0-or-later
"""Schema transfer: what a daemon asks of a provider that is new enough (docs/protocol.md §12)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from lxml import etree

from conformance.deviation import check
from fixtures.peers import SCHEMA_DIRECTORY, ClusterServices, FakeCluster, PeerTimeout
from fixtures.wire import ProxyNotify, ProxyOp

from .conftest import StartDaemon
from .proxying import told
from .under_test import SIGN_OF_LIFE, Daemon

SCHEMA = '<grammar xmlns="http://relaxng.org/ns/structure/1.0"/>'
#: The directory above the schemas'.
ABOVE, _, DIRECTORY = SCHEMA_DIRECTORY.rpartition("/")


@asynccontextmanager
async def registered(
    daemon: Daemon, version: str = "1.2", *, is_provider: bool = True
) -> AsyncIterator[FakeCluster]:
    """A client that registered with a protocol version, by default one that has schemas."""
    async with daemon.client(f"version {version}") as client:
        await client.register(is_ipc_provider=is_provider, protocol_version=version)
        yield client


async def transfer(daemon: Daemon, schemas: Mapping[str, str]) -> list[ProxyNotify]:
    """Let the daemon fetch schemas, and return what it asked for until it was done."""
    services = ClusterServices()
    services.schemas = schemas
    async with registered(daemon) as client:
        while True:
            notify = await client.next_notify(ProxyNotify, timeout=client.patience / 4)
            if notify.ipc_op == ProxyOp.DESTROY:
                return services.requests
            for forward in services.answer(notify):
                client.send(forward)


@pytest.mark.requirement("SCH-001")
@pytest.mark.killed_by("schemas_never_fetched")
async def test_new_provider_is_asked_for_schemas(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    asked = [etree.fromstring(request.payload or b"") for request in await transfer(daemon, {})]
    check(
        [request.get("cib_op") for request in asked] == ["register", "cib_schemas"],
        expected="one registration, one request for schemas",
        actual=f"{[request.attrib for request in asked]}",
    )
    # It must say which one it has, or the cluster would send all.
    newest = asked[1].find("cib_calldata/schema")
    assert newest is not None
    assert newest.get("version", "").startswith("pacemaker-")


@pytest.mark.requirement("SCH-002")
@pytest.mark.parametrize(
    ("version", "is_provider"),
    [
        pytest.param("1.0", True, marks=pytest.mark.killed_by("schemas_fetched_from_old_provider")),
        ("1.1", True),
        pytest.param("1.2", False, marks=pytest.mark.killed_by("schemas_fetched_from_any_client")),
    ],
    ids=["provider 1.0", "provider 1.1", "no provider 1.2"],
)
async def test_others_are_not_asked_for_schemas(
    daemon: Daemon, version: str, is_provider: bool
) -> None:
    async with registered(daemon, version, is_provider=is_provider) as client:
        # Whoever is asked is asked at once; a child that is only being made has this long.
        for _ in range(50):
            await client.resource_info(SIGN_OF_LIFE)
        try:
            asked = await client.next_notify(ProxyNotify, timeout=client.patience / 10)
        except PeerTimeout:
            return
    check(False, expected="no proxy traffic", actual=str(asked))


@pytest.mark.requirement("SCH-003")
@pytest.mark.killed_by("schemas_never_fetched")
async def test_schemas_appear_in_their_directory(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    wanted = {"conformance-1.rng": SCHEMA, "conformance-2.rng": f"<!-- é -->{SCHEMA}"}
    await transfer(daemon, wanted)
    found = await daemon.files(SCHEMA_DIRECTORY)
    check(
        found == {name: text.encode() for name, text in wanted.items()},
        expected=f"{wanted}",
        actual=f"{found}",
    )


@pytest.mark.requirement("SCH-003")
@pytest.mark.killed_by("schemas_never_fetched", "old_schemas_kept")
async def test_schemas_that_were_there_before_are_removed(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    await daemon.write(f"{SCHEMA_DIRECTORY}/conformance-old.rng", SCHEMA.encode())
    await transfer(daemon, {"conformance-new.rng": SCHEMA})
    found = await daemon.files(SCHEMA_DIRECTORY)
    check(
        set(found) == {"conformance-new.rng"},
        expected="only the file of the last transfer",
        actual=f"{sorted(found)}",
    )


@pytest.mark.requirement("SCH-010")
@pytest.mark.killed_by("schemas_fetched_once", "schemas_never_fetched", "old_schemas_kept")
async def test_each_new_provider_is_asked_for_schemas(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    for name in ("conformance-1.rng", "conformance-2.rng"):
        await transfer(daemon, {name: SCHEMA})
        found = await daemon.files(SCHEMA_DIRECTORY)
        check(set(found) == {name}, expected=f"only {name}", actual=f"{sorted(found)}")


@pytest.mark.requirement("SCH-008")
@pytest.mark.killed_by("schema_paths_not_checked", "schemas_never_fetched")
async def test_schemas_are_written_nowhere_else(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    await transfer(daemon, {"../conformance-evil.rng": SCHEMA, "conformance-good.rng": SCHEMA})
    found = [name for name in await daemon.files(ABOVE) if "conformance" in name]
    check(
        found == [f"{DIRECTORY}/conformance-good.rng"],
        expected="nothing is written outside the directory",
        actual=f"below {ABOVE}: {found}",
    )


@pytest.mark.requirement("SCH-005")
@pytest.mark.killed_by("schema_fetch_blocks", "schemas_never_fetched")
async def test_a_provider_that_gives_no_schemas_is_served_all_the_same(
    start_daemon: StartDaemon,
) -> None:
    daemon = await start_daemon()
    async with registered(daemon) as client:
        await told(client, ProxyOp.REQUEST)
        await client.resource_register("d1")
        completed = await client.completion((await client.execute("d1", "monitor")).rc)
        await client.unregister("d1")
    check(completed.exit_code == 7, expected="the action runs", actual=str(completed))


@pytest.mark.requirement("SCH-009")
@pytest.mark.killed_by("schema_fetches_pile_up", "schemas_never_fetched")
async def test_a_new_registration_replaces_the_transfer_that_is_under_way(
    start_daemon: StartDaemon,
) -> None:
    daemon = await start_daemon()
    async with registered(daemon) as older:
        first = await told(older, ProxyOp.NEW)
        async with registered(daemon) as newer:
            await told(newer, ProxyOp.NEW)
            gone = await told(older, ProxyOp.DESTROY)
            check(
                gone.session == first.session,
                expected=f"destroy of {first.session}",
                actual=f"{gone}",
            )


@pytest.mark.requirement("SCH-007")
@pytest.mark.killed_by("schema_child_keeps_listener", "schemas_never_fetched")
async def test_a_transfer_does_not_keep_the_port_of_a_dead_daemon(
    start_daemon: StartDaemon,
) -> None:
    daemon = await start_daemon()
    async with registered(daemon) as client:
        await told(client, ProxyOp.REQUEST)
        await daemon.signal("KILL")
        await daemon.wait_exited(5)
        listening = await daemon.listening()
    check(listening == [], expected="nobody listens", actual=f"open ports: {listening}")


@pytest.mark.requirement("SCH-007", "SHD-005")
@pytest.mark.versions(">=2.1.8", reason="earlier releases transfer no schemas")
@pytest.mark.killed_by(
    "schema_child_keeps_listener",
    "schemas_never_fetched",
    "listens_while_stopping",
    "exit_at_once_on_stop_request",
)
async def test_a_transfer_does_not_keep_the_port_of_a_stopping_daemon(
    start_daemon: StartDaemon,
) -> None:
    daemon = await start_daemon()
    async with registered(daemon) as client:
        await told(client, ProxyOp.REQUEST)
        await daemon.terminate()
        await told(client, ProxyOp.SHUTDOWN_REQ)
        await client.resource_info(SIGN_OF_LIFE)  # it has done what SIGTERM makes it do
        listening = await daemon.listening()
    check(listening == [], expected="nobody listens", actual=f"open ports: {listening}")
