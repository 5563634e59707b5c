# SPDX-License-Identifier: GPL-2.0-or-later
"""The key file: where it is looked for, when it is read, and what counts as a key."""

from __future__ import annotations

import base64
from hashlib import shake_256

import pytest

from conformance.deviation import check
from containers.node import AUTHKEY, LOG_FILE, File

from .admittance import TLS12, TLS13, admitted, let_in, refused
from .conftest import StartDaemon

COROSYNC = "/etc/corosync/authkey"
ELSEWHERE = "/etc/pacemaker/key-of-the-variable"
DIRECTORY = "/etc/pacemaker"

#: A key for each place, so that the one that counts can be told.
KEYS = {
    place: shake_256(place.encode()).digest(256) for place in ("variable", "default", "corosync")
}
PATHS = {"variable": ELSEWHERE, "default": AUTHKEY, "corosync": COROSYNC}
WARNING = "A cluster connection will not be possible until the key is available"


def files(*places: str) -> dict[str, File | None]:
    """The key files of these places, and none in the default one unless it is among them."""
    return {AUTHKEY: None, **{PATHS[place]: File(KEYS[place], 0o640) for place in places}}


def case(
    name: str, requirement: str, bugs: str, location: str | None, present: str, counts: str = ""
) -> object:
    """One situation: *location* is the variable's value, *counts* the key that then counts."""
    marks = (pytest.mark.requirement(requirement), pytest.mark.killed_by(*bugs.split()))
    return pytest.param(location, present.split(), counts, id=name, marks=marks)


IGNORED, LOST = "key_location_ignored", "key_falls_back_to_default exits_without_key"
FOREIGN = "key_falls_back_to_corosync corosync_key_first exits_without_key"
OLD = "key_fallbacks_ignored"
SITUATIONS = [
    case("default first", "TLS-006", "corosync_key_first", None, "default corosync", "default"),
    case("variable", "TLS-008", IGNORED, ELSEWHERE, "variable default", "variable"),
    case("no such file", "TLS-009", f"{IGNORED} {LOST}", ELSEWHERE, "default"),
    case("directory", "TLS-009", f"{IGNORED} {LOST}", DIRECTORY, "default"),
    case("then default", "TLS-010", OLD, ELSEWHERE, "default", "default"),
    case("then corosync", "TLS-010", OLD, ELSEWHERE, "corosync", "corosync"),
    case("at last corosync", "TLS-010", OLD, None, "corosync", "corosync"),
    case("only corosync", "TLS-011", FOREIGN, None, "corosync"),
]


@pytest.mark.parametrize(("location", "present", "counts"), SITUATIONS)
async def test_key_is_taken_from_its_place(
    start_daemon: StartDaemon, location: str | None, present: list[str], counts: str
) -> None:
    variables = {} if location is None else {"PCMK_authkey_location": location}
    daemon = await start_daemon(variables, files=files(*present))
    found = await let_in(daemon, KEYS)
    wanted = {counts} - {""}
    check(found == wanted, expected=f"key that counts: {wanted or 'none'}", actual=f"{found}")


@pytest.mark.requirement("TLS-012")
@pytest.mark.killed_by("exits_without_key", "missing_key_not_warned_of", "missing_key_is_empty")
async def test_without_a_key_it_listens_warns_and_lets_nobody_in(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon(files={AUTHKEY: None})
    # Only the log can show that the administrator was told.
    check(WARNING in daemon.log(), expected=WARNING, actual=daemon.log())
    check(await daemon.listening() != [], expected="it listens", actual="it does not")
    empty = daemon.client("empty key", key=b"", priority=f"{TLS12}:+PSK")
    check(
        await refused(daemon.client()) and await refused(empty),
        expected="no key opens a session, nor does the empty one",
        actual=f"ended: {empty.ending}",
    )


@pytest.mark.requirement("TLS-013")
@pytest.mark.killed_by("key_read_at_start_only", "exits_without_key")
async def test_key_that_comes_after_the_start_works(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon(files={AUTHKEY: None})
    assert await refused(daemon.client("too early"))
    await daemon.write(AUTHKEY, daemon.key)
    client = daemon.client()
    check(await admitted(client), expected="the key opens a session", actual=f"{client.ending}")


@pytest.mark.waits(61)
@pytest.mark.requirement("TLS-014")
@pytest.mark.killed_by("key_never_cached", "key_cached_for_good")
async def test_replaced_key_counts_after_a_minute(start_daemon: StartDaemon) -> None:
    keys = {"old": KEYS["default"], "new": KEYS["variable"]}
    daemon = await start_daemon(key=keys["old"])
    await daemon.write(AUTHKEY, keys["new"])
    found = await let_in(daemon, keys)
    check(found == {"old"}, expected="the old key counts at first", actual=f"{found}")
    await daemon.pass_time(61)
    found = await let_in(daemon, keys)
    check(found == {"new"}, expected="the new key counts after 60 s", actual=f"{found}")


@pytest.mark.waits(61)
@pytest.mark.requirement("TLS-015")
@pytest.mark.killed_by(
    "key_never_cached", "key_cache_expires", "address_not_reused", "waits_without_provider"
)
async def test_first_key_counts_until_the_daemon_ends(start_daemon: StartDaemon) -> None:
    keys = {"old": KEYS["default"], "new": KEYS["variable"]}
    daemon = await start_daemon(key=keys["old"])
    await daemon.write(AUTHKEY, keys["new"])
    await daemon.pass_time(61)
    found = await let_in(daemon, keys)
    check(found == {"old"}, expected="the old key still counts after 61 s", actual=f"{found}")
    await daemon.remove(AUTHKEY)
    check(await admitted(daemon.client()), expected="without the file too", actual="refused")
    await daemon.write(AUTHKEY, keys["new"])
    await daemon.terminate()
    assert await daemon.wait_exited(10) == 0
    await daemon.restart()
    found = await let_in(daemon, keys)
    check(found == {"new"}, expected="the new key counts after a restart", actual=f"{found}")


@pytest.mark.requirement("TLS-016")
@pytest.mark.killed_by("empty_key_accepted", "exits_without_key", "missing_key_is_empty")
@pytest.mark.parametrize("exchange", ["PSK", "DHE-PSK"])
async def test_empty_key_file_lets_nobody_in(start_daemon: StartDaemon, exchange: str) -> None:
    daemon = await start_daemon(key=b"")
    client = daemon.client("empty key", priority=f"{TLS12}:+{exchange}")
    check(
        not await admitted(client),
        expected="an empty key opens no session",
        actual="registered with an empty key",
    )


#: Lengths of keys, and the bugs that each of them shows.
LENGTHS = {
    1: ["short_keys_refused"],
    2: ["short_keys_refused", "accept_any_key"],
    63: ["short_keys_refused", "accept_any_key"],
    64: ["accept_any_key"],
    255: ["accept_any_key"],
    256: ["accept_any_key"],
    16384: ["long_keys_cut", "accept_any_key"],
    65535: ["long_keys_cut", "accept_any_key"],
}


@pytest.mark.requirement("TLS-005")
@pytest.mark.parametrize(
    "length",
    [
        pytest.param(length, marks=pytest.mark.killed_by("tls13_only", *bugs))
        for length, bugs in LENGTHS.items()
    ],
)
async def test_key_may_have_any_length(start_daemon: StartDaemon, length: int) -> None:
    key = shake_256(b"a key").digest(length)
    daemon = await start_daemon(key=key)
    keys = {"same": key, "last byte differs": key[:-1] + bytes([key[-1] ^ 1])}
    found = await let_in(daemon, keys)
    check(found == {"same"}, expected="all bytes count, none else", actual=f"{found}")
    client = daemon.client(priority=f"{TLS12}:+DHE-PSK")
    check(await admitted(client), expected="in TLS 1.2 too", actual=f"{client.ending}")


@pytest.mark.requirement("TLS-004")
@pytest.mark.killed_by("key_trimmed", "accept_any_key")
async def test_blanks_and_zeros_are_part_of_the_key(start_daemon: StartDaemon) -> None:
    key = b"\n begin" + b"\0" * 64 + b"end \n\n"
    daemon = await start_daemon(key=key)
    keys = {
        "whole": key,
        "without blanks around": key.strip(),
        "without the last line end": key[:-1],
        "without line ends": key.rstrip(b"\n"),
        "up to the zeros": key[: key.index(0)],
    }
    found = await let_in(daemon, keys)
    check(found == {"whole"}, expected="every byte counts", actual=f"{found}")


@pytest.mark.requirement("TLS-004")
@pytest.mark.killed_by("long_keys_cut")
async def test_key_too_long_for_tls_is_not_cut(start_daemon: StartDaemon) -> None:
    key = shake_256(b"a key").digest(65536 + 4096)
    daemon = await start_daemon(key=key)
    parts = {"the first 4096": key[:4096], "the first 65535": key[:65535], "the rest": key[65536:]}
    found = await let_in(daemon, parts)
    check(found == set(), expected="no part of the key opens a session", actual=f"{found}")
    check(await daemon.alive(), expected="the daemon lives", actual="it ended")


@pytest.mark.requirement("TLS-037")
@pytest.mark.killed_by("wrong_key_gets_alert")
@pytest.mark.parametrize("version", [TLS13, TLS12], ids=["TLS1.3", "TLS1.2"])
async def test_wrong_key_is_refused_without_detail(start_daemon: StartDaemon, version: str) -> None:
    daemon = await start_daemon()
    stranger = daemon.client("stranger", key=KEYS["corosync"], priority=f"{version}:+DHE-PSK")
    assert await refused(stranger)
    assert stranger.ending is not None
    check(
        stranger.ending.alert in (None, "close_notify"),
        expected="no alert that tells why",
        actual=f"{stranger.ending}",
    )


@pytest.mark.requirement("TLS-037", "SEC-010")
@pytest.mark.killed_by("key_logged")
@pytest.mark.parametrize("debug", ["no", "yes"])
async def test_log_never_has_the_key(start_daemon: StartDaemon, debug: str) -> None:
    daemon = await start_daemon({"PCMK_debug": debug})
    assert await admitted(daemon.client())
    assert await refused(daemon.client("stranger", key=KEYS["corosync"]))
    log = await daemon.read(LOG_FILE)
    assert log
    part = daemon.key[:24]
    forms = {"raw": part[:8], "hex": part.hex().encode(), "base64": base64.b64encode(part)}
    found = [name for name, form in forms.items() if form.lower() in log.lower()]
    check(found == [], expected="no key in the log, in any form", actual=f"found: {found}")


@pytest.mark.requirement("SEC-011")
@pytest.mark.killed_by("open_key_file_not_reported")
async def test_key_file_that_all_can_read_is_reported(start_daemon: StartDaemon) -> None:
    daemon = await start_daemon(files={AUTHKEY: File(KEYS["default"], 0o644)})
    # Only the log can show that the administrator was told.
    about_it = [line for line in daemon.log().splitlines() if AUTHKEY in line]
    told = any("readable" in line or "permission" in line for line in about_it)
    check(told, expected="the log warns of it", actual="the log tells nothing of it")
