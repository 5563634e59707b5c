# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a remote host's daemon listens, and waiting until it does."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fake_host import Api, Remote

from containers.errors import WaitTimeout
from containers.node import Process, Ran

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue
   0: 00000000:0C31 00000000:0000 0A 00000000:00000000
   1: 0B00007F:8DFB 00000000:0000 0A 00000000:00000000
   2: 0900000A:0C31 0100000A:9C40 01 00000000:00000000
   3: 0100007F:0016 00000000:0000 0A 00000000:00000000
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0F9F 00000000000000000000000000000000:0000 0A
"""


class Listening(Remote):
    """A host whose ports open one look after another."""

    def __init__(self, *tables: str, **options: Any) -> None:
        super().__init__("r1", "i", cast(Any, None), "10.0.0.9", **options)
        self.tables = list(tables)

    def run(self, command: Any, *, check: bool = True) -> Ran:
        table = self.tables.pop(0) if len(self.tables) > 1 else self.tables[0]
        return Ran("cat", 0, table)

    def log_tail(self, lines: int = 12) -> str:
        return "no key found"


def test_ports_are_those_that_listen_but_for_the_engines_own() -> None:
    assert Listening(TCP).listening() == [22, 3121, 3999]
    assert Listening("").listening() == []


def test_listeners_tell_their_addresses() -> None:
    assert Listening(TCP).listeners() == [("0.0.0.0", 3121), ("127.0.0.1", 22), ("::", 3999)]  # noqa: S104


def test_daemon_is_awaited_until_its_port_is_open(api: Api) -> None:
    node = Listening("", "", TCP)

    node.wait_listening()

    assert len(node.tables) == 1


def test_port_that_stays_closed_is_told_with_the_others_and_the_log() -> None:
    with pytest.raises(WaitTimeout) as caught:
        Listening(TCP).wait_listening(3122, 5)

    assert "pacemaker-remoted on r1 listening on port 3122" in str(caught.value)
    assert "last seen: listening ports [22, 3121, 3999]" in str(caught.value)
    assert "no key found" in str(caught.value)


@pytest.mark.parametrize(("port", "opens"), [("3999", True), ("3998", False)])
def test_booted_host_listens_where_its_variables_say(api: Api, port: str, opens: bool) -> None:
    node = Listening("", TCP, environment={"PCMK_remote_port": port})

    if opens:
        node.boot()
    else:
        with pytest.raises(WaitTimeout):
            node.boot()
    assert api.boots == 1
    assert isinstance(node.process, Process)
