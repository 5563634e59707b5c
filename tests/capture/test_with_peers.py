# SPDX-License-Identifier: GPL-2.0-or-later
"""The recorder on the real peers, over loopback."""

from pathlib import Path

import pytest

from fixtures.capture import Recorder
from fixtures.peers import FakeCluster, FakeRemote, HandshakeFailed, Tap

from .helpers import KEY, needs_tshark, tshark


async def record_a_poke(recorder: Recorder) -> int:
    """Register, poke, leave; both ends tapped. The port."""

    def taps(label: str) -> list[Tap]:
        return [recorder.tap(label)]

    async with FakeRemote(KEY, taps=taps) as remote:
        client = FakeCluster(remote.host, remote.port, key=KEY, taps=[recorder.tap("cluster")])
        await client.connect()
        await client.register()
        await client.poke()
        await client.close()
        await remote.close()
        return remote.port


async def test_the_transcript_tells_the_story_of_both_ends(tmp_path: Path) -> None:
    recorder = Recorder()
    await record_a_poke(recorder)
    recorder.write(tmp_path)
    text = (tmp_path / "transcript.txt").read_text()
    for number, request, reply in (("1", "-->", "<--"), ("2", "<--", "-->")):
        lines = [line[13:] for line in text.splitlines() if f"[{number}]" in line]
        assert lines[0].startswith(f"[{number}] opened: ")
        assert lines[1].startswith(f"[{number}] {request} request  register  ")
        assert lines[2].startswith(f"[{number}] {reply} reply  register  ")
        assert lines[3].startswith(f"[{number}] {request} request  lrmd_rsc_poke  ")
        assert lines[-1].startswith(f"[{number}] closed: ")


@needs_tshark
async def test_the_capture_can_be_read_on_any_port(tmp_path: Path) -> None:
    recorder = Recorder()
    port = await record_a_poke(recorder)
    capture = recorder.write(tmp_path)[0]
    decode = ("-d", f"tcp.port=={port},tls")
    shown = tshark(capture, *decode, "-q", "-z", "follow,tls,ascii,0")
    assert 'lrmd_op="register"' in shown
    assert 'lrmd_op="lrmd_rsc_poke"' in shown
    assert tshark(capture, *decode, "-Y", "tcp.analysis.flags || _ws.malformed") == ""
    streams = tshark(capture, *decode, "-T", "fields", "-e", "tcp.stream").split()
    assert set(streams) == {"0"}, "the connection was tapped at both ends, and is there once"


async def test_a_refused_key_leaves_evidence_too(tmp_path: Path) -> None:
    recorder = Recorder()
    async with FakeRemote(KEY) as remote:
        client = FakeCluster(remote.host, remote.port, key=b"wrong", taps=[recorder.tap("cluster")])
        with pytest.raises(HandshakeFailed):
            await client.connect()
    recorder.write(tmp_path)
    assert (
        "closed: close_notify during the TLS handshake" in (tmp_path / "transcript.txt").read_text()
    )
