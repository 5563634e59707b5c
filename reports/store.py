# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of a run: how they are called, and writing them all."""

from __future__ import annotations

import os
from pathlib import Path

from reports import html, junit
from reports.record import Run, save, write_atomically

RECORD_NAME = "run.json"
HTML_NAME = "report.html"
JUNIT_NAME = "junit.xml"
EVIDENCE_NAME = "evidence"
"""Directory with one directory of evidence per test."""
LATEST_NAME = "latest"
"""Link beside the directories of runs that leads to the newest."""


def write_all(run: Run, directory: Path) -> tuple[Path, ...]:
    """Write record, JUnit XML and page into the directory, which is made if need be.

    The record comes first: whatever goes wrong with a view, it can be made again. Raises
    ``OSError``. Returns the files written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    record = directory / RECORD_NAME
    save(run, record)
    xml = directory / JUNIT_NAME
    write_atomically(xml, junit.render(run))
    page = directory / HTML_NAME
    write_atomically(page, html.render(run))
    return record, xml, page


def link_latest(directory: Path) -> None:
    """Let the link ``latest`` beside the directory lead to it. Raises ``OSError``."""
    link = directory.with_name(LATEST_NAME)
    temporary = directory.with_name(f".{LATEST_NAME}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(directory.name, target_is_directory=True)
    temporary.replace(link)
