# SPDX-License-Identifier: GPL-2.0-or-later
"""The ten seconds that a client has to authenticate, measured on a monotonic clock.

All in one wait: each connection has a time of its own, and the daemon serves others meanwhile.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from conformance.deviation import check
from fixtures.peers import FakeCluster
from fixtures.tls import ClientCredentials, TLSSession

from .admittance import TLS12, TLS13
from .under_test import Daemon

LIMIT = 10.0
TOLERANCE = 1.0
#: More connections than the daemon's backlog of 10.
CROWD = 30


def client_hello(daemon: Daemon, version: str) -> bytes:
    """What a client with the right key says first."""
    with ClientCredentials(b"lrmd", daemon.key) as credentials:
        session = TLSSession(credentials, priority=f"{version}:+DHE-PSK")
        session.start()
        return session.data_to_send()


class Dawdler:
    """A client that does not finish its handshake, and when the daemon has enough of it.

    Attributes:
        said: what it does, for people.
        at_once: what it sends first.
        one_by_one: what it sends then, a byte each second.
    """

    def __init__(self, said: str, at_once: bytes = b"", one_by_one: bytes = b"") -> None:
        self.said = said
        self._at_once = at_once
        self._one_by_one = one_by_one

    async def connect(self, daemon: Daemon) -> None:
        self._begun = time.monotonic()
        self._reader, self._writer = await asyncio.open_connection(daemon.host, daemon.port)
        self._connected = time.monotonic()
        self._writer.write(self._at_once)

    async def until_closed(self, daemon: Daemon) -> tuple[float, float] | None:
        """Within which documented seconds from accept the end came; None if it did not.

        The daemon accepted it at some time between the call that connects and its return.
        """
        trickling = asyncio.create_task(self._trickle(daemon.seconds(1)))
        try:
            async with asyncio.timeout(daemon.seconds(LIMIT + 3 * TOLERANCE) + daemon.haste):
                while await self._reader.read(65536):
                    pass
        except ConnectionResetError:
            pass  # what it sent last was not read any more
        except TimeoutError:
            return None
        finally:
            trickling.cancel()
            self._writer.transport.abort()
        ended = time.monotonic()
        return (ended - self._connected) / daemon.pace, (ended - self._begun) / daemon.pace

    async def _trickle(self, pause: float) -> None:
        for byte in self._one_by_one:
            self._writer.write(bytes([byte]))
            await asyncio.sleep(pause)


async def serve_meanwhile(daemon: Daemon, client: FakeCluster) -> None:
    """Ask *client*'s daemon for a sign of life until the time for the others is over."""
    end = time.monotonic() + daemon.seconds(LIMIT + TOLERANCE)
    while time.monotonic() < end:
        reply = await client.poke()
        check(reply.rc == 0, expected="other clients are served meanwhile", actual=f"{reply}")
        await asyncio.sleep(daemon.seconds(1))


@pytest.mark.waits(13)
@pytest.mark.requirement("TLS-025", "TLS-026", "TLS-028", "TLS-038")
@pytest.mark.killed_by("auth_without_limit", "auth_limit_extended", "auth_limit_after_success")
async def test_who_does_not_finish_the_handshake_is_sent_away_after_10_s(daemon: Daemon) -> None:
    hello = client_hello(daemon, TLS13)
    half = hello[: len(hello) // 2]
    dawdlers = [
        Dawdler("one byte", b"\x16"),
        Dawdler("half a ClientHello", half),
        Dawdler("a TLS 1.3 ClientHello", hello),
        Dawdler("a TLS 1.2 ClientHello", client_hello(daemon, TLS12)),
        Dawdler("a byte each second", b"", hello),
        Dawdler("half, then a byte each second", half, hello[len(half) :]),
        *(Dawdler(f"nothing, number {number}") for number in range(CROWD)),
    ]
    async with daemon.client("silent") as silent, daemon.client("busy") as busy:
        await busy.register()
        for dawdler in dawdlers:
            await dawdler.connect(daemon)
        *times, _ = await asyncio.gather(
            *(dawdler.until_closed(daemon) for dawdler in dawdlers), serve_meanwhile(daemon, busy)
        )
        late = TOLERANCE + daemon.haste / daemon.pace
        wrong = {
            dawdler.said: elapsed
            for dawdler, elapsed in zip(dawdlers, times, strict=True)
            if elapsed is None or elapsed[1] < LIMIT - TOLERANCE or elapsed[0] > LIMIT + late
        }
        check(not wrong, expected="all ended after 10±1 s, whatever they said", actual=f"{wrong}")
        # It finished its handshake before the others began to wait.
        reply = await silent.register()
        check(reply.rc == 0, expected="who finished the handshake may stay", actual=f"{reply}")


@pytest.mark.requirement("TLS-025")
async def test_who_leaves_before_the_handshake_is_over_is_forgotten(daemon: Daemon) -> None:
    hello = client_hello(daemon, TLS13)
    for sent in (b"", hello[:20], hello):
        reader, writer = await asyncio.open_connection(daemon.host, daemon.port)
        writer.write(sent)
        writer.write_eof()
        # Whatever is said to it, the end follows: nobody waits for the limit.
        async with asyncio.timeout(daemon.seconds(LIMIT / 2) + daemon.haste):
            while await reader.read(65536):
                pass
        writer.close()
