# SPDX-License-Identifier: GPL-2.0-or-later
"""The sessions people type; ``nox --list`` shows them, README.md tells when to use which.

Words after ``--`` go to pytest: ``nox -s conformance -- --target debian:bookworm -k fencing``.
Paths among them are taken from the checkout, and name the tests to run if they are tests.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["tests", "proof", "conformance"]
nox.options.reuse_existing_virtualenvs = True

LOCK = "requirements.lock"
#: A cluster test mostly waits, so more workers than this would help little on a small machine.
WORKERS = "2"
#: A test of the daemon may wait for a minute, so there are more workers than processors.
DAEMON_WORKERS = "6"
#: A test that a wrong daemon kills mostly waits for what never comes.
PROVERS = "4"


def _install(session: nox.Session) -> None:
    session.install("--quiet", "--disable-pip-version-check", "-r", LOCK)


def _pytest(session: nox.Session, where: str, workers: str = WORKERS) -> tuple[str, ...]:
    """How pytest begins: with the tests in *where*, unless the words after ``--`` name others."""
    suite = Path("conformance").resolve()
    paths = (Path(word.partition("::")[0]) for word in session.posargs)
    named = any(path.exists() and path.resolve().is_relative_to(suite) for path in paths)
    return (
        "pytest",
        *(() if named else (where,)),
        "--provision",
        "-n",
        workers,
        "--maxschedchunk=1",
    )


def _suite(session: nox.Session, *command: str) -> None:
    """Run a command whose exit status means something (README.md) and end nox with that status.

    An interrupted run gets time to remove its containers before anything harsher happens.
    """
    try:
        session.run(*command, interrupt_timeout=60, terminate_timeout=30)
    except CommandFailed as error:
        # older nox does not tell the status
        raise SystemExit(getattr(error, "return_code", None) or 1) from None


@nox.session
def tests(session: nox.Session) -> None:
    """The harness's own tests and checks; no container engine needed."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run("pytest", "tests", "--ignore=tests/proof", "-n", WORKERS, *session.posargs)


@nox.session
def proof(session: nox.Session) -> None:
    """Every test of the daemon can fail: the daemon suite against fake daemons, right and wrong."""
    _install(session)
    results = Path("results/proof")
    shutil.rmtree(results, ignore_errors=True)  # the table tells of this run alone
    try:
        session.run("pytest", "tests/proof", "-n", PROVERS, *session.posargs)
    finally:
        if any(results.glob("*/run.json")):
            page = str(results / "proof.html")
            session.run("python", "-m", "reports", "proof", str(results), "-o", page)


@nox.session
def conformance(session: nox.Session) -> None:
    """The conformance suite on a target (default debian:trixie), set-up included."""
    _install(session)
    _suite(session, *_pytest(session, "conformance"), *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Search for random sessions that harm a daemon: --seed N --minutes M (docs/fuzzing.md)."""
    _install(session)
    where = "conformance/daemon/fuzz/session.py"
    _suite(session, "pytest", where, "--provision", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """The daemon suite's time on a target and, with --gcov DIR, how much of the daemon it reaches.

    Its exit status is the suite's.
    """
    options = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    options.add_argument("--report-dir", default=f"results/bench-{int(time.time())}")
    options.add_argument("--gcov")
    known, _ = options.parse_known_args(session.posargs)
    _install(session)
    words = ("--report-dir", known.report_dir, *session.posargs)
    try:
        _suite(session, *_pytest(session, "conformance/daemon", DAEMON_WORKERS), *words)
    finally:
        record = Path(known.report_dir, "run.json")
        if record.exists():
            session.run("python", "-m", "reports", "timing", str(record))
            if known.gcov:
                _tell_coverage(session, Path(known.gcov).absolute())


def _tell_coverage(session: nox.Session, build: Path) -> None:
    """Print how many of the daemon's lines and branches were executed (docs/coverage.md)."""
    sources = build / "daemons" / "execd"
    where = ("--root", str(build), "--filter", f"{sources}/", str(sources))
    try:
        session.run("gcovr", *where, "--markdown", "-")
    except CommandFailed:
        session.warn("set GCOV to the gcov of the compiler that built the daemon (default: gcov)")
