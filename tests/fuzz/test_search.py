# SPDX-License-Identifier: GPL-2.0-or-later
"""What is drawn, how it is made small, how it is kept; no daemon takes part."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.daemon.fuzz.findings import Finding, read_steps, write_steps
from conformance.daemon.fuzz.search import search
from conformance.daemon.fuzz.steps import (
    INCOMPLETE,
    JOINED,
    NO_RESOURCE_ID,
    TOO_LARGE,
    TWO_RESOURCES,
    WRONG_MAGIC,
    WRONG_SIZES,
    WRONG_TRUE_SIZE,
    Ask,
    Half,
    Joined,
    Leave,
    RawFrame,
    Records,
    Step,
    Xml,
)

_PRINT_DIGEST = """
import hashlib, sys
sys.path.insert(0, ".")
from tests.fuzz.test_search import drawn
print(hashlib.sha256(repr(drawn(7)).encode()).hexdigest())
"""
ROOT = Path(__file__).parents[2]


def drawn(seed: int, avoid: Sequence[str] = ()) -> list[tuple[Step, ...]]:
    """The sequences of one round."""
    seen: list[tuple[Step, ...]] = []
    search(lambda steps: seen.append(tuple(steps)), seed, count=60, avoid=avoid)
    return seen


def test_same_seed_draws_the_same_steps() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


@pytest.mark.parametrize("imports", ["", "import docker, fixtures.capture, reports.html"])
def test_same_seed_draws_the_same_steps_in_every_process(imports: str) -> None:
    def digest(program: str) -> str:
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert digest(imports + _PRINT_DIGEST) == digest(_PRINT_DIGEST)


def test_steps_are_kept_and_read_again(tmp_path: Path) -> None:
    for number, steps in enumerate(drawn(3)):
        path = tmp_path / f"{number}.json"
        write_steps(path, steps, target="fake")
        assert read_steps(path) == list(steps)


@pytest.mark.parametrize(
    "text", ["[]", '{"format": 2, "steps": []}', '{"format": 1, "steps": [{"step": "Dance"}]}']
)
def test_what_holds_no_steps_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "steps.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"no sequence of steps|no such step"):
        read_steps(path)


def test_traits_to_be_avoided_are_not_drawn() -> None:
    traits = {trait for steps in drawn(5) for step in steps for trait in step.traits()}
    assert {INCOMPLETE, WRONG_SIZES, WRONG_TRUE_SIZE, TOO_LARGE} <= traits
    avoided = drawn(5, avoid=[INCOMPLETE, WRONG_TRUE_SIZE])
    left = {trait for steps in avoided for step in steps for trait in step.traits()}
    assert not left & {INCOMPLETE, WRONG_TRUE_SIZE}
    assert left


@pytest.mark.parametrize(
    ("step", "trait"),
    [
        (Xml(text=b'<x lrmd_op="lrmd_rsc_register"><lrmd_rsc/></x>'), NO_RESOURCE_ID),
        (Xml(text=b'<x lrmd_op="lrmd_rsc_register"><lrmd_rsc'), NO_RESOURCE_ID),
        (Xml(text=b'<x lrmd_op="lrmd_rsc_register"/>'), NO_RESOURCE_ID),
        (
            Xml(text=b'<x lrmd_op="lrmd_rsc_register"><lrmd_rsc lrmd_rsc_id="a"/><lrmd_rsc/></x>'),
            TWO_RESOURCES,
        ),
        (
            RawFrame(text=b"<x/>", compress=True, changes=(("payload_uncompressed", 6),)),
            WRONG_TRUE_SIZE,
        ),
        (RawFrame(text=b"<x/>", changes=(("payload_offset", 39),)), WRONG_SIZES),
        (RawFrame(text=b"<x/>", changes=(("size_total", 2**31),)), TOO_LARGE),
        (RawFrame(text=b"<x/>", changes=(("size_total", 46),)), INCOMPLETE),
        (RawFrame(text=b"<x/>", changes=(("magic", 1),)), WRONG_MAGIC),
        (Half(size=3), INCOMPLETE),
        (Joined(), JOINED),
        (Records(), INCOMPLETE),
    ],
)
def test_what_is_wrong_about_a_step_is_named(step: Step, trait: str) -> None:
    assert trait in step.traits()


@pytest.mark.parametrize(
    "step",
    [
        Xml(text=b'<x lrmd_op="lrmd_rsc_register"><lrmd_rsc lrmd_rsc_id="a"/></x>'),
        Xml(text=b"garbage"),
        RawFrame(text=b"<x/>", compress=True),
        RawFrame(text=b"<x/>", changes=(("id", 2**64 - 1), ("flags", 1))),
        Half(size=3, then="drop"),
    ],
)
def test_nothing_is_said_to_be_wrong_about_a_right_step(step: Step) -> None:
    assert not step.traits()


def test_what_is_found_is_made_small() -> None:
    def play(steps: Sequence[Step]) -> Finding | None:
        for index, step in enumerate(steps):
            left = isinstance(step, Leave) and step.how == "reset"
            if left and any(isinstance(each, Ask) for each in steps[:index]):
                return Finding("died", index, step.label, "as planted")
        return None

    found = search(play, 1, count=200)
    assert found is not None
    assert [type(step) for step in found.steps] == [Ask, Leave]


def test_what_was_seen_before_is_no_news() -> None:
    def play(steps: Sequence[Step]) -> Finding | None:
        return Finding("died", 0, "Ask", "as planted")

    assert search(play, 1, count=5, seen=[("died", "Ask")]) is None


def test_trouble_of_the_harness_ends_the_search_at_once() -> None:
    calls = 0

    def play(steps: Sequence[Step]) -> Finding | None:
        nonlocal calls
        calls += 1
        raise OSError("no engine")

    with pytest.raises(OSError, match="no engine"):
        search(play, 1, count=50)
    assert calls == 1
