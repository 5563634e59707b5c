# SPDX-License-Identifier: GPL-2.0-or-later
"""When a fake daemon reads its key, and for how long it believes it."""

import pytest

from fixtures.peers import RELEASES, Misbehaviour
from fixtures.peers.keyring import Keyring


class Clock:
    def __init__(self) -> None:
        self.now = 0.0


def keyring(files: dict[str, bytes], release: str, clock: Clock, bugs: str = "") -> Keyring:
    misbehaviour = Misbehaviour.parse(bugs)
    return Keyring(["/a", "/b"], files, RELEASES[release], lambda: misbehaviour, lambda: clock.now)


@pytest.mark.parametrize("release", RELEASES)
def test_first_file_with_a_key_counts(release: str) -> None:
    files: dict[str, bytes] = {}
    keys = keyring(files, release, Clock())

    assert keys.key() is None
    files["/a"] = b""
    assert keys.key() is None
    files["/b"] = b"from b\n"
    assert keys.key() == b"from b\n"


@pytest.mark.parametrize(
    ("release", "renewed"), [("2.1.5", True), ("3.0.1", True), ("3.0.3", False)]
)
def test_key_is_read_again_after_a_minute_by_old_releases(release: str, renewed: bool) -> None:
    files, clock = {"/a": b"old"}, Clock()
    keys = keyring(files, release, clock)
    assert keys.key() == b"old"
    files["/a"] = b"new"

    clock.now = 59.9
    assert keys.key() == b"old"
    clock.now = 60.0
    assert keys.key() == (b"new" if renewed else b"old")
    clock.now = 119.9
    files["/a"] = b"newest"
    assert keys.key() == (b"new" if renewed else b"old")


def test_key_that_is_gone_when_it_is_read_again_is_none() -> None:
    files, clock = {"/a": b"old"}, Clock()
    keys = keyring(files, "3.0.1", clock)
    assert keys.key() == b"old"

    del files["/a"]
    clock.now = 60.0

    assert keys.key() is None


@pytest.mark.parametrize(
    ("bug", "content", "key"),
    [
        ("key_trimmed", b"key\n\n", b"key"),
        ("long_keys_cut", b"k" * 4097, b"k" * 4096),
        ("short_keys_refused", b"k" * 63, None),
        ("empty_key_accepted", b"", b""),
        ("missing_key_is_empty", b"", b""),
    ],
)
def test_what_bugs_make_of_a_key(bug: str, content: bytes, key: bytes | None) -> None:
    assert keyring({"/b": content}, "3.0.3", Clock(), bug).key() == key
