# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests that are unknown, incomplete, mistyped, or to nobody."""

from __future__ import annotations

import pytest
from lxml import etree

from conformance.deviation import check
from fixtures.peers import FakeCluster
from fixtures.wire import (
    AlertExec,
    Cancel,
    Exec,
    Poke,
    ReplyReceived,
    Request,
    ResourceInfo,
    ResourceRegister,
    ResourceUnregister,
    build_frame,
    parse_xml,
)

from .conftest import StartDaemon
from .raw import check_not_executed, registration, unused_id
from .under_test import Daemon

ENODEV, EINVAL, EOPNOTSUPP = -19, -22, -95

#: Operations that no release knows as a request; ``None`` is a request that names none.
UNKNOWN = {
    "made up": "nope",
    "empty": "",
    "missing": None,
    "upper case": "LRMD_RSC_POKE",
    "with a space": "lrmd_rsc_poke ",
    "a notify": "lrmd_rsc_new_client",
    "very long": "x" * 20_000,
}
unknown_operations = pytest.mark.parametrize(
    "operation",
    [
        pytest.param(
            name,
            id=what,
            marks=pytest.mark.killed_by(
                "dies_of_missing_operation" if not name else "accepts_unknown_operations"
            ),
        )
        for what, name in UNKNOWN.items()
    ],
)


def command(operation: str | None, **attributes: str) -> etree._Element:
    """A request as XML, with exactly these attributes and nothing in it."""
    named = {} if operation is None else {"lrmd_op": operation}
    element = etree.Element("lrmd_command", {"t": "lrmd", **named, **attributes})
    etree.SubElement(etree.SubElement(element, "lrmd_calldata"), "lrmd_rsc")
    return element


async def silence_about(client: FakeCluster, request: Request | etree._Element) -> None:
    """Send what must not be answered, then something that must be.

    Raises:
        Deviation: both were answered.
    """
    before = len(client.events)
    client.send(request)
    await client.resource_info("nothing")
    replies = [event for event in client.events[before:] if isinstance(event, ReplyReceived)]
    check(
        len(replies) == 1,
        expected="only the next request is answered",
        actual=f"{len(replies)} replies, the first {replies[0].reply}",
    )


@pytest.mark.requirement("MSG-003")
@pytest.mark.versions("<3.0.2", reason="later releases do not answer what they do not know")
@unknown_operations
async def test_unknown_operation_is_refused(daemon: Daemon, operation: str | None) -> None:
    async with daemon.client() as client:
        reply = await client.request(command(operation))
        check(
            reply.rc == EOPNOTSUPP,
            expected="return code -95 (EOPNOTSUPP)",
            actual=str(reply),
        )
        assert (await client.poke()).rc == 0


@pytest.mark.requirement("MSG-003")
@pytest.mark.versions(">=3.0.2", reason="earlier releases answer what they do not know")
@unknown_operations
async def test_unknown_operation_is_not_answered(daemon: Daemon, operation: str | None) -> None:
    async with daemon.client() as client:
        await silence_about(client, command(operation))


@pytest.mark.requirement("MSG-004")
@pytest.mark.killed_by("ignores_addressee")
@pytest.mark.parametrize("addressee", ["crmd", "LRMD", "lrmd ", "", None], ids=repr)
async def test_message_to_somebody_else_is_ignored(daemon: Daemon, addressee: str | None) -> None:
    request = Poke().to_element()
    del request.attrib["t"]
    if addressee is not None:
        request.set("t", addressee)
    async with daemon.client() as client:
        await silence_about(client, request)


INCOMPLETE: dict[str, tuple[Request, int]] = {
    "info without id": (ResourceInfo(resource_id=None), ENODEV),
    "unregister without id": (ResourceUnregister(resource_id=None), ENODEV),
    "exec without id": (Exec(resource_id=None, action="start"), EINVAL),
    "exec without either": (Exec(resource_id=None, action=None), EINVAL),
    "cancel without id": (Cancel(resource_id=None, action="monitor"), EINVAL),
    "cancel without action": (Cancel(resource_id="nothing", action=None), EINVAL),
    "cancel without either": (Cancel(resource_id=None, action=None), EINVAL),
    "alert without id": (AlertExec(alert_id=None, path="/bin/true"), EINVAL),
    "alert without path": (AlertExec(alert_id="a", path=None), EINVAL),
    "alert without either": (AlertExec(alert_id=None, path=None), EINVAL),
}


@pytest.mark.requirement("NEG-003")
@pytest.mark.killed_by("accepts_incomplete_requests")
@pytest.mark.parametrize("what", INCOMPLETE)
async def test_incomplete_request_is_refused(daemon: Daemon, what: str) -> None:
    request, rc = INCOMPLETE[what]
    async with daemon.client() as client:
        reply = await client.request(request)
        check(reply.rc == rc, expected=f"return code {rc}", actual=str(reply))


@pytest.mark.requirement("NEG-003")
@pytest.mark.killed_by("dies_of_exec_without_action")
async def test_exec_without_action_leaves_the_resource_usable(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon()
    async with daemon.client() as client, daemon.client("other") as other:
        await client.register()
        await client.resource_register("d1")
        client.send(Exec(resource_id="d1", action=None))  # every release takes it, none need
        await daemon.settle(other)
        done = await client.completion((await client.execute("d1", "monitor")).rc)
        check(done.exit_code == 7, expected="a monitor ends with exit code 7", actual=str(done))
        await daemon.check_well(other)


EMPTY = {
    ResourceInfo.OP: ENODEV,
    ResourceUnregister.OP: ENODEV,
    Exec.OP: EINVAL,
    Cancel.OP: EINVAL,
    AlertExec.OP: EINVAL,
}


@pytest.mark.requirement("NEG-003")
@pytest.mark.killed_by("accepts_incomplete_requests")
@pytest.mark.parametrize("data", ["<lrmd_calldata/>", ""], ids=["empty", "missing"])
@pytest.mark.parametrize("operation", EMPTY)
async def test_request_without_data_is_refused(daemon: Daemon, operation: str, data: str) -> None:
    request = parse_xml(
        f'<lrmd_command t="lrmd" lrmd_op="{operation}">{data}</lrmd_command>'.encode()
    )
    async with daemon.client() as client:
        reply = await client.request(request)
        check(
            reply.rc == EMPTY[operation],
            expected=f"return code {EMPTY[operation]}",
            actual=str(reply),
        )


WITHOUT_ID = {
    "no id": '<lrmd_calldata><lrmd_rsc lrmd_class="ocf" lrmd_type="Dummy"/></lrmd_calldata>',
    "no resource": "<lrmd_calldata/>",
    "no data": "",
}


@pytest.mark.requirement("NEG-001", "NEG-002")
@pytest.mark.killed_by("dies_of_register_without_id")
@pytest.mark.parametrize("what", WITHOUT_ID)
async def test_register_without_id_is_refused(start_daemon: StartDaemon, what: str) -> None:
    daemon = await start_daemon()
    data = WITHOUT_ID[what]
    xml = f'<lrmd_command t="lrmd" lrmd_op="{ResourceRegister.OP}">{data}</lrmd_command>'
    async with daemon.client() as client, daemon.client("other") as other:
        message_id = client.send(parse_xml(xml.encode()))
        await daemon.settle(other)
        reply = await client.reply_to(message_id)
        check(reply.rc == EINVAL, expected="return code -22 (EINVAL)", actual=str(reply))
        await daemon.check_well(other)


IDS = {
    "10 kB": "n" * 10_000,
    "path": "../../etc/passwd",
    "quotes": "a\"b'c",
    "markup": "<&>",
    "XPath": "a'] | //*[@id='b",
    "format": "%s%n%d",
    "spaces": " a b ",
    "UTF-8": "r\u00e9s-\u00fcber-\u540d",
    "shell": "$(reboot);`reboot`",
}


@pytest.mark.requirement("NEG-004")
@pytest.mark.parametrize(
    "what",
    [
        pytest.param(
            what,
            marks=pytest.mark.killed_by(
                "dies_of_long_ids" if what == "10 kB" else "refuses_unusual_ids"
            ),
        )
        for what in IDS
    ],
)
async def test_unusual_resource_id_is_a_resource_id(daemon: Daemon, what: str) -> None:
    async with daemon.client() as client:
        codes = [
            (await client.resource_register(IDS[what])).rc,
            (await client.resource_info(IDS[what])).rc,
            (await client.unregister(IDS[what])).rc,
            (await client.resource_info(IDS[what])).rc,
        ]
        check(
            codes == [0, 0, 0, ENODEV],
            expected="registered, known, unregistered, unknown: 0, 0, 0, -19",
            actual=f"return codes {codes}",
        )


@pytest.mark.requirement("MSG-008")
@pytest.mark.killed_by("needs_call_options")
async def test_options_and_timeout_may_be_left_out(daemon: Daemon) -> None:
    async with daemon.client() as client:
        reply = await client.request(command(Poke.OP))
        check(reply.rc == 0, expected="return code 0", actual=str(reply))


@pytest.mark.requirement("NEG-018")
@pytest.mark.killed_by("executes_replies")
@pytest.mark.parametrize("kind", ["reply", "notify"])
async def test_what_is_no_request_is_not_executed(daemon: Daemon, kind: str) -> None:
    resource_id = unused_id()
    async with daemon.client() as client, daemon.client("other") as other:
        xml = registration(resource_id).replace(b'"request"', f'"{kind}"'.encode())
        frame = build_frame(xml)
        client.send_frame(frame.header, frame.payload)
        await check_not_executed(daemon, other, resource_id)
