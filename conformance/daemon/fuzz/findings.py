# SPDX-License-Identifier: GPL-2.0-or-later
"""What a sequence of steps brought to light, and how it is kept so that anybody can see it again.

The kinds:

``died``        the daemon ended, or is another process
``unwell``      the oracle does not hold: nobody is served, or memory grew (``Daemon.check_well``)
``unanswered``  a sensible request of a client that did nothing wrong got no reply
``closed``      the connection of such a client was ended
``unasked``     a reply that nobody asked for, or a notify for somebody it is not for
``unreadable``  the daemon said something that is no message
``let in``      a client with a wrong key opened a session
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .steps import Step, from_json


@dataclass(frozen=True)
class Finding:
    """Something that must never happen.

    Attributes:
        kind: one of the module's words.
        index: number of the step, from 0, at which it showed.
        label: kind of that step.
        text: what was seen, for people.
    """

    kind: str
    index: int
    label: str
    text: str

    @property
    def signature(self) -> tuple[str, str]:
        """Two findings with one signature count as the same."""
        return self.kind, self.label

    def __str__(self) -> str:
        return f"{self.kind} at step {self.index} ({self.label}): {self.text}"


def write_steps(path: Path, steps: Sequence[Step], **about: object) -> None:
    """Keep steps in a file that ``read_steps`` reads; *about* is for people."""
    body = {"format": 1, **about, "steps": [step.to_json() for step in steps]}
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def read_steps(path: Path) -> list[Step]:
    """The steps in a file.

    Raises:
        OSError: there is no such file.
        ValueError: it holds no steps; the text says why.
    """
    body = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(body, dict) or body.get("format") != 1:
        raise ValueError(f"{path} is no sequence of steps of format 1")
    return [from_json(step) for step in body["steps"]]
