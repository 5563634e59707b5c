# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of the search for trouble (docs/fuzzing.md), and whom it must not trouble."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from containers.targets import Kind

from .findings import read_steps

#: Upper end of seeds that are drawn where none is given: easy to type again.
_SEEDS = 1_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fuzz", "search for trouble")
    group.addoption("--seed", type=int, default=None, help="the same seed, the same sequences")
    group.addoption(
        "--minutes", type=float, default=1.0, help="how long to search (default: %(default)s)"
    )
    group.addoption(
        "--replay", type=Path, default=None, metavar="FILE", help="play these steps instead"
    )
    group.addoption(
        "--with-known", action="store_true", help="do not avoid what is known to do harm"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.option.seed is None:
        config.option.seed = secrets.randbelow(_SEEDS)
    if config.option.target.partition(":")[0] == Kind.HOST:
        raise pytest.UsageError(
            "this search is meant to kill the daemon: it is for daemons in containers, not for "
            f"{config.option.target}"
        )
    if config.option.replay is not None:
        try:
            read_steps(config.option.replay)
        except (OSError, ValueError, TypeError) as problem:
            raise pytest.UsageError(f"cannot read the steps to replay: {problem}") from None
    if config.option.minutes <= 0:
        raise pytest.UsageError("--minutes must be more than 0")
