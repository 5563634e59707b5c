# SPDX-License-Identifier: GPL-2.0-or-later
"""A proof as plain text, as Markdown, and as one HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from reports.proof import Proof, Result, Trial
from reports.templating import template
from reports.text import one_line

_TEMPLATES = {".md": "proof.md", ".html": "proof.html"}


def summary_lines(proof: Proof) -> Iterator[str]:
    """What was run, how many mutants were killed, how many requirements are proved, what lives."""
    yield (
        f"mutants: {len(proof.mutants)}; well-behaved daemons: "
        f"{', '.join(proof.well_behaved) or 'none'}; suite: {', '.join(proof.harnesses)}"
    )
    results = ", ".join(f"{number} {result}" for result, number in proof.results().items())
    yield f"tests and the mutants that they name: {results}"
    for level, (proved, named) in proof.totals().items():
        yield f"{level}: {proved} of {named} have a killed mutant"
    for trial in proof.trials:
        if trial.result is Result.SURVIVED:
            yield f"survived: {trial.requirement.id} {case(trial.nodeid)} {trial.mutant}"
    for mutant in proof.unsought:
        yield f"survived: {mutant}: no test names it"


def proof_lines(proof: Proof) -> Iterator[str]:
    """The table, the unproved requirements, and the summary."""
    rows = [
        (
            trial.requirement.id,
            trial.requirement.level,
            case(trial.nodeid),
            trial.mutant,
            outcome(trial),
        )
        for trial in proof.trials
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
    for entry in proof.unproved:
        named = entry.requirement
        yield f"unproved: {named.id} {named.level}: {one_line(named.sentence)} ({entry.why})"
    yield from summary_lines(proof)


def render(proof: Proof, path: Path) -> str:
    """The whole proof in the form that the file's name asks for: ``.html``, ``.md``, else text."""
    name = _TEMPLATES.get(path.suffix)
    if name is None:
        return "\n".join(proof_lines(proof)) + "\n"
    return template(name).render(
        proof=proof,
        conclusion="A mutant survived" if proof.exit_code() else "No mutant survived",
        summary=list(summary_lines(proof)),
        case=case,
        outcome=outcome,
    )


def case(nodeid: str) -> str:
    """The test's name without the directories of its module."""
    path, separator, name = nodeid.partition("::")
    return f"{PurePosixPath(path).name}{separator}{name}"


def outcome(trial: Trial) -> str:
    """The result, with the reason where there is one."""
    return f"{trial.result}: {trial.why}" if trial.why else str(trial.result)
