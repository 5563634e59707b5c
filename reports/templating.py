# SPDX-License-Identifier: GPL-2.0-or-later
"""How the templates beside this module are read and what they can say.

Texts of a record may hold whatever a hostile peer sent, so a page escapes all of them by itself,
and a cell of a Markdown table is written with the filter ``cell``.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import jinja2


def template(name: str) -> jinja2.Template:
    """The template of that file name; one that ends in ``.html`` escapes what is put into it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["slug"] = _slug
    environment.filters["seconds"] = _seconds
    environment.filters["quote"] = quote_path
    environment.filters["cell"] = _cell
    return environment.get_template(name)


def quote_path(value: str) -> str:
    """The value as the path or the fragment of a URL."""
    return quote(value, errors="backslashreplace")


def _slug(value: str) -> str:
    """The value as a CSS class or an anchor can carry it. Different texts may share one."""
    return re.sub(r"[^A-Za-z0-9]+", "-", value).strip("-")


def _cell(value: str) -> str:
    """The value as a cell of a Markdown table: on one line, with nothing that is markup."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", " ".join(value.split()))


def _seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 120:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes} min {seconds} s"
