# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of made-up rows for the loaders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WriteRows = Callable[..., Path]


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    """Write ``name`` below the test's directory with one ``[[table]]`` for each row."""

    def write(name: str, table: str, *rows: dict[str, Any]) -> Path:
        lines = []
        for row in rows:
            lines.append(f"[[{table}]]")
            # A JSON string, number or list of strings is a TOML value as it stands.
            lines += [f"{key} = {json.dumps(value)}" for key, value in row.items()]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write
