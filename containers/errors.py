# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong with the places where systems under test run.

Two families, because they end a run with different exit codes: :class:`UsageError` is the
caller's mistake (exit code 2), :class:`EnvironmentProblem` is something that the harness needs
and did not get (exit code 3). Every message is one sentence for a person, and says what to do
where there is something to do.
"""

from __future__ import annotations


class UsageError(Exception):
    """The caller asked for something that cannot be; one sentence says what."""


class EnvironmentProblem(Exception):  # noqa: N818 - "problem" is the word users see
    """Something outside the tests is missing or broken; one sentence says what."""


class ImageBuildError(EnvironmentProblem):
    """An image could not be built.

    Attributes:
        log: the last lines of the build's output, oldest first.
    """

    def __init__(self, message: str, log: list[str]) -> None:
        self.log = log
        super().__init__("\n".join([message, *(f"    {line}" for line in log)]))


class WaitTimeout(EnvironmentProblem):
    """An awaited event did not come within its deadline.

    The message says what was awaited, for how long, the last state seen, recent log lines and a
    hint. Whether that is a deviation of the system under test or a fault of the environment is
    for the caller to decide: a test that awaits the required behaviour turns it into a failure.
    """

    def __init__(
        self, awaited: str, seconds: float, last: str, *, log: str = "", hint: str = ""
    ) -> None:
        self.awaited = awaited
        self.last = last
        parts = [f"{awaited}: not seen within {seconds:.1f} s", f"last seen: {last}"]
        if log:
            parts.append("recent log:\n" + "\n".join(f"    {line}" for line in log.splitlines()))
        if hint:
            parts.append(f"hint: {hint}")
        super().__init__("\n".join(parts))
