# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose first process is the daemon."""

from __future__ import annotations

import subprocess
from typing import Any, cast

import pytest
from fake_host import Api

from containers.errors import EnvironmentProblem, WaitTimeout
from containers.node import KILLED
from containers.pid_one import PidOneNode

ORDER = "usr/lib/pacemaker-conformance/boot"


class PidOne(PidOneNode):
    """A node whose container is there already."""

    @property
    def container_id(self) -> str:
        return "c1"


@pytest.fixture
def node(api: Api) -> PidOne:
    return PidOne("p1", "image:1", cast(Any, None), "10.0.0.9", {"FROM_NODE": "1"})


def test_order_to_boot_sets_variables_and_arguments(node: PidOne, api: Api) -> None:
    node.start_daemon(["-p", "40 00"], {"QUOTED": "it's $5"})

    script = f'. {api.disk}/{ORDER}; printf "%s|" "$@" "$QUOTED" "$FROM_NODE" "$PCMK_logfile"'
    printed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)

    assert printed.stdout == "-p|40 00|it's $5|1||"


def test_daemon_is_not_started_by_an_exec(node: PidOne, api: Api) -> None:
    process = node.start_daemon()

    assert (process.running, api.execs) == (True, {})


def test_signal_goes_to_the_first_process(node: PidOne, api: Api) -> None:
    process = node.start_daemon()
    process.signal("TERM")

    assert (api.signals, process.exit_status) == (["TERM"], None)


def test_exit_status_is_that_of_the_container(node: PidOne) -> None:
    process = node.start_daemon()
    process.signal("KILL")

    assert process.wait(1) == KILLED
    with pytest.raises(EnvironmentProblem, match="p1 has ended already"):
        process.signal("TERM")


def test_waiting_for_a_daemon_that_lives_shows_its_log(node: PidOne, api: Api) -> None:
    (api.disk / "var/log").mkdir(parents=True)
    (api.disk / "var/log/pcmk-init.log").write_text("it lives\n")
    process = node.start_daemon()
    api.started_at = "09:00"

    with pytest.raises(WaitTimeout, match="still running"):
        process.wait(0)
