# SPDX-License-Identifier: GPL-2.0-or-later
"""Text: what agents print and clients send along crosses the wire unchanged."""

from __future__ import annotations

import pytest

from conformance.deviation import check
from fixtures.wire import ExecStatus

from .scripted import Resources, printed, script

#: Text that XML must escape, or that looks as if it had been.
ENTITIES = "<a b=\"c\">&amp;&#10;&lt;![CDATA[ ]]> 'd' & %s \\ ; : ="


def shortened(text: str | None) -> str:
    text = str(text)
    return text if len(text) <= 200 else f"{text[:100]}... ({len(text)} characters)"


@pytest.mark.requirement("EXE-031")
@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        pytest.param(script(stdout=b"on stdout\n"), ["on stdout"], id="stdout"),
        pytest.param(script(stderr=b"on stderr\n"), ["on stderr"], id="stderr"),
        pytest.param(
            script(stdout=b"on stdout\n", stderr=b"on stderr\n"),
            ["on stderr"],
            marks=pytest.mark.killed_by("stdout_preferred"),
            id="both",
        ),
        pytest.param(script(), [], id="neither"),
        pytest.param(
            script(stdout=ENTITIES.encode()),
            [ENTITIES],
            marks=pytest.mark.killed_by("ampersands_doubled"),
            id="entities",
        ),
    ],
)
async def test_output_is_told(
    resources: Resources, parameters: dict[str, str], told: list[str]
) -> None:
    resource = await resources.add()
    end = await resource.run("start", parameters)
    check(printed(end) == told, expected=f"output {told}", actual=str(end))


@pytest.mark.requirement("EXE-031")
@pytest.mark.killed_by("output_cut")
async def test_output_of_a_megabyte_is_told_whole(resources: Resources) -> None:
    resource = await resources.add()
    end = await resource.run("start", script(stdout_fill=2**20, stdout=b"the end"))
    wanted = "x" * 2**20 + "the end"
    check(
        (end.exit_code, end.output) == (0, wanted),
        expected=shortened(wanted),
        actual=shortened(end.output),
    )


@pytest.mark.requirement("EXE-031")
@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        pytest.param(
            b"ocf-exit-reason:no such file\n",
            "no such file",
            marks=pytest.mark.killed_by("exit_reason_lost"),
            id="one",
        ),
        pytest.param(
            b"ocf-exit-reason:first\nsomething else\nocf-exit-reason:second <&>\nmore\n",
            "second <&>",
            marks=pytest.mark.killed_by("exit_reason_first", "exit_reason_lost"),
            id="the last of two",
        ),
        pytest.param(b"no reason given\n", None, id="none"),
        pytest.param(b"ocf-exit-reason:\n", None, id="empty"),
    ],
)
async def test_exit_reason_is_told(resources: Resources, stderr: bytes, reason: str | None) -> None:
    resource = await resources.add()
    end = await resource.run("start", script(exit_code=1, stderr=stderr))
    check(
        (end.exit_code, end.exit_reason) == (1, reason),
        expected=f"exit code 1, reason {reason!r}",
        actual=str(end),
    )


@pytest.mark.requirement("EXE-008")
@pytest.mark.parametrize(
    "userdata",
    [
        pytest.param("3:9:0:11111111-2222", id="transition key"),
        pytest.param(ENTITIES, marks=pytest.mark.killed_by("ampersands_doubled"), id="entities"),
        pytest.param(" leading, double  and trailing ", id="spaces"),
        pytest.param(
            "x" * 200_000 + "<end>", marks=pytest.mark.killed_by("long_userdata_cut"), id="200 kB"
        ),
    ],
)
@pytest.mark.killed_by("userdata_altered")
async def test_userdata_comes_back_unchanged(resources: Resources, userdata: str) -> None:
    resource = await resources.add()
    end = await resource.run("monitor", userdata=userdata)
    check(end.userdata == userdata, expected=shortened(userdata), actual=shortened(end.userdata))


@pytest.mark.requirement("EXE-041")
@pytest.mark.killed_by("non_ascii_as_octal", "userdata_altered", "exit_reason_lost")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("caf\u00e9 b\u00e4r", id="apart"),
        pytest.param(
            "\u00e9\u00e9 \u5b57\u5b57",
            marks=pytest.mark.killed_by("adjacent_non_ascii_breaks"),
            id="adjacent",
        ),
        pytest.param(
            "\u5b57\u5b57 \"quoted\" <&> 'too' \U0001f600",
            marks=pytest.mark.killed_by("adjacent_non_ascii_breaks"),
            id="with quotes and markup",
        ),
    ],
)
async def test_utf_8_is_unchanged_in_both_directions(resources: Resources, text: str) -> None:
    resource = await resources.add()
    parameters = {"text": text, **script(exit_code=1, stderr=b"ocf-exit-reason:" + text.encode())}
    end = await resource.run("start", parameters, userdata=text)
    told = (end.userdata, end.exit_reason, end.parameters.get("text"))
    check(
        told == (text,) * 3,
        expected=f"{text!r} as userdata, exit reason and parameter",
        actual=f"{told}",
    )
    shown = (await resource.run("environment", {"text": text})).output
    check(
        f"OCF_RESKEY_text={text}" in str(shown),
        expected=f"{text!r} as it is in the agent's environment",
        actual=f"{shown}",
    )


@pytest.mark.requirement("EXE-042")
@pytest.mark.parametrize(
    ("sent", "allowed"),
    [
        pytest.param(
            "a\tb",
            {"a\tb", "a b", "a    b"},
            marks=pytest.mark.killed_by("tabs_lost", "userdata_altered"),
            id="TAB",
        ),
        pytest.param(
            "a\nb",
            {"a\nb", "a b", "a\\nb"},
            marks=pytest.mark.killed_by("newlines_lost", "userdata_altered"),
            id="newline",
        ),
    ],
)
async def test_white_space_is_kept_or_normalised(
    resources: Resources, sent: str, allowed: set[str]
) -> None:
    resource = await resources.add()
    end = await resource.run("start", userdata=sent)
    check(end.userdata in allowed, expected=f"one of {allowed}", actual=repr(end.userdata))


@pytest.mark.requirement("EXE-046")
@pytest.mark.killed_by("unfit_output_costs_notify")
@pytest.mark.parametrize(
    "output",
    [
        pytest.param(b"Latin-1: \xe9\n", id="Latin-1"),
        pytest.param(b"\xff\xfe\xc3(\xed\xa0\x80\n", id="no UTF-8"),
        pytest.param(b"colour \x1b[31m and bell \x07\n", id="control characters"),
    ],
)
async def test_whatever_the_output_the_end_is_told(resources: Resources, output: bytes) -> None:
    resource = await resources.add()
    call_id = await resource.ask("start", script(exit_code=7, stdout=output))
    after = await resource.ask("monitor")
    # The second can only end after the first, so it bounds the wait for that.
    await resources.client.completion(after)
    end = await resources.client.completion(call_id, timeout=resources.daemon.seconds(1))
    check(
        (end.exit_code, end.status) == (7, ExecStatus.DONE),
        expected="exit code 7, status done",
        actual=str(end),
    )
