# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is let in by a daemon, and who is turned away: what many tests ask."""

from __future__ import annotations

from collections.abc import Mapping

from fixtures.peers import EndingKind, FakeCluster, HandshakeFailed

from .under_test import Daemon

#: Ways to turn a client away that a requirement allows: the daemon ends it, however.
TURNED_AWAY = {EndingKind.CLOSE_NOTIFY, EndingKind.FATAL_ALERT, EndingKind.FIN, EndingKind.RST}

TLS13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-KX-ALL"
TLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL"


async def refused(client: FakeCluster) -> bool:
    """Whether the daemon turned *client* away in its handshake."""
    try:
        async with client:
            return False
    except HandshakeFailed as failure:
        return failure.ending.kind in TURNED_AWAY


async def admitted(client: FakeCluster) -> bool:
    """Whether the daemon opened a session for *client*; False if it turned it away.

    Raises:
        HandshakeFailed: the handshake ended in another way.
    """
    try:
        async with client:
            return (await client.register()).rc == 0
    except HandshakeFailed as failure:
        if failure.ending.kind not in TURNED_AWAY:
            raise
        return False


async def let_in(daemon: Daemon, keys: Mapping[str, bytes]) -> set[str]:
    """Which of these *keys*, by name, open a session."""
    return {name for name, key in keys.items() if await admitted(daemon.client(name, key=key))}
