# SPDX-License-Identifier: GPL-2.0-or-later
"""One look at somebody else's daemon before the tests: is it there, and is the key right?

Without it, a wrong address or key would look like a daemon that fails every test.
"""

from __future__ import annotations

import asyncio

from containers.errors import EnvironmentProblem
from containers.targets import Target
from fixtures.peers import ConnectionEnded, FakeCluster, HandshakeFailed


def greet(target: Target, key: bytes) -> None:
    """Register with the daemon of a ``host:`` target, and take leave.

    Raises:
        EnvironmentProblem: nobody listens there, or whoever does refuses the key or the protocol.
    """
    asyncio.run(_greet(target, key))


async def _greet(target: Target, key: bytes) -> None:
    place = f"{target.address} port {target.port}"
    try:
        async with FakeCluster(target.address, target.port, key=key) as client:
            await client.register()
    except HandshakeFailed as error:
        raise EnvironmentProblem(
            f"whoever listens on {place} refuses the key of --authkey ({error.ending}); "
            "is it a copy of the host's /etc/pacemaker/authkey?"
        ) from error
    except ConnectionEnded as error:
        raise EnvironmentProblem(
            f"the daemon on {place} takes the key but does not answer: {error}"
        ) from error
    except OSError as error:  # refused, unreachable, no such name, or no answer in time
        raise EnvironmentProblem(f"no daemon answers on {place}: {error}") from error
