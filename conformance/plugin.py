# SPDX-License-Identifier: GPL-2.0-or-later
"""The pytest plugin of the suite: requirements, verdicts, evidence, the record.

A *case* is a test below ``conformance/``. What the plugin adds to pytest, for cases only:

- every case names its requirements, or its module cannot be collected::

      @pytest.mark.requirement("TLS-003", "TLS-004")
      @pytest.mark.versions(">=3.0.0", reason="the schema service came with 3.0")
      @pytest.mark.decided_by("cluster")
      @pytest.mark.killed_by("accept_any_key")
      @pytest.mark.waits(10)

- ``killed_by`` names misbehaviours of the fake daemon that must make the case fail
  (``fixtures.peers.Misbehaviour``); the proof runs the case against each of them;
- ``waits`` says how many seconds of waiting the requirement itself imposes, so that cases that
  wait long begin early and wait while others work;
- a case whose requirements all lie beyond the version under test, or whose ``versions`` mark does
  not hold, is not run and counts as unsupported; so does one that depends on the version where
  that is not known. Whose version decides: the daemon's for ``conformance/daemon/``, the
  cluster's elsewhere, unless ``decided_by`` says otherwise;
- every case ends in one verdict (``conformance.judge``), and the run in one record
  (``conformance.recorder``), whatever number of workers took part;
- a fixture ``evidence``, for what people want to look at later.

The caller, a ``conftest.py``, says what is under test: it puts the versions into
``config.stash[VERSIONS]`` before the first test, and what is worth telling about the target into
``config.stash[TARGET]`` before the end.

How results travel: the process that runs a case makes the finished entry of the record and hangs
it on the report of the teardown phase, which pytest-xdist carries to the controlling process.

PYTEST_DONT_REWRITE: nothing is asserted here, and others import this module early.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from conformance.catalogue import Catalogue, CatalogueError, release
from conformance.evidence import Evidence, directory_name
from conformance.judge import Case, clean
from conformance.known_issues import KnownIssues, KnownIssuesError
from conformance.naming import FOLDER, again, concerns_cases, is_case, subject
from conformance.recorder import CASE, WORKER_TARGET, Recorder
from reports.record import Target, Test
from reports.store import EVIDENCE_NAME
from reports.verdict import ExitCode, Verdict

__all__ = ["CATALOGUE", "KNOWN_ISSUES", "TARGET", "VERSIONS", "Evidence"]

VERSIONS: pytest.StashKey[Mapping[str, Version | None]] = pytest.StashKey()
"""Pacemaker's version by side, ``"daemon"`` and ``"cluster"``; ``None`` if it is not known."""

TARGET: pytest.StashKey[Target] = pytest.StashKey()
"""What the record shall say of the target; made from the options and versions if it is not set."""

CATALOGUE: pytest.StashKey[Catalogue] = pytest.StashKey()
"""The catalogue in use: the project's own unless it is set before the plugin is configured."""

KNOWN_ISSUES: pytest.StashKey[KnownIssues] = pytest.StashKey()
"""The known issues in use: the project's own unless set before the plugin is configured."""

_DIRECTORY: pytest.StashKey[Path] = pytest.StashKey()
_RUNNING: pytest.StashKey[Case] = pytest.StashKey()
_EVIDENCE: pytest.StashKey[Evidence] = pytest.StashKey()
_NODEID: pytest.StashKey[str] = pytest.StashKey()

_RECORDER = "conformance-recorder"  # name of the plugin object in the controlling process

_SIDES = ("daemon", "cluster")

_PROGRESS: Mapping[Verdict, tuple[str, str, dict[str, bool]]] = {
    Verdict.PASSED: (".", "PASSED", {"green": True}),
    Verdict.FAILED: ("F", "FAILED", {"red": True}),
    Verdict.KNOWN: ("k", "KNOWN", {"yellow": True}),
    Verdict.UNSUPPORTED: ("u", "UNSUPPORTED", {"yellow": True}),
    Verdict.INCONCLUSIVE: ("?", "INCONCLUSIVE", {"red": True}),
}


# --- Command line, configuration, workers


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance report")
    group.addoption(
        "--report-dir",
        type=Path,
        metavar="DIR",
        help="where record, reports and evidence go (default: results/<UTC time>-<pid>)",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(*ids): the requirements that the test proves")
    config.addinivalue_line(
        "markers", "versions(specifier, *, reason): the versions that have what the test needs"
    )
    config.addinivalue_line(
        "markers", 'decided_by(side): whose version counts, "daemon" or "cluster"'
    )
    config.addinivalue_line(
        "markers", "killed_by(*misbehaviours): what a fake daemon must not do unnoticed"
    )
    config.addinivalue_line(
        "markers", "waits(seconds): waiting that the requirement itself imposes"
    )
    try:
        if CATALOGUE not in config.stash:
            config.stash[CATALOGUE] = Catalogue.load()
        if KNOWN_ISSUES not in config.stash:
            config.stash[KNOWN_ISSUES] = KnownIssues.load()
        config.stash[KNOWN_ISSUES].check(config.stash[CATALOGUE])
    except (CatalogueError, KnownIssuesError) as error:
        pytest.exit(str(error), returncode=ExitCode.HARNESS)
    if hasattr(config, "workerinput"):
        config.stash[_DIRECTORY] = Path(config.workerinput["conformance_directory"])
        return
    run_id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"
    chosen = config.getoption("--report-dir") or config.rootpath / "results" / run_id
    directory = config.stash[_DIRECTORY] = config.invocation_params.dir / chosen
    if directory.exists() and not directory.is_dir():
        raise pytest.UsageError(f"--report-dir: {chosen} exists and is not a directory")
    if concerns_cases(config):
        recorder = Recorder(config, run_id, directory, config.stash[CATALOGUE], _target)
        config.pluginmanager.register(recorder, _RECORDER)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where evidence goes."""
    node.workerinput["conformance_directory"] = str(node.config.stash[_DIRECTORY])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker: tell what is known about the target. The recorder has its own hook."""
    config = session.config
    if hasattr(config, "workeroutput") and TARGET in config.stash:
        target = dataclasses.asdict(config.stash[TARGET])
        config.workeroutput[WORKER_TARGET] = json.dumps(target)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, int | None, int | None]:
    """Leave with our exit codes where pytest ends before there is anything to record.

    pytest's own code for usage errors, 4, means "nothing ran" here, and its code for Ctrl-C, 2, a
    usage error.
    """
    try:
        result = yield
    except pytest.UsageError as error:
        for message in error.args:
            print(f"ERROR: {message}", file=sys.stderr)
        return ExitCode.USAGE
    recorder = config.pluginmanager.get_plugin(_RECORDER)
    if isinstance(recorder, Recorder) and recorder.interrupted:
        return ExitCode.HARNESS
    return result


def _target(config: pytest.Config) -> Target:
    if TARGET in config.stash:
        return config.stash[TARGET]
    options = [config.getoption(option, None) for option in ("--target", "--remote-target")]
    versions = config.stash.get(VERSIONS, {})
    texts = {side: str(version) for side, version in versions.items() if version is not None}
    return Target(
        spec=" + ".join(str(option) for option in options if option) or "unknown",
        description="",
        daemon_version=texts.get("daemon"),
        cluster_version=texts.get("cluster"),
        engine=None,
    )


# --- Collection: marks are checked before anything runs


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Collector,
) -> Generator[None, object, object]:
    result = yield
    for item in result if isinstance(result, list) else [result]:
        if isinstance(item, pytest.Item) and is_case(item.nodeid):
            _check_marks(item)
            item.stash[_NODEID] = item.nodeid  # before pytest-xdist adds the name of a group
    return result


def _check_marks(item: pytest.Item) -> None:
    named = _requirement_ids(item)
    if not named:
        raise pytest.Collector.CollectError(
            f'{item.nodeid} names no requirement: mark it with pytest.mark.requirement("ID").'
        )
    for name in named:
        if name not in item.config.stash[CATALOGUE]:
            raise pytest.Collector.CollectError(
                f"{item.nodeid} names requirement {name!r}, which the catalogue does not have."
            )
    for mark in item.iter_markers("versions"):
        _check_versions_mark(item, mark)
    for mark in item.iter_markers("killed_by"):
        if not mark.args or not all(isinstance(name, str) for name in mark.args) or mark.kwargs:
            raise pytest.Collector.CollectError(
                f"{item.nodeid} has a killed_by mark that names no misbehaviour."
            )
    for mark in item.iter_markers("waits"):
        if len(mark.args) != 1 or not isinstance(mark.args[0], int | float) or mark.kwargs:
            raise pytest.Collector.CollectError(
                f"{item.nodeid} must say how many seconds it waits: waits(10)."
            )
    for mark in item.iter_markers("decided_by"):
        if mark.args not in [(side,) for side in _SIDES] or mark.kwargs:
            raise pytest.Collector.CollectError(
                f'{item.nodeid} must say decided_by("daemon") or decided_by("cluster").'
            )


def _check_versions_mark(item: pytest.Item, mark: pytest.Mark) -> None:
    try:
        (specifier,) = mark.args
        SpecifierSet(specifier)
    except (ValueError, TypeError, AttributeError, InvalidSpecifier):
        raise pytest.Collector.CollectError(
            f"{item.nodeid} has a versions mark without a PEP 440 specifier: {mark.args!r}."
        ) from None
    if not isinstance(mark.kwargs.get("reason"), str) or len(mark.kwargs) != 1:
        raise pytest.Collector.CollectError(
            f"{item.nodeid} has a versions mark without a reason, or with more than that."
        )


def _requirement_ids(item: pytest.Item) -> tuple[Any, ...]:
    """What the requirement marks name, nearest mark first, without repetitions."""
    return _named(item, "requirement")


def _named(item: pytest.Item, mark: str) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(name for found in item.iter_markers(mark) for name in found.args))


def _waits(item: pytest.Item) -> float:
    mark = item.get_closest_marker("waits")
    return float(mark.args[0]) if mark else 0.0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the cases that wait longest, so that workers wait while others work.

    Each is followed by one that does not wait: pytest-xdist hands out two at a time.
    """
    waiting = sorted(filter(_waits, items), key=_waits, reverse=True)
    others = [item for item in items if not _waits(item)]
    pairs = zip(waiting, others, strict=False)
    items[:] = [
        *(item for pair in pairs for item in pair),
        *waiting[len(others) :],
        *others[len(waiting) :],
    ]


# --- Running a case


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Open the case; skip it if the version under test lacks what it needs."""
    if not is_case(item.nodeid):
        return
    case = item.stash[_RUNNING] = _open_case(item)
    reason = _unsupported(item, case)
    if reason is not None:
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the phase; after the last one, hang the entry of the record on its report."""
    report = yield
    case = item.stash.get(_RUNNING, None)
    if case is None:
        return report
    error = call.excinfo.value if call.excinfo else None
    trace = "" if error is None else clean(report.longreprtext)
    finding = case.add_phase(call.when, report.duration, error, trace)
    if report.failed:  # what a hostile peer sent may be in it, and pytest-xdist carries only UTF-8
        report.longrepr = trace
    report.sections = [(title, clean(text)) for title, text in report.sections]
    if finding.verdict is Verdict.KNOWN:  # pytest must not count it as a failure
        report.outcome = "skipped"
        report.wasxfail = finding.reason or ""
    entry = None
    if call.when == "teardown":
        entry = _close_case(item, case, report)
        del item.stash[_RUNNING]
        if entry.verdict is Verdict.FAILED and entry.known_issue is not None:
            report.outcome = "failed"  # passed in all phases, though a known issue is listed
    setattr(report, CASE, None if entry is None else json.dumps(dataclasses.asdict(entry)))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport,
) -> tuple[str, str, str | tuple[str, Mapping[str, bool]]] | None:
    """Show one letter per case, its verdict, when the last phase is over."""
    if not hasattr(report, CASE):
        return None
    entry = getattr(report, CASE)
    if entry is None:
        return "", "", ""
    verdict = Verdict(json.loads(entry)["verdict"])
    letter, word, markup = _PROGRESS[verdict]
    return verdict.value, letter, (word, markup)


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Iterator[Evidence]:
    """What is kept for this test; see ``conformance.evidence``."""
    node: pytest.Item = request.node
    directory = request.config.stash[_DIRECTORY] / EVIDENCE_NAME / directory_name(_nodeid(node))
    kept = node.stash[_EVIDENCE] = Evidence(directory)
    yield kept
    kept.finish()


def _open_case(item: pytest.Item) -> Case:
    config, nodeid = item.config, _nodeid(item)
    version = config.stash.get(VERSIONS, {}).get(_side(item))
    named = _requirement_ids(item)
    known = config.stash[KNOWN_ISSUES].find(named, nodeid, version) if version else []
    return Case(
        nodeid=nodeid,
        subject=subject(nodeid),
        requirements=[config.stash[CATALOGUE][name] for name in named],
        version=version,
        issues=known,
        again=again(config, nodeid),
        killed_by=_named(item, "killed_by"),
        waits=_waits(item),
    )


def _close_case(item: pytest.Item, case: Case, report: pytest.TestReport) -> Test:
    kept = item.stash.get(_EVIDENCE, None)
    root = item.config.stash[_DIRECTORY]
    return case.close(
        evidence=[path.relative_to(root).as_posix() for path in kept.files()] if kept else [],
        notes=kept.notes if kept else [],
        output="\n".join(f"--- {title}\n{text.rstrip()}" for title, text in report.sections),
    )


def _unsupported(item: pytest.Item, case: Case) -> str | None:
    """Why the version under test cannot be asked, or ``None`` if it can."""
    if case.version is None:
        bounded = all(str(row.versions) for row in case.requirements)
        if bounded or item.get_closest_marker("versions"):
            return "which versions it applies to matters, and the version is not known"
        return None
    under_test = f"the {_side(item)} under test is {case.version}"
    if len(case.beyond_version) == len(case.requirements):
        wanted = ", ".join(f"{row.id} applies to {row.versions}" for row in case.requirements)
        return f"{wanted}; {under_test}"
    for mark in item.iter_markers("versions"):
        (specifier,) = mark.args
        if release(case.version) not in SpecifierSet(specifier):
            return f"{mark.kwargs['reason']} ({specifier}); {under_test}"
    return None


def _side(item: pytest.Item) -> str:
    mark = item.get_closest_marker("decided_by")
    if mark is not None:
        return str(mark.args[0])
    return "daemon" if item.nodeid.startswith(f"{FOLDER}/daemon/") else "cluster"


def _nodeid(item: pytest.Item) -> str:
    return item.stash.get(_NODEID, item.nodeid)
