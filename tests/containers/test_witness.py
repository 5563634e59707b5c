# SPDX-License-Identifier: GPL-2.0-or-later
"""The record that a witness resource keeps."""

from __future__ import annotations

from typing import Any, cast

from containers.node import File, RemoteNode
from containers.witness import LOG, Act, acts_on

WRITTEN = b"""\
1700000000.250000000 w1 start 0
1700000001.500000000 w2 start 0
1700000002.000000000 w1 stop 1
"""


class Host(RemoteNode):
    """A host that holds one file."""

    def read(self, path: str) -> bytes | None:
        return self.files[path].content if path in self.files else None


def host(log: bytes | None) -> Host:
    files = {} if log is None else {LOG: File(log)}
    return Host("r1", image="", network=cast(Any, None), address="", files=files)


def test_acts_are_told_in_order_for_one_resource() -> None:
    assert acts_on(host(WRITTEN), "w1") == [
        Act(1700000000.25, "r1", "w1", "start", 0),
        Act(1700000002.0, "r1", "w1", "stop", 1),
    ]


def test_where_nothing_was_done_there_is_nothing_to_tell() -> None:
    assert acts_on(host(WRITTEN), "w3") == []
    assert acts_on(host(b""), "w1") == []
    assert acts_on(host(None), "w1") == []
