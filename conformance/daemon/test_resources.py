# SPDX-License-Identifier: GPL-2.0-or-later
"""Resources: registered, asked for, registered again, forgotten."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster
from fixtures.wire import (
    ExecNotify,
    NotifyReceived,
    Reply,
    ReplyReceived,
    ResourceUnregister,
    ReturnCode,
    UnregisterNotify,
)

from .scripted import Resource, Resources, ends, script

HOUR = 3_600_000
CANCELLED = 1


def definition(info: Reply) -> tuple[str | None, ...]:
    """Class, provider and type that ``lrmd_rsc_info`` tells."""
    names = ("lrmd_class", "lrmd_provider", "lrmd_type")
    return tuple(info.attributes.get(name) for name in names)


@pytest.mark.requirement("EXE-001")
@pytest.mark.parametrize(
    ("standard", "provider", "agent"),
    [
        pytest.param(
            "ocf",
            "pacemaker",
            "Dummy",
            marks=pytest.mark.killed_by("info_lacks_provider"),
            id="ocf",
        ),
        pytest.param("lsb", None, "conformance-scripted", id="lsb"),
        pytest.param("service", None, "conformance-scripted", id="service"),
        pytest.param("systemd", None, "a@b.service", id="systemd"),
    ],
)
async def test_registered_resource_is_known(
    resources: Resources, standard: str, provider: str | None, agent: str
) -> None:
    resource = await resources.add(standard, provider, agent)
    info = await resources.client.resource_info(resource.id)
    check(
        info.rc == 0 and definition(info) == (standard, provider, agent),
        expected=f"class {standard}, provider {provider}, type {agent}",
        actual=str(info),
    )


@pytest.mark.requirement("EXE-002")
@pytest.mark.killed_by("info_knows_everything")
async def test_unknown_resource_is_enodev(client: FakeCluster) -> None:
    info = await client.resource_info("nobody-registered-this")
    check(
        info.rc == ReturnCode.ENODEV and "lrmd_class" not in info.attributes,
        expected="return code -19 (ENODEV) and no class",
        actual=str(info),
    )


@pytest.mark.requirement("EXE-003")
@pytest.mark.killed_by("registration_forgets_recurring")
async def test_same_registration_again_keeps_recurring_operations(resources: Resources) -> None:
    resource = await resources.add()
    await resource.run("monitor", interval_ms=HOUR)
    client = resources.client
    before = (await client.get_recurring(resource.id)).recurring()
    again = await client.resource_register(resource.id, "ocf", "conformance", "Scripted")
    after = (await client.get_recurring(resource.id)).recurring()
    check(
        again.rc == 0 and after == before != [],
        expected=f"return code 0, and still {before}",
        actual=f"{again}, and {after}",
    )


@pytest.mark.requirement("EXE-004")
@pytest.mark.killed_by("registration_never_replaced")
@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            ("ocf", "conformance", "Witness"),
            marks=pytest.mark.killed_by("info_lacks_provider"),
            id="type",
        ),
        pytest.param(
            ("ocf", "pacemaker", "Scripted"),
            marks=pytest.mark.killed_by("info_lacks_provider"),
            id="provider",
        ),
        pytest.param(("lsb", None, "Scripted"), id="class"),
    ],
)
async def test_another_definition_replaces(
    resources: Resources, other: tuple[str, str | None, str]
) -> None:
    resource = await resources.add()
    await resource.run("monitor", interval_ms=HOUR)
    client = resources.client
    await client.resource_register(resource.id, *other)
    info = await client.resource_info(resource.id)
    left = await client.get_recurring(resource.id)
    check(
        definition(info) == other and not left.recurring(),
        expected=f"{other}, without the recurring operations of the old one",
        actual=f"{info}; {left}",
    )


@pytest.mark.requirement("EXE-026")
@pytest.mark.killed_by("info_knows_everything", "unregister_forgets_nothing")
async def test_unregistered_resource_is_forgotten(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    reply = await client.unregister(resource.id)
    told = await client.next_notify(UnregisterNotify)
    info = await client.resource_info(resource.id)
    check(
        (reply.rc, told.rc, info.rc) == (0, 0, ReturnCode.ENODEV),
        expected="reply and notify with return code 0, then -19 (ENODEV) for the resource",
        actual=f"{reply}; {told}; {info}",
    )


@pytest.mark.requirement("EXE-026")
@pytest.mark.parametrize(
    ("resource_id", "rc"),
    [
        pytest.param(
            "nobody-registered-this",
            0,
            marks=pytest.mark.killed_by("unregister_of_unknown_fails"),
            id="unknown",
        ),
        pytest.param(
            None,
            ReturnCode.ENODEV,
            marks=pytest.mark.killed_by("unregister_without_id_accepted"),
            id="missing",
        ),
    ],
)
async def test_unregister_of_nothing(client: FakeCluster, resource_id: str | None, rc: int) -> None:
    reply = await client.request(ResourceUnregister(resource_id=resource_id))
    check(reply.rc == rc, expected=f"return code {rc}", actual=str(reply))


@pytest.mark.requirement("EXE-026")
@pytest.mark.killed_by(
    "unregister_hides_running",
    "unregister_kills_running",
    "unregister_forgets_nothing",
    "deleted_never_told",
    "info_knows_everything",
)
async def test_unregister_while_an_action_runs(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    call_id = await resource.ask("start", script(seconds=resources.daemon.seconds(2)))
    reply = await client.unregister(resource.id)
    told = await client.next_notify(UnregisterNotify)
    info = await client.resource_info(resource.id)
    end = await client.completion(call_id)
    check(
        (reply.rc, told.rc, info.rc) == (ReturnCode.EINPROGRESS,) * 2 + (ReturnCode.ENODEV,),
        expected="reply and notify with -115 (EINPROGRESS), and the resource is unknown at once",
        actual=f"{reply}; {told}; {info}",
    )
    check(
        (end.status, end.exit_code, end.deleted) == (0, 0, 1),
        expected="the action runs to its end, which is told with lrmd_rsc_deleted 1",
        actual=str(end),
    )


@pytest.mark.requirement("EXE-027", "MSG-007")
@pytest.mark.killed_by(
    "unregister_leaves_recurring",
    "unregister_forgets_nothing",
    "deleted_never_told",
    "cancelled_goes_on",
)
async def test_unregister_cancels_recurring_operations(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    await resource.run("status", interval_ms=HOUR)
    await resource.run("monitor", interval_ms=resources.daemon.milliseconds(500))
    reply = await client.unregister(resource.id)
    replied = next(
        place
        for place, event in enumerate(client.events)
        if isinstance(event, ReplyReceived) and event.reply is reply
    )
    last = [
        event.notify
        for event in client.events[:replied]
        if isinstance(event, NotifyReceived) and isinstance(event.notify, ExecNotify)
    ][-2:]
    check(
        {(end.action, end.status, end.deleted) for end in last}
        == {("monitor", CANCELLED, 1), ("status", CANCELLED, 1)},
        expected="both told as cancelled, with lrmd_rsc_deleted 1, before the reply",
        actual=f"{last}",
    )
    before = len(ends(client, resource))
    await resources.pass_time(1.2)
    more = ends(client, resource)[before:]
    check(not more, expected="no further run", actual=f"{more}")


@pytest.mark.requirement("EXE-026")
@pytest.mark.killed_by(
    "unregister_forgets_nothing",
    "unregister_kills_running",
    "unregister_leaves_recurring",
    "actions_overlap",
)
async def test_unregister_cancels_what_waits(resources: Resources) -> None:
    resource, client = await resources.add(), resources.client
    # The first is recurring, so it is killed and nobody waits for its end.
    await resource.ask("status", script(seconds=resources.daemon.seconds(5)), interval_ms=HOUR)
    waiting = await resource.ask("monitor")
    await client.unregister(resource.id)
    cancelled = await client.completion(waiting)
    begun = [line.action for line in await resources.record(Resource(client, resource.id))]
    check(
        cancelled.status == CANCELLED and "monitor" not in begun,
        expected="what waits is told as cancelled and never runs",
        actual=f"{cancelled}; ran: {begun}",
    )
