# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of hostile and mutilated messages share.

Whether something was executed is seen from outside: the message in question registers a resource
under an id that nobody used before, and afterwards another client asks for that id.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from conformance.deviation import Deviation
from fixtures.peers import FakeCluster
from fixtures.wire import ByteOrder, Frame, Header, ResourceRegister, build_frame, serialise

from .under_test import Daemon

ENODEV = -19
#: Message id of hostile messages; requests count from 1 and do not come that far.
MESSAGE_ID = 70_000
_numbers = itertools.count(1)


def unused_id() -> str:
    """A resource id that nobody used before."""
    return f"hostile-{next(_numbers)}"


def registration(resource_id: str) -> bytes:
    """The XML of a request that registers a resource, as a client would send it."""
    request = ResourceRegister(
        resource_id=resource_id, standard="ocf", provider="pacemaker", agent="Dummy"
    )
    return enveloped(serialise(request.to_element()))


def enveloped(xml: bytes, *, id: int | str = MESSAGE_ID, type: str = "request") -> bytes:
    """Put the envelope's attributes in front of the first element's own."""
    envelope = f' lrmd_remote_msg_id="{id}" lrmd_remote_msg_type="{type}" '
    return xml.replace(b" ", envelope.encode(), 1)


def altered(frame: Frame, order: ByteOrder = ByteOrder.LITTLE, **fields: int) -> Header:
    """The frame's header with these fields changed."""
    return replace(frame.header, order=order, **fields)


def whole(frame: Frame) -> bytes:
    """Header and payload as one piece."""
    return frame.header.pack() + frame.payload


def frame_of(resource_id: str, *, compress: bool = False) -> Frame:
    """A correct message that registers a resource; hostile ones are made of it."""
    return build_frame(registration(resource_id), compress=compress)


async def check_not_executed(daemon: Daemon, client: FakeCluster, resource_id: str) -> None:
    """Ask for the resource that must not have been registered.

    Raises:
        Deviation: it was.
    """
    await daemon.settle(client)
    info = await client.resource_info(resource_id)
    if info.rc != ENODEV:
        await client.unregister(resource_id)
        raise Deviation("the message is not executed", f"it was executed: {info}")
