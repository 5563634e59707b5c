# SPDX-License-Identifier: GPL-2.0-or-later
"""A hand-driven peer and a libgnutls session that talk in memory."""

import itertools
from typing import NamedTuple

from fixtures.tls import (
    PACEMAKER_PRIORITY,
    ClientCredentials,
    DataReceived,
    ServerCredentials,
    TLSError,
    TLSSession,
)
from fixtures.tls.hostile import HostileSession, Peer, Script

from ..helpers import IDENTITY, KEY, plaintexts

__all__ = ["IDENTITY", "KEY", "Talk", "talk_to_client", "talk_to_server"]


class Talk(NamedTuple):
    """One conversation; it is carried on until both are silent or one has had enough."""

    hostile: HostileSession
    real: TLSSession
    failure: TLSError | None = None
    """What made libgnutls give up."""
    refusal: TLSError | None = None
    """What the hand-driven side was told, or did not like."""

    def carry(self, piece: int = 2**16) -> "Talk":
        """Carry bytes both ways, ``piece`` at a time."""
        failure, refusal = self.failure, self.refusal
        while True:
            to_real = self.hostile.data_to_send()
            try:
                for start in range(0, len(to_real), piece):
                    self.real.receive_data(to_real[start : start + piece])
            except TLSError as error:
                failure = error
            to_hostile = self.real.data_to_send()
            try:
                for start in range(0, len(to_hostile), piece):
                    self.hostile.receive_data(to_hostile[start : start + piece])
            except TLSError as error:
                refusal = error
            if not to_real and not to_hostile:
                return self._replace(failure=failure, refusal=refusal)

    def exchange_data(self) -> None:
        """Insist that data goes both ways."""
        self.real.events_received()
        self.hostile.events_received()
        for number in itertools.islice(itertools.count(), 2):
            data = b"hello %d" % number
            self.hostile.send_record(data)
            self.real.send_record(data * 2)
            talk = self.carry()
            assert talk.failure is None
            assert talk.refusal is None
            assert plaintexts(self.real) == [data]
            assert self.hostile.events_received() == [DataReceived(data * 2)]


def talk_to_server(
    client: Peer, script: Script | None = None, *, piece: int = 2**16, key: bytes = KEY
) -> Talk:
    """A hand-driven client talks to a libgnutls server with Pacemaker's priorities."""
    credentials = ServerCredentials(lambda identity: key)
    hostile = HostileSession(client, script or client.handshake())
    hostile.start()
    return Talk(hostile, TLSSession(credentials)).carry(piece)


def talk_to_client(
    server: Peer,
    script: Script | None = None,
    *,
    priority: str = PACEMAKER_PRIORITY,
    piece: int = 2**16,
    key: bytes = KEY,
) -> Talk:
    """A libgnutls client talks to a hand-driven server."""
    hostile = HostileSession(server, script or server.handshake())
    hostile.start()
    real = TLSSession(ClientCredentials(IDENTITY, key), priority=priority)
    real.start()
    return Talk(hostile, real).carry(piece)
