# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m containers``: what each verb does, and the exit status."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from docker.errors import APIError, DockerException

from containers.__main__ import main
from containers.errors import EnvironmentProblem, ImageBuildError, UsageError
from containers.targets import Target


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the verbs asked of the other modules, in order."""
    done: list[str] = []

    def told(words: str, result: Any = None) -> Any:
        done.append(words)
        return result

    def prepare(target: Target, report: Any) -> None:
        told(f"prepare {target}")

    monkeypatch.setattr("containers.provision.ensure_engine", lambda _: told("provision"))
    monkeypatch.setattr("containers.images.prepare", prepare)
    monkeypatch.setattr("containers.images.remove_all", lambda: told("forget", 7))
    monkeypatch.setattr("containers.engine.remove_orphans", lambda: told("orphans", 2))
    return done


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("provision", ["provision"]),
        (
            "prepare --target debian:sid --target debian:trixie",
            ["prepare debian:sid", "prepare debian:trixie"],
        ),
        ("prepare --target host:192.0.2.1", []),
        ("clean", ["orphans"]),
        ("clean --images", ["orphans", "forget"]),
    ],
)
def test_each_verb_does_its_step(done: list[str], words: str, expected: list[str]) -> None:
    assert main(words.split()) == 0
    assert done == expected


@pytest.mark.usefixtures("done")
def test_clean_tells_what_it_removed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["clean", "--images"])

    assert capsys.readouterr().err.splitlines() == [
        "removed 2 things that dead runs left behind",
        "removed 7 images",
    ]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("the engine has no image 'x'"), 2),
        (EnvironmentProblem("no container engine answers"), 3),
        (ImageBuildError("image x could not be built", ["E: one", "E: two"]), 3),
        (APIError("500 Server Error"), 3),
        (DockerException("the engine speaks another API"), 3),
        (requests.ConnectionError("the engine went away"), 3),
    ],
)
def test_what_went_wrong_decides_the_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("containers.images.prepare", fail)

    assert main(["prepare", "--target", "debian:trixie"]) == status
    printed = capsys.readouterr()
    assert str(error) in printed.err
    assert printed.out == ""


def test_bad_target_stops_before_anything_is_built(done: list[str]) -> None:
    assert main(["prepare", "--target", "debian:sid", "--target", "nonsense"]) == 2
    assert done == []


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("words", ["", "destroy", "prepare", "clean --everything"])
def test_call_that_makes_no_sense_is_wrong_usage(words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words.split())

    assert caught.value.code == 2
