# SPDX-License-Identifier: GPL-2.0-or-later
"""What the capture tests share: a recorded dialogue, and a reader of pcapng files."""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import pytest

from fixtures.capture.packets import Address
from fixtures.capture.recorder import RecordingTap
from fixtures.tls import PACEMAKER_PRIORITY, ClientCredentials, ServerCredentials, TLSSession
from fixtures.wire import build_frame, pack_frame

KEY = bytes(range(256)) * 16
CLIENT: Address = ("127.0.0.1", 40001)
SERVER: Address = ("127.0.0.1", 3121)

REQUEST = (
    b'<lrmd_command t="lrmd" lrmd_op="register" lrmd_clientname="suite"'
    b' lrmd_remote_msg_id="1" lrmd_remote_msg_type="request"/>'
)
REPLY = (
    b'<lrmd_reply lrmd_op="register" lrmd_rc="0" lrmd_callid="12"'
    b' lrmd_remote_msg_id="1" lrmd_remote_msg_type="reply"/>'
)

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed (package tshark)"
)


class Direction(Enum):
    """As the peers have it."""

    SENT = "sent"
    RECEIVED = "received"


class Block(NamedTuple):
    """A block of a pcapng file."""

    kind: int
    body: bytes


def blocks(data: bytes) -> Iterator[Block]:
    """Read a little-endian pcapng file, checking the frame of each block."""
    while data:
        kind, length = struct.unpack_from("<II", data)
        assert length % 4 == 0
        assert length <= len(data)
        assert struct.unpack_from("<I", data, length - 4) == (length,)
        yield Block(kind, data[8 : length - 4])
        data = data[length:]


def options(data: bytes) -> dict[int, bytes]:
    """Read a block's options."""
    found = {}
    while True:
        code, length = struct.unpack_from("<HH", data)
        if code == 0:
            assert data == bytes(4), "something follows the end of the options"
            return found
        found[code] = data[4 : 4 + length]
        data = data[4 + length + -length % 4 :]


class Packet(NamedTuple):
    """An enhanced packet block."""

    interface: int
    time_ns: int
    data: bytes


def packets(data: bytes) -> list[Packet]:
    """The packets of a pcapng file, nothing of them cut off."""
    found = []
    for kind, body in blocks(data):
        if kind == 6:
            interface, high, low, captured, original = struct.unpack_from("<IIIII", body)
            assert captured == original
            found.append(Packet(interface, high << 32 | low, body[20 : 20 + captured]))
    return found


def play(
    tap: RecordingTap,
    *,
    priority: str = PACEMAKER_PRIORITY,
    client: Address = CLIENT,
    server: Address = SERVER,
    as_server: bool = False,
    ending: str = "local",
    request: bytes = REQUEST,
) -> None:
    """Have a client and a server talk in memory, one end tapped: a request, its reply, the end."""
    client_session = TLSSession(
        ClientCredentials(b"lrmd", KEY), priority=priority, keylog=tap.secret
    )
    server_session = TLSSession(ServerCredentials(lambda identity: KEY))
    of_client, of_server = Direction.SENT, Direction.RECEIVED
    if as_server:
        of_client, of_server = of_server, of_client
        tap.opened(server, client)
    else:
        tap.opened(client, server)

    def exchange() -> None:
        while client_session.pending_bytes or server_session.pending_bytes:
            for session, other, direction in (
                (client_session, server_session, of_client),
                (server_session, client_session, of_server),
            ):
                data = session.data_to_send()
                if data:
                    tap.segment(direction, data)
                    other.receive_data(data)

    client_session.start()
    exchange()
    for session, direction, xml in (
        (client_session, of_client, request),
        (server_session, of_server, REPLY),
    ):
        tap.message(direction, build_frame(xml).header, xml)
        for record in pack_frame(xml):
            session.send_record(record)
        exchange()
    client_session.send_close_notify()
    exchange()
    tap.closed(ending)


def tshark(capture: Path, *arguments: str) -> str:
    """Run tshark on a file; it has nothing but the file to decrypt with."""
    result = subprocess.run(
        ["tshark", "-r", str(capture), *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
