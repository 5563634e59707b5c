# SPDX-License-Identifier: GPL-2.0-or-later
"""The record of a run: one JSON file, from which every report is made.

The file is one JSON object, in UTF-8. Its first two members say what it is: ``"format"`` is
``"pacemaker-remote-conformance-run"`` and ``"version"`` is :data:`VERSION`, raised whenever a
member is added, removed or changes its meaning. The other members are the fields of :class:`Run`,
and objects in it are the fields of the other dataclasses here, under the same names, all present;
``null`` means "not known" or "does not apply". Units and meanings stand with the fields.

A record is complete in itself: it copies the requirements' sentences, so that a reader needs
neither the catalogue nor the tests of that day. Paths in it are relative to the directory that
holds it, with ``/``, so that the directory can be moved as a whole.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reports.decode import DecodeError, decode
from reports.verdict import ExitCode, Verdict

FORMAT = "pacemaker-remote-conformance-run"
VERSION = 2


class RecordError(ValueError):
    """The file is not a record that can be read; the message is one sentence that names it."""


class Outcome(StrEnum):
    """What a run showed about a requirement."""

    PROVED = "proved"
    FAILED = "failed"
    KNOWN = "known"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"
    NOT_REACHED = "not reached"


class Ending(StrEnum):
    """How a run came to its end."""

    COMPLETE = "complete"
    STOPPED = "stopped"  # on request, before all tests ran: after so many failures, by a fixture
    INTERRUPTED = "interrupted"  # Ctrl-C
    BROKEN = "broken"  # an internal error of the harness


@dataclass(frozen=True, kw_only=True)
class Target:
    """What was tested."""

    spec: str
    """As given to ``--target``, and ``--remote-target`` if the sides differ."""
    description: str
    """One line for people; may be empty."""
    daemon_version: str | None
    """Pacemaker's version on the side of ``pacemaker-remoted``, as in ``3.0.1``."""
    cluster_version: str | None
    """Pacemaker's version on the cluster's side."""
    engine: str | None
    """The container engine with its version, if one was used."""


@dataclass(frozen=True, kw_only=True)
class Harness:
    """Which suite did the testing."""

    version: str
    commit: str | None
    """The Git commit, with ``-dirty`` appended if files differed from it."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The deviation that a test showed. Each text may have several lines."""

    requirement: str
    """``ID sentence`` of the requirements that the test names, joined by ``"; "``."""
    expected: str
    actual: str


@dataclass(frozen=True, kw_only=True)
class Test:
    """What became of one test."""

    __test__ = False  # the name is right, but pytest shall not collect it

    nodeid: str
    """pytest's name of the test, relative to the suite's top directory."""
    subject: str
    """The module without decoration: ``daemon/tls`` for ``conformance/daemon/test_tls.py``."""
    requirements: tuple[str, ...]
    """Ids of all requirements that the test names."""
    beyond_version: tuple[str, ...]
    """Those of them that do not apply to the target's version: the test says nothing on them."""
    killed_by: tuple[str, ...]
    """Misbehaviours of a fake daemon that must make this test fail, by name."""
    waits: float
    """Seconds of its duration that the requirement itself makes it wait."""
    verdict: Verdict
    duration: float
    """Seconds, of all phases together."""
    phases: dict[str, float]
    """Seconds of ``setup``, ``call`` and ``teardown``; a phase that did not run is absent."""
    failure: Failure | None
    """Present exactly if the verdict is failed or known."""
    known_issue: str | None
    """Id of the known issue that the failure matches, or that should have shown and did not."""
    reason: str | None
    """Why the verdict is known, unsupported or inconclusive; else null."""
    detail: str | None
    """Tracebacks and captured output; null for a test that passed or was not run."""
    notes: tuple[str, ...]
    """What went wrong without changing the verdict, such as evidence that was not to be had."""
    evidence: tuple[str, ...]
    """Paths of the files kept for this test."""
    again: str
    """The shell command that runs this test again, from the suite's top directory."""


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A row of the catalogue, as it was during the run, and what the run showed about it."""

    id: str
    area: str
    level: str
    """MUST, SHOULD or MAY."""
    sentence: str
    sources: tuple[str, ...]
    versions: str
    """The versions it applies to, as a PEP 440 specifier; empty for all."""
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Run:
    """A whole run."""

    run_id: str
    started: str
    """Wall clock, ISO 8601 in UTC."""
    ended: str
    duration: float
    """Seconds on a monotonic clock."""
    command: tuple[str, ...]
    """The command line, one word each."""
    ending: Ending
    exit_code: int
    """The exit status of the run; see :mod:`reports.verdict`."""
    selected: int
    """How many tests were to run; more than ``tests`` holds if the run was cut short."""
    errors: tuple[str, ...]
    """Errors outside of any test, such as a module that could not be loaded."""
    target: Target
    harness: Harness
    host: dict[str, str]
    """Facts about the machine that ran the harness, by name."""
    tests: tuple[Test, ...]
    requirements: tuple[Requirement, ...]
    """The whole catalogue, reached or not."""


def save(run: Run, path: Path) -> None:
    """Write the record, so that a reader finds either the whole of it or none.

    Raises ``OSError``.
    """
    document = {"format": FORMAT, "version": VERSION, **dataclasses.asdict(run)}
    write_atomically(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def load(path: Path) -> Run:
    """Read and check a record. Raises :exc:`RecordError`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is not JSON in UTF-8: {error}.") from error
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise RecordError(f"{path} is not the record of a conformance run.")
    version = document.pop("version", None)
    if version != VERSION:
        raise RecordError(
            f"{path} is a record of version {version!r}; only version {VERSION} can be read."
        )
    try:
        run = decode(Run, document)
        _check(run)
    except DecodeError as error:
        raise RecordError(f"{path} is a damaged record: {error}.") from error
    return run


def _check(run: Run) -> None:
    """What types cannot say: references lead somewhere, and failures come with their texts."""
    if run.exit_code not in tuple(ExitCode):
        raise DecodeError(f"exit_code {run.exit_code} has no meaning")
    ids = {requirement.id for requirement in run.requirements}
    for test in run.tests:
        for named in (*test.requirements, *test.beyond_version):
            if named not in ids:
                raise DecodeError(f"{test.nodeid} names {named}, which the record does not hold")
        deviates = test.verdict in (Verdict.FAILED, Verdict.KNOWN)
        if deviates != (test.failure is not None):
            raise DecodeError(f"{test.nodeid} is {test.verdict}, which does not fit its failure")


def write_atomically(path: Path, text: str) -> None:
    """Write a file beside its final name and rename it. Raises ``OSError``."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
