# SPDX-License-Identifier: GPL-2.0-or-later
"""The inner suite as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest
from inner_suite import Inner


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Inner:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    for variable in ("CI", "NOX_CURRENT_SESSION"):
        monkeypatch.delenv(variable, raising=False)
    return Inner.make(pytester)
