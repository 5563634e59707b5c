# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness's own daemon, right or wrong on purpose: how the tests of a daemon are tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from containers.node import AUTHKEY, File
from fixtures.peers import AUTH_TIMEOUT, CERTIFICATE_VARIABLES, FakeRemote, Misbehaviour, Release

from .under_test import Daemon

#: How long one documented second takes a fake daemon, in seconds.
PACE = 0.05


class FakeDaemon(Daemon):
    """The harness's own daemon; it answers at once or never, and its clocks run fast."""

    patience = 2.0
    pace = PACE

    def __init__(self, fake: FakeRemote, key: bytes) -> None:
        super().__init__(fake.host, fake.port, key)
        self._fake = fake

    async def alive(self) -> bool:
        return self._fake.exit_code is None

    async def terminate(self) -> None:
        self._fake.terminate()

    async def wait_exited(self, timeout: float) -> int:
        return await self._fake.wait_exited(timeout)

    async def listening(self) -> list[int]:
        return [self.port]

    async def close(self) -> None:
        await self._fake.close()


async def start_fake(
    key: bytes,
    misbehaviour: Misbehaviour,
    release: Release,
    variables: Mapping[str, str],
    arguments: Sequence[str],
    files: Mapping[str, File],
) -> FakeDaemon:
    """Start a fake daemon that finds these variables, arguments and files where it runs.

    What it does not know is skipped: such a test has no proof by a fake.
    """
    if arguments or set(variables) - CERTIFICATE_VARIABLES or files[AUTHKEY].content != key:
        pytest.skip("the fake daemon knows no arguments, and variables for certificates only")
    fake = FakeRemote(
        key,
        misbehaviour=misbehaviour,
        release=release,
        auth_timeout=AUTH_TIMEOUT * PACE,
        variables=variables,
        files={path: file.content for path, file in files.items()},
    )
    await fake.start()
    return FakeDaemon(fake, key)
