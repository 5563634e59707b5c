# SPDX-License-Identifier: GPL-2.0-or-later
"""The proof's one option."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--whole",
        action="store_true",
        help="run the whole daemon suite against each wrong daemon: no other tests may fail",
    )
