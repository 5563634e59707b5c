# SPDX-License-Identifier: GPL-2.0-or-later
"""The record: written whole or not at all, read strictly."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.record import FORMAT, VERSION, RecordError, Run, load, save, write_atomically


def test_what_is_saved_is_loaded(run: Run, tmp_path: Path) -> None:
    save(run, tmp_path / "run.json")
    assert load(tmp_path / "run.json") == run


def test_file_says_what_it_is(run: Run, tmp_path: Path) -> None:
    save(run, tmp_path / "run.json")
    document = json.loads((tmp_path / "run.json").read_text())
    assert list(document)[:2] == ["format", "version"]
    assert (document["format"], document["version"]) == (FORMAT, VERSION)
    assert document["tests"][0]["verdict"] == "passed"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.characters(codec=None)))
def test_any_text_survives(run: Run, text: str) -> None:
    test = dataclasses.replace(run.tests[0], detail=text)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "run.json"
        save(dataclasses.replace(run, tests=(test,)), path)
        assert load(path).tests[0].detail == text


def test_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    write_atomically(path, "old")

    def broken(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _set(*keys: str | int, value: object) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


def _delete(*keys: str | int) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return change


DAMAGED = {
    "another format": (_set("format", value="x"), "is not the record of a conformance run"),
    "newer version": (_set("version", value=3), "is a record of version 3; only version 2"),
    "version as text": (_set("version", value="1"), "is a record of version '1'"),
    "missing field": (_delete("tests", 1, "again"), "tests[1].again is missing"),
    "field too many": (_set("tests", 0, "extra", value=1), "tests[0].extra is not a field"),
    "wrong type": (_set("run_id", value=7), "run_id should be str"),
    "number that is a boolean": (_set("selected", value=True), "selected should be int"),
    "array expected": (_set("command", value="pytest"), "command should be an array"),
    "object expected": (_set("target", value=[]), "target should be an object"),
    "wrong item": (_set("command", value=["a", None]), "command[1] should be str"),
    "wrong value in a mapping": (
        _set("tests", 0, "phases", value={"call": "1"}),
        "tests[0].phases.call should be float",
    ),
    "unknown verdict": (
        _set("tests", 2, "verdict", value="fine"),
        "tests[2].verdict is 'fine', which is none of passed, failed,",
    ),
    "unknown exit code": (_set("exit_code", value=9), "exit_code 9 has no meaning"),
    "requirement that is not there": (
        _set("tests", 0, "requirements", value=["TLS-009"]),
        "test_passed names TLS-009, which the record does not hold",
    ),
    "failed without failure": (
        _set("tests", 1, "failure", value=None),
        "is failed, which does not fit its failure",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_record_is_refused_in_one_sentence(
    run: Run, tmp_path: Path, change: Callable[[Any], None], sentence: str
) -> None:
    path = tmp_path / "run.json"
    save(run, path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(RecordError) as caught:
        load(path)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON in UTF-8"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not the record"),
        (b"{}", "is not the record"),
        (b"null", "is not the record"),
    ],
)
def test_foreign_file_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordError, match=sentence) as caught:
        load(path)
    assert "\n" not in str(caught.value)
