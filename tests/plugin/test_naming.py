# SPDX-License-Identifier: GPL-2.0-or-later
"""The command that runs a case again is one that the reader has."""

import pytest

from conformance.naming import again

NODE = "conformance/daemon/test_x.py::test_y[a b]"


@pytest.mark.parametrize(
    ("session", "words"), [(None, "pytest"), ("conformance", "./noxw -s conformance --")]
)
def test_again(
    session: str | None,
    words: str,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NOX_CURRENT_SESSION", raising=False)
    if session is not None:
        monkeypatch.setenv("NOX_CURRENT_SESSION", session)
    target = pytestconfig.getoption("--target")
    assert again(pytestconfig, NODE) == f"{words} '{NODE}' --target {target}"
