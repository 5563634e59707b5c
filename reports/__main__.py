# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a view of a record again: ``python -m reports VIEW RUN.json [-o FILE]``.

Views are ``html``, ``junit``, ``summary`` and ``timing`` (where the time went).

Without ``-o``, the page and the XML file are written beside the record, under the names that a run
gives them, and summary and timing go to standard output. A bad record or an output that cannot be
written gives one sentence on standard error and exit code 2.

``python -m reports proof DIR [-o FILE]`` tells from the records ``DIR/*/run.json`` which tests have
been seen to fail (``reports.proof``). With ``-o``, the file takes the whole of it, as a page
(``.html``), Markdown (``.md``) or plain text, and standard output its summary. The exit code is 0,
or 1 if a mutant survived, 2 if the file cannot be written, 3 if the records cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from reports import html, junit, proof, proof_views, text, timing
from reports.record import RecordError, Run, load, write_atomically
from reports.store import HTML_NAME, JUNIT_NAME
from reports.verdict import ExitCode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code. argparse leaves with 2 on a bad command line."""
    options = _parser().parse_args(arguments)
    record: Path = options.record
    if options.view == "proof":
        return _prove(record, options.output)
    try:
        run = load(record)
    except RecordError as error:
        print(error, file=sys.stderr)
        return ExitCode.USAGE
    output: Path | None = options.output or _beside(record, options.view)
    content = _render(options.view, run, record, output)
    if output is None:
        sys.stdout.write(content)
        return 0
    if not _write(output, content):
        return ExitCode.USAGE
    print(output)
    return 0


def _prove(directory: Path, output: Path | None) -> int:
    try:
        shown = proof.read(directory)
    except RecordError as error:
        print(error, file=sys.stderr)
        return ExitCode.HARNESS
    if output is None:
        print("\n".join(proof_views.proof_lines(shown)))
    elif _write(output, proof_views.render(shown, output)):
        print("\n".join(proof_views.summary_lines(shown)))
        print(output)
    else:
        return ExitCode.USAGE
    return shown.exit_code()


def _write(output: Path, content: str) -> bool:
    """Whether the file could be written; if not, standard error says why."""
    try:
        write_atomically(output, content)
    except OSError as error:
        print(f"{output} cannot be written: {error.strerror}.", file=sys.stderr)
        return False
    return True


def _beside(record: Path, view: str) -> Path | None:
    name = {"html": HTML_NAME, "junit": JUNIT_NAME}.get(view)
    return record.with_name(name) if name else None


def _render(view: str, run: Run, record: Path, output: Path | None) -> str:
    if view == "html" and output is not None:
        return html.render(run, html.evidence_root(output, record))
    if view == "junit":
        return junit.render(run)
    lines = timing.timing_lines(run) if view == "timing" else text.summary_lines(run)
    return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports", description="Views of a run.")
    parser.add_argument("view", choices=("html", "junit", "proof", "summary", "timing"))
    parser.add_argument("record", type=Path, metavar="RUN.json|DIR")
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help="where to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
