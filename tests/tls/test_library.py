# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine without a usable libgnutls."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from fixtures.tls import ClientCredentials, LibraryUnavailable, gnutls


@pytest.fixture(autouse=True)
def load_anew() -> Iterator[None]:
    gnutls.load.cache_clear()
    yield
    gnutls.load.cache_clear()


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gnutls, "SONAME", "libgnutls.so.0")
    for _ in range(2):
        with pytest.raises(LibraryUnavailable, match=r"libgnutls\.so\.0 .*install GnuTLS 3\.7\.4"):
            ClientCredentials(b"lrmd", b"key")


def test_an_old_library_says_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gnutls, "MINIMUM_VERSION", "99.0.0")
    with pytest.raises(LibraryUnavailable, match=r"is GnuTLS 3\..*install GnuTLS 99\.0\.0"):
        ClientCredentials(b"lrmd", b"key")


def test_a_library_without_a_function_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gnutls._PROTOTYPES, "gnutls_from_the_future", (None, ()))
    with pytest.raises(LibraryUnavailable, match="lacks gnutls_from_the_future"):
        gnutls.load()


def test_importing_needs_no_library_and_no_io() -> None:
    """Nor socket, asyncio or docker: the transport is sans-I/O."""
    program = (
        "import ctypes, sys\n"
        "def refuse(*arguments, **keywords): raise OSError('no library')\n"
        "ctypes.CDLL = refuse\n"
        "import fixtures.tls\n"
        "print(sorted({'socket', 'asyncio', 'docker'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stderr == ""
    assert result.stdout == "[]\n"
