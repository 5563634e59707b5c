# SPDX-License-Identifier: GPL-2.0-or-later
"""The evidence of a test, as a whole."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP

from fixtures.capture import Recorder
from fixtures.tls import PACEMAKER_PRIORITY
from fixtures.wire import build_frame

from .helpers import (
    CLIENT,
    REPLY,
    REQUEST,
    SERVER,
    Direction,
    blocks,
    needs_tshark,
    options,
    packets,
    play,
    tshark,
)

TLS12_DHE_PSK = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-PSK"
TLS12_PSK = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK"
START = datetime(2026, 7, 30, 12, 0, 0, 250_000, UTC)


def recorder_with_a_clock() -> Recorder:
    """Each look at its clock is a millisecond later."""
    return Recorder(clock=itertools.count(5_000_000_000, 1_000_000).__next__, started=START)


def test_three_files_are_written(tmp_path: Path) -> None:
    recorder = Recorder()
    play(recorder.tap("cluster"))
    written = recorder.write(tmp_path / "evidence" / "test_x")
    assert [path.name for path in written] == [
        "capture.pcapng",
        "transcript.txt",
        "transcript.json",
    ]
    assert all(path.stat().st_size for path in written)


def test_no_connection_no_files(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.tap("never connected")
    assert recorder.write(tmp_path / "evidence") == []
    assert not (tmp_path / "evidence").exists()


def test_the_transcript_for_people(tmp_path: Path) -> None:
    recorder = recorder_with_a_clock()
    tap = recorder.tap("cluster")
    tap.opened(CLIENT, SERVER)
    tap.message(Direction.SENT, build_frame(REQUEST).header, REQUEST)
    tap.message(Direction.RECEIVED, build_frame(REPLY).header, REPLY)
    tap.note("first line\nsecond \x1b[2J line")
    tap.closed("FIN")
    recorder.write(tmp_path)

    # Two looks at the clock for opened and closed: one for the capture.
    assert (tmp_path / "transcript.txt").read_text() == (
        "to read: tshark -r capture.pcapng -d tcp.port==3121,tls -q -z follow,tls,ascii,0\n"
        "started 2026-07-30T12:00:00.250000+00:00; times in seconds since then, [connection]\n"
        "    0.002000 [1] opened: cluster, 127.0.0.1:40001 with 127.0.0.1:3121\n"
        "    0.003000 [1] --> request  register  message_id=1  client=suite  121 bytes\n"
        '                <lrmd_command t="lrmd" lrmd_op="register" lrmd_clientname="suite"'
        ' lrmd_remote_msg_id="1"\n'
        '                    lrmd_remote_msg_type="request"/>\n'
        "    0.004000 [1] <-- reply  register  message_id=1  call_id=12  rc=0  113 bytes\n"
        '                <lrmd_reply lrmd_op="register" lrmd_rc="0" lrmd_callid="12"'
        ' lrmd_remote_msg_id="1"\n'
        '                    lrmd_remote_msg_type="reply"/>\n'
        "    0.005000 [1] note: first line\n"
        "                second \\x1b[2J line\n"
        "    0.007000 [1] closed: FIN\n"
    )


def test_the_transcript_for_tools(tmp_path: Path) -> None:
    recorder = recorder_with_a_clock()
    tap = recorder.tap("cluster")
    tap.opened(("::1", 40001), ("::1", 3121))
    tap.message(Direction.RECEIVED, build_frame(REPLY).header, REPLY)
    tap.message(Direction.SENT, build_frame(b"").header, b"\xff<")
    recorder.write(tmp_path)

    transcript = json.loads((tmp_path / "transcript.json").read_text())
    assert transcript["format"] == 1
    assert transcript["started"] == "2026-07-30T12:00:00.250000+00:00"
    opened, reply, garbage = transcript["entries"]
    assert opened == {
        "time": 0.002,
        "wall": "2026-07-30T12:00:00.252000+00:00",
        "connection": 1,
        "kind": "opened",
        "text": "cluster, [::1]:40001 with [::1]:3121",
    }
    assert reply["kind"] == "message"
    assert reply["direction"] == "received"
    assert reply["facts"]["call_id"] == "12"
    assert reply["xml"] == REPLY.decode()
    assert reply["xml_size"] == len(REPLY)
    assert reply["header"]["size_total"] == 40 + len(REPLY) + 1
    assert reply["header"]["order"] == "little"
    assert garbage["xml"] == "\\xff<"
    assert garbage["facts"] == {}


def test_packets_have_the_wall_time_of_the_peer(tmp_path: Path) -> None:
    recorder = recorder_with_a_clock()
    play(recorder.tap("cluster"))
    recorder.write(tmp_path)
    times = [packet.time_ns for packet in packets((tmp_path / "capture.pcapng").read_bytes())]
    start = int((START - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000
    assert times[0] == start + 1_000_000
    assert times == sorted(times)


def test_secrets_come_before_all_packets_and_once(tmp_path: Path) -> None:
    recorder = Recorder()
    tap = recorder.tap("cluster")
    play(tap)
    for line in list(recorder.secrets):
        tap.secret(line)
    recorder.write(tmp_path)
    found = list(blocks((tmp_path / "capture.pcapng").read_bytes()))
    assert [block.kind for block in found[:4]] == [0x0A0D0D0A, 1, 10, 6]
    log = found[2].body
    assert log.count(b"CLIENT_TRAFFIC_SECRET_0 ") == 1
    assert b"SERVER_TRAFFIC_SECRET_0 " in log
    assert b"SECRET" not in (tmp_path / "transcript.json").read_bytes()


def test_connections_are_interfaces_and_merged_by_time(tmp_path: Path) -> None:
    recorder = recorder_with_a_clock()
    first, second = recorder.tap("FakeCluster"), recorder.tap("FakeRemote")
    first.opened(CLIENT, SERVER)
    second.opened(("127.0.0.1", 40002), SERVER)
    first.segment(Direction.SENT, b"\x16first")
    second.segment(Direction.SENT, b"\x16second")
    first.segment(Direction.RECEIVED, b"third")
    recorder.write(tmp_path)
    data = (tmp_path / "capture.pcapng").read_bytes()
    names = [options(block.body[8:])[2] for block in blocks(data) if block.kind == 1]
    assert names == [b"1 FakeCluster", b"2 FakeRemote"]
    payloads = [
        (packet.interface, bytes(IP(packet.data)[TCP].payload))
        for packet in packets(data)
        if IP(packet.data)[TCP].payload
    ]
    assert payloads == [(0, b"\x16first"), (1, b"\x16second"), (0, b"third")]


def test_a_connection_tapped_at_both_ends_is_captured_once(tmp_path: Path) -> None:
    recorder = Recorder()
    client, server = recorder.tap("client"), recorder.tap("server")
    client.opened(CLIENT, SERVER)
    server.opened(SERVER, CLIENT)
    client.segment(Direction.SENT, b"\x16hello")
    server.segment(Direction.RECEIVED, b"\x16hello")
    recorder.write(tmp_path)
    assert len(packets((tmp_path / "capture.pcapng").read_bytes())) == 4
    assert (tmp_path / "transcript.txt").read_text().count("opened") == 2


def test_a_full_recorder_counts_on(tmp_path: Path) -> None:
    recorder = Recorder(limit=1000)
    tap = recorder.tap("flood")
    tap.opened(CLIENT, SERVER)
    tap.segment(Direction.SENT, b"\x16" + bytes(899))
    for _ in range(3):
        tap.segment(Direction.SENT, bytes(2000))
    large = b'<a b="' + b"x" * 5000 + b'"/>'
    tap.message(Direction.SENT, build_frame(large).header, large)
    tap.closed("RST")
    recorder.write(tmp_path)

    *_, data, reset = (
        IP(packet.data)[TCP] for packet in packets((tmp_path / "capture.pcapng").read_bytes())
    )
    assert len(data.payload) == 900
    assert reset.ack == 1 + 900 + 3 * 2000
    text = (tmp_path / "transcript.txt").read_text()
    assert text.count("the recorder is full") == 1
    assert f"{len(large)} bytes  (200 kept)" in text
    [message] = [entry for entry in recorder.transcript.entries if entry.kind == "message"]
    assert message.xml == large[:200]


def test_a_tap_must_be_told_of_the_connection_first() -> None:
    tap = Recorder().tap("early")
    with pytest.raises(RuntimeError, match="opened"):
        tap.segment(Direction.SENT, b"x")
    with pytest.raises(RuntimeError, match="opened"):
        tap.closed("FIN")


def test_evidence_may_be_written_before_the_end_and_again(tmp_path: Path) -> None:
    recorder = Recorder()
    tap = recorder.tap("cluster")
    tap.opened(CLIENT, SERVER)
    recorder.write(tmp_path)
    early = len(packets((tmp_path / "capture.pcapng").read_bytes()))
    tap.segment(Direction.SENT, b"\x16")
    recorder.write(tmp_path)
    assert len(packets((tmp_path / "capture.pcapng").read_bytes())) == early + 1


@needs_tshark
@pytest.mark.parametrize("priority", [PACEMAKER_PRIORITY, TLS12_DHE_PSK, TLS12_PSK])
@pytest.mark.parametrize("as_server", [False, True])
def test_tshark_shows_the_xml_with_nothing_but_the_file(
    tmp_path: Path, priority: str, as_server: bool
) -> None:
    recorder = Recorder()
    play(recorder.tap("peer"), priority=priority, as_server=as_server)
    capture = recorder.write(tmp_path)[0]
    shown = tshark(capture, "-d", "tcp.port==3121,tls", "-q", "-z", "follow,tls,ascii,0")
    assert REQUEST.decode() in shown
    assert REPLY.decode() in shown


@needs_tshark
def test_tshark_finds_no_fault_with_the_packets(tmp_path: Path) -> None:
    recorder = Recorder()
    large = REQUEST.replace(b"suite", b"x" * 200_000)
    play(recorder.tap("one"), request=large, ending="FIN")
    play(recorder.tap("two"), client=("::1", 40002), server=("::1", 4000), ending="RST")
    play(recorder.tap("three"), client=("127.0.0.1", 40003), as_server=True)
    capture = recorder.write(tmp_path)[0]
    strict = ("-d", "tcp.port==4000,tls", "-o", "tcp.check_checksum:TRUE")
    strict += ("-o", "ip.check_checksum:TRUE")
    faults = "tcp.analysis.flags || tcp.checksum.status != 1 || ip.checksum.status == 0"
    assert tshark(capture, *strict, "-Y", f"{faults} || _ws.malformed") == ""
    resets = tshark(
        capture, *strict, "-Y", "tcp.flags.reset == 1", "-T", "fields", "-e", "ipv6.src"
    )
    assert resets.split() == ["::1"]
    assert (
        "tshark -r capture.pcapng -d tcp.port==3121,tls -d tcp.port==4000,tls"
        in (tmp_path / "transcript.txt").read_text()
    ), "the hint names every listener's port"
