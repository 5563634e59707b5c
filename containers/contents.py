# SPDX-License-Identifier: GPL-2.0-or-later
"""What an image holds: asked of its programs, never guessed from its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from docker.errors import APIError
from packaging.version import Version

from containers.engine import connect
from containers.errors import EnvironmentProblem
from containers.owner import labels

DAEMON = "pacemaker-remoted"
CLUSTER = "pacemakerd"
COROSYNC = "corosync"

#: Prints one line for each program that there is: its name, the exit status, what it printed.
_LOOK = f"""
for program in {DAEMON} {CLUSTER} {COROSYNC}; do
    command -v "$program" >/dev/null || continue
    option=--version
    [ "$program" = {COROSYNC} ] && option=-v
    printed=$("$program" "$option" 2>&1)
    printf '%s %s %s\\n' "$program" $? "$(printf '%s' "$printed" | tr '\\n' ' ')"
done
"""


@dataclass(frozen=True)
class Contents:
    """The programs of an image.

    Attributes:
        image: its name.
        programs: those of the three above that it has: exit status and output of ``--version``.
    """

    image: str
    programs: Mapping[str, tuple[int, str]]

    def lacks(self, *programs: str) -> tuple[str, ...]:
        """Those of *programs* that the image does not have."""
        return tuple(program for program in programs if program not in self.programs)

    def version(self, program: str) -> Version:
        """Pacemaker's version, as *program*, which the image has, tells it.

        Raises:
            EnvironmentProblem: it does not run, or tells something else.
        """
        status, text = self.programs[program]
        if status != 0:
            raise EnvironmentProblem(
                f"{program} does not run in {self.image}: it ended with {status} and said {text!r}"
            )
        told = re.search(r"Pacemaker (\d+(?:\.\d+)+(?:-?rc\d+)?)", text)
        if told is None:
            raise EnvironmentProblem(f"{program} --version in {self.image} printed {text[:80]!r}")
        return Version(told[1])


def look(image: str) -> Contents:
    """What *image* holds.

    Raises:
        EnvironmentProblem: nothing can be run in it.
    """
    try:
        printed = _run(image)
    except APIError as error:
        raise EnvironmentProblem(f"image {image} cannot be run: {error.explanation}") from error
    lines = (line.split(" ", 2) for line in printed.splitlines())
    return Contents(image, {name: (int(status), text.strip()) for name, status, text in lines})


def _run(image: str) -> str:
    client = connect()
    container = client.containers.create(image, ["sh", "-c", _LOOK], labels=labels())
    try:
        container.start()
        status = container.wait()["StatusCode"]
        printed = container.logs().decode(errors="replace")
    finally:
        container.remove(force=True)
    if status != 0:
        raise EnvironmentProblem(f"a shell in {image} ended with {status}: {printed.strip()!r}")
    return printed
