# SPDX-License-Identifier: GPL-2.0-or-later
"""One host: its commands, files, power and daemons."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
from docker.errors import APIError
from fake_host import Api, Remote, refusal, remote

from containers.errors import EnvironmentProblem, WaitTimeout
from containers.node import KILLED, LOG_FILE, ClusterNode, CommandFailed, File, NodeDown, Ran


@pytest.fixture
def node(api: Api) -> Remote:
    return remote()


# --- Commands


@pytest.mark.parametrize(
    ("command", "code", "output", "error"),
    [
        (["printf", "%s", "two words"], 0, "two words", ""),
        ("echo out; echo err >&2; exit 3", 3, "out\n", "err\n"),
        (["false"], 1, "", ""),
        ("printf '\\377'", 0, "\N{REPLACEMENT CHARACTER}", ""),
        ("printf '\\036ended:9;'; exit 4", 4, "\x1eended:9;", ""),
    ],
)
def test_command_is_run_to_its_end(
    node: Remote, command: str | list[str], code: int, output: str, error: str
) -> None:
    ran = node.run(command, check=False)

    assert (ran.exit_code, ran.output, ran.error) == (code, output, error)


def test_command_that_is_killed_has_the_status_of_a_shell(node: Remote) -> None:
    assert node.run("kill -9 $$", check=False).exit_code == KILLED


def test_command_that_is_not_there_fails_as_in_a_shell(node: Remote) -> None:
    assert node.run(["no-such-program"], check=False).exit_code == 127


def test_failed_command_names_the_node_the_command_and_what_it_said(node: Remote) -> None:
    with pytest.raises(CommandFailed) as caught:
        node.run(["sh", "-c", "echo no such resource >&2; exit 5"])

    assert str(caught.value) == (
        "on r1, \"sh -c 'echo no such resource >&2; exit 5'\" ended with 5: no such resource"
    )
    assert caught.value.ran.exit_code == 5
    assert isinstance(caught.value, EnvironmentProblem)


def test_failed_command_that_complains_on_standard_output_is_quoted_too(node: Remote) -> None:
    with pytest.raises(CommandFailed, match=r"ended with 1: really$"):
        node.run("echo really; exit 1")


def test_host_that_is_down_runs_nothing(node: Remote, api: Api) -> None:
    api.started_at = None

    with pytest.raises(NodeDown, match="r1 does not run 'true': container c1 is not running"):
        node.run("true")


def test_commands_share_a_shell(node: Remote, api: Api) -> None:
    assert [node.run(f"echo {n}").output for n in range(3)] == ["0\n", "1\n", "2\n"]
    assert len(api.execs) == 1


def test_commands_at_the_same_time_do_not_wait_for_each_other(node: Remote, api: Api) -> None:
    fifo = api.disk / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(node.run, "cat fifo")
        node.run("echo both >fifo")
        assert reading.result(10).output == "both\n"
    assert len(api.execs) == 2


def test_command_gets_no_input_and_cannot_end_the_shell(node: Remote, api: Api) -> None:
    assert node.run(["cat"]).output == ""
    assert node.run(["exit", "3"], check=False).exit_code == 3
    assert len(api.execs) == 1


def test_large_output_arrives_whole(node: Remote) -> None:
    ran = node.run("seq 20000; seq 20000 >&2")
    assert ran.output == ran.error == "".join(f"{n}\n" for n in range(1, 20001))


def test_output_that_was_cut_off_is_not_taken_for_a_short_one(
    node: Remote, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_bad_line(command: list[str], directory: Path) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(b"\1\0\0\0\0\0\0\2x\n")
        return ours

    with monkeypatch.context() as patch:
        patch.setattr(api, "lines", open_bad_line)
        with pytest.raises(NodeDown, match="r1 does not run 'echo x': it went down"):
            node.run("echo x", check=False)
    assert node.run("echo again").output == "again\n"
    assert len(api.execs) == 2


def test_shells_do_not_outlive_the_power(node: Remote, api: Api) -> None:
    node.run("true")
    node.power_off()
    api.start("c1")
    assert node.run("echo up").output == "up\n"


# --- Files


def test_file_is_placed_with_its_mode_and_missing_directories(node: Remote, api: Api) -> None:
    node.write("/etc/pacemaker/authkey", File(b"\0key\xff", 0o640))

    path = api.disk / "etc/pacemaker/authkey"
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"\0key\xff", 0o640)
    assert node.read("/etc/pacemaker/authkey") == b"\0key\xff"


def test_file_that_is_not_there_is_none(node: Remote) -> None:
    assert node.read("/etc/nothing") is None


def test_log_is_empty_until_there_is_one(node: Remote) -> None:
    assert (node.log(), node.log_tail()) == ("", "")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the node's log is: its commands see the whole disk of this machine."""
    monkeypatch.setattr("containers.node.Node.log_file", str(tmp_path / "its.log"))
    return tmp_path / "its.log"


def test_log_is_read_whole_and_by_its_end(node: Remote, log: Path) -> None:
    lines = [f"line {n}" for n in range(20)]
    log.write_bytes("\n".join(lines).encode() + b" \xff\n")

    assert node.log().splitlines()[0] == "line 0"
    assert node.log_tail(2).splitlines() == ["line 18", "line 19 \N{REPLACEMENT CHARACTER}"]
    assert len(node.log_tail().splitlines()) == 12


def test_log_is_read_from_where_it_was(node: Remote, log: Path) -> None:
    assert node.log_size() == 0
    log.write_text("before\n")
    size = node.log_size()
    log.write_text("before\nafter\n")

    assert node.log(size) == "after\n"


def test_log_of_a_host_that_is_down_is_read_all_the_same(node: Remote, api: Api) -> None:
    node.write(LOG_FILE, File(b"before\nlast words\n"))
    node.power_off()

    assert (node.log(), node.log(7)) == ("before\nlast words\n", "last words\n")


# --- Power


def test_power_is_cut_at_once_and_cutting_it_twice_is_no_error(node: Remote, api: Api) -> None:
    assert node.powered

    node.power_off()
    node.power_off()

    assert not node.powered
    assert node.boot_time() is None


def test_power_that_cannot_be_cut_is_an_error(
    node: Remote, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> None:
        raise refusal(500)

    monkeypatch.setattr(api, "kill", refuse)

    with pytest.raises(APIError):
        node.power_off()


# --- Daemons


def test_daemon_is_started_with_arguments_and_the_nodes_variables(api: Api) -> None:
    node = remote(environment={"PCMK_remote_port": "3999", "PCMK_debug": "no"})

    node.start_daemon(["--verbose"], {"PCMK_debug": "yes"})

    (command, environment) = api.execs["e1"]
    assert command == ["/usr/lib/pacemaker-conformance/start-remote-node", "--verbose"]
    assert environment == {
        "PCMK_logfile": LOG_FILE,
        "PCMK_remote_port": "3999",
        "PCMK_debug": "yes",
    }


def test_cluster_node_starts_a_clusters_daemons(api: Api) -> None:
    class Clustered(ClusterNode):
        container_id = "c1"

    Clustered("n1", "i", cast(Any, None), "10.0.0.9").start_daemon()

    assert api.execs["e1"][0] == ["/usr/lib/pacemaker-conformance/start-cluster-node"]


@pytest.mark.parametrize("status", [0, 100, 143])
def test_exit_status_is_the_daemons_own(node: Remote, api: Api, status: int) -> None:
    process = node.start_daemon()
    assert (process.exit_status, process.running) == (None, True)

    api.statuses["e1"] = status

    assert (process.exit_status, process.running) == (status, False)
    assert process.wait(1) == status


def test_daemon_dies_with_its_host(node: Remote, api: Api) -> None:
    process = node.start_daemon()

    node.power_off()

    assert (process.exit_status, process.running) == (KILLED, False)


def test_daemon_of_an_earlier_boot_stays_dead(node: Remote, api: Api) -> None:
    first = node.start_daemon()
    node.power_off()
    api.start("c1")
    second = node.start_daemon()

    assert (first.exit_status, second.exit_status) == (KILLED, None)
    assert node.process is second


def test_daemon_that_does_not_end_is_told_with_its_log(node: Remote, log: Path) -> None:
    process = node.start_daemon()
    log.write_text("still busy\n")

    with pytest.raises(WaitTimeout) as caught:
        process.wait(3)

    assert "end of the daemon on r1: not seen within 3.0 s" in str(caught.value)
    assert "last seen: still running" in str(caught.value)
    assert "still busy" in str(caught.value)


def test_signal_goes_to_a_daemon_that_runs(node: Remote, api: Api) -> None:
    sent: list[str] = []

    class Watched(Remote):
        def run(self, command: Any, *, check: bool = True) -> Ran:
            sent.append(command)
            return Ran(command, 0, "")

    watched = Watched("r1", "i", cast(Any, None), "10.0.0.9")
    process = watched.start_daemon()
    process.signal("TERM")
    api.statuses["e1"] = 0

    with pytest.raises(EnvironmentProblem, match="the daemon on r1 has ended already"):
        process.signal("KILL")
    assert sent == ["kill -TERM $(cat /run/started.pid)"]
