# SPDX-License-Identifier: GPL-2.0-or-later
"""How a test says that the target deviates.

A failed test prints what is required, what was expected here and what was seen. The requirement's
sentence comes from the catalogue; the other two come from the test::

    check(reply.rc == 0, expected="return code 0", actual=f"return code {reply.rc}")

A plain ``assert`` is fine where the values speak for themselves: then the sentence is what was
expected, and pytest's account of the assertion what was seen.
"""

from __future__ import annotations


class Deviation(AssertionError):  # noqa: N818 - the word of the field
    """The target does not do what the requirement demands."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(expected, actual)
        self.expected = expected
        self.actual = actual

    def __str__(self) -> str:
        return f"expected: {self.expected}\nactual: {self.actual}"


def check(condition: bool, *, expected: str, actual: str) -> None:
    """Raise :exc:`Deviation` unless the condition holds."""
    __tracebackhide__ = True  # the traceback should end in the test
    if not condition:
        raise Deviation(expected, actual)
