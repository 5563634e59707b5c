# SPDX-License-Identifier: GPL-2.0-or-later
"""The controlling process's part: collect the cases, decide the exit code, write the record.

Under pytest-xdist this runs in the process that the user started, and nowhere else; without it,
in the only process there is. The record is written once, at the end, also of a run that was
interrupted or broke down.

The exit code follows from the verdicts (``reports.verdict``), with these exceptions, because a run
must not look better than it was: a run that was interrupted or broke down is a harness error,
whatever it saw; and so is a run without a deviation in which a module could not be loaded or a
test got lost.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
import tomllib
from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.catalogue import Catalogue
from conformance.naming import again, is_case, subject
from reports.coverage import outcomes
from reports.decode import decode
from reports.record import Ending, Harness, Requirement, Run, Target, Test
from reports.store import link_latest, write_all
from reports.text import case_lines, one_line, summary_lines
from reports.verdict import ExitCode, Verdict, exit_code

CASE = "conformance_case"
"""Attribute of a case's reports: ``None``, or after the last phase its entry of the record, as
JSON, because pytest-xdist carries only plain values."""

WORKER_TARGET = "conformance_target"
"""Key of a worker's output: what it knows about the target, as JSON."""

_CHECKOUT = Path(__file__).parent.parent


class Recorder:
    """A plugin object that lives as long as the run."""

    def __init__(
        self,
        config: pytest.Config,
        run_id: str,
        directory: Path,
        catalogue: Catalogue,
        target: Callable[[pytest.Config], Target],
    ) -> None:
        self._config = config
        self._run_id = run_id
        self._directory = directory
        self._catalogue = catalogue
        self._target = target
        self._target_of_worker: Target | None = None
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()
        self._collecting = False
        self._tests: list[Test] = []
        self._others: set[str] = set()  # node ids of the harness's own tests that were run along
        self._errors: list[str] = []
        self._ending = Ending.COMPLETE
        self._wanted_code: int | None = None
        self._run: Run | None = None
        self._files: tuple[Path, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether somebody pressed Ctrl-C."""
        return self._ending is Ending.INTERRUPTED

    # --- What happens during the run

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """A real run begins: ``--fixtures`` and the like do not come here."""
        self._collecting = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._errors.append(f"{report.nodeid}: {report.longreprtext}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the entry of the record from the last report of a case."""
        if not is_case(report.nodeid):
            self._others.add(report.nodeid)
            if report.failed:
                self._errors.append(f"{report.nodeid}: the harness's own test failed")
            return
        if not hasattr(report, CASE):
            self._take(self._crashed(report), report)
        elif getattr(report, CASE) is not None:
            self._take(decode(Test, json.loads(getattr(report, CASE))), report)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, but also ``pytest.exit`` and pytest's own reasons to stop early."""
        error = excinfo.value
        interrupted = type(error) is KeyboardInterrupt  # pytest derives its reasons from it
        self._ending = Ending.INTERRUPTED if interrupted else Ending.STOPPED
        if isinstance(error, pytest.exit.Exception):
            self._wanted_code = error.returncode
            self._errors.append(str(error.msg))

    def pytest_internalerror(self, excrepr: object) -> None:
        self._ending = Ending.INTERRUPTED if self.interrupted else Ending.BROKEN
        self._errors.append(f"internal error: {excrepr}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist has ended: keep what it knows."""
        output = getattr(node, "workeroutput", {})  # a worker that crashed left none
        if output.get("exitstatus") == pytest.ExitCode.USAGE_ERROR:
            self._wanted_code = ExitCode.USAGE  # it has printed why
        told = output.get(WORKER_TARGET)
        if told is not None:
            self._target_of_worker = decode(Target, json.loads(told))

    def _take(self, test: Test, report: pytest.TestReport) -> None:
        self._tests.append(test)
        if test.verdict is Verdict.FAILED:
            account: Any = _Account(test, self._shown_directory())
            report.longrepr = account
            report.sections.clear()  # the account ends with them

    def _crashed(self, report: pytest.TestReport) -> Test:
        """The entry of a case whose worker died, so that nobody else could make one."""
        entry = Test(
            nodeid=report.nodeid,
            subject=subject(report.nodeid),
            requirements=(),
            beyond_version=(),
            killed_by=(),
            waits=0.0,
            verdict=Verdict.INCONCLUSIVE,
            duration=0.0,
            phases={},
            failure=None,
            known_issue=None,
            reason=f"the process that ran it died: {report.longreprtext}",
            detail=None,
            notes=(),
            evidence=(),
            again=again(self._config, report.nodeid),
        )
        setattr(report, CASE, json.dumps({"verdict": entry.verdict}))
        return entry

    # --- The end of the run

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        """Write the record when all else is finished, and before anything is printed about it.

        An error at this late point would let Python end the process with 1, our code for a
        deviation; so it is reported as pytest reports internal errors.
        """
        try:
            yield
        except Exception:
            self._config.notify_exception(pytest.ExceptionInfo.from_current())
        finally:
            if exitstatus == pytest.ExitCode.USAGE_ERROR and self._wanted_code is None:
                self._wanted_code = ExitCode.USAGE
            if self._wanted_code == ExitCode.USAGE:
                session.exitstatus = ExitCode.USAGE  # nothing was tested
            elif self._collecting:
                self._conclude(session)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._run is None:
            return
        for test in self._run.tests:
            if test.verdict is Verdict.INCONCLUSIVE:
                terminalreporter.write_sep("_", f"inconclusive: {test.nodeid}", bold=True)
                for line in case_lines(test, self._shown_directory()):
                    terminalreporter.write_line(line)
                terminalreporter.write_line(test.detail or "")
        terminalreporter.write_sep("=", "conformance")
        for line in summary_lines(self._run):
            terminalreporter.write_line(line)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Print the paths last of all, below pytest's own last line."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            for path in self._files:
                terminal.write_line(os.path.relpath(path, self._config.invocation_params.dir))

    def _conclude(self, session: pytest.Session) -> None:
        try:
            self._finish(session)
        except Exception:
            session.exitstatus = ExitCode.HARNESS
            self._config.notify_exception(pytest.ExceptionInfo.from_current())

    def _finish(self, session: pytest.Session) -> None:
        if session.shouldfail or session.shouldstop:
            self._ending = Ending.STOPPED if self._ending is Ending.COMPLETE else self._ending
        selected = session.testscollected - len(self._others)
        code = self._exit_code(lost=selected > len(self._tests))
        session.exitstatus = code
        self._run = Run(
            run_id=self._run_id,
            started=_iso(self._started),
            ended=_iso(datetime.now(UTC)),
            duration=time.monotonic() - self._clock,
            command=("pytest", *map(str, self._config.invocation_params.args)),
            ending=self._ending,
            exit_code=code,
            selected=selected,
            errors=tuple(self._errors),
            target=self._target_of_worker or self._target(self._config),
            harness=Harness(version=_version(), commit=_commit()),
            host=_host(),
            tests=tuple(self._tests),
            requirements=tuple(_rows(self._catalogue, self._tests)),
        )
        self._files = write_all(self._run, self._directory)
        if self._directory.parent == self._config.rootpath / "results":
            link_latest(self._directory)

    def _exit_code(self, *, lost: bool) -> ExitCode:
        if self._ending in (Ending.INTERRUPTED, Ending.BROKEN):
            return ExitCode.HARNESS
        if self._wanted_code in tuple(ExitCode) and self._wanted_code != ExitCode.CONFORMANT:
            return ExitCode(self._wanted_code)
        code = exit_code(test.verdict for test in self._tests)
        if code is not ExitCode.DEVIATION and (lost or self._errors):
            return ExitCode.HARNESS
        return code

    def _shown_directory(self) -> str:
        return os.path.relpath(self._directory, self._config.invocation_params.dir)


class _Account:
    """How pytest prints a failed case: a traceback's stand-in with the methods that are asked for.

    The short test summary takes ``reprcrash.message``.
    """

    def __init__(self, test: Test, directory: str) -> None:
        self._test = test
        self._directory = directory
        self.reprcrash = self
        self.message = one_line(test.failure.actual) if test.failure else ""

    def toterminal(self, writer: Any) -> None:
        for line in case_lines(self._test, self._directory):
            writer.line(line)
        if self._test.detail is not None:
            writer.line()
            writer.line(self._test.detail)

    def __str__(self) -> str:
        return "\n".join(case_lines(self._test, self._directory))


def _rows(catalogue: Catalogue, tests: Iterable[Test]) -> Iterable[Requirement]:
    found = outcomes([row.id for row in catalogue], tests)
    for row in catalogue:
        yield Requirement(
            id=row.id,
            area=row.area,
            level=row.level,
            sentence=row.sentence,
            sources=row.sources,
            versions=str(row.versions),
            outcome=found[row.id],
        )


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _version() -> str:
    with (_CHECKOUT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _commit() -> str | None:
    """The commit of the suite's checkout; ``None`` if it is none, or if there is no Git."""
    command = ["git", "-C", str(_CHECKOUT), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        done = subprocess.run(
            [*command, "--exclude=*"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _host() -> dict[str, str]:
    return {
        "name": platform.node(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processors": str(os.cpu_count() or 0),
        "Python": platform.python_version(),
        "pytest": pytest.__version__,
    }
