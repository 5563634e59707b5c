# SPDX-License-Identifier: GPL-2.0-or-later
"""A command that only looks is repeated while the engine loses its output, and not for ever."""

from typing import cast

import pytest

from containers.node import LOOKS, Node, NodeDown, Ran


class Flaky(Node):
    """A host whose first outputs are lost."""

    def __init__(self, lost: int, *, powered: bool = True) -> None:
        super().__init__("n1", "image", cast("object", None), "192.0.2.1")  # type: ignore[arg-type]
        self.lost = lost
        self.up = powered
        self.tries = 0

    def run(self, command: object, *, check: bool = True) -> Ran:
        self.tries += 1
        if self.tries <= self.lost:
            raise NodeDown("lost")
        return Ran("look", 0, "seen")

    def boot_time(self) -> str | None:
        return "now" if self.up else None


def test_lost_output_is_looked_for_again() -> None:
    node = Flaky(LOOKS - 1)
    assert node.look("look").output == "seen"
    assert node.tries == LOOKS


@pytest.mark.parametrize(("powered", "tries"), [(True, LOOKS), (False, 1)])
def test_looking_ends(powered: bool, tries: int) -> None:
    node = Flaky(LOOKS, powered=powered)
    with pytest.raises(NodeDown):
        node.look("look")
    assert node.tries == tries
