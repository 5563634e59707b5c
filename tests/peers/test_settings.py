# SPDX-License-Identifier: GPL-2.0-or-later
"""What a fake daemon makes of variables and arguments."""

import pytest

from fixtures.peers import NEWEST, RELEASES, Misbehaviour, unknown
from fixtures.peers.settings import COROSYNC_KEY_FILE, KEY_FILE, LOG_FILE, Settings, read_settings


def settings(*arguments: str, release: str = NEWEST.name, **variables: str) -> Settings:
    return read_settings(variables, arguments, RELEASES[release], Misbehaviour())


def test_without_any_all_is_default() -> None:
    assert settings() == Settings(
        port=3121,
        other_ports=(),
        addresses=("::", "0.0.0.0"),  # noqa: S104
        address_name=None,
        key_files=(KEY_FILE,),
        priorities="NORMAL",
        dh_bits=2048,
        node_start_state=None,
        log_files=(LOG_FILE,),
        debug=False,
        warnings=(),
    )


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("1", 1),
        ("65535", 65535),
        (" +3200x", 3200),
        ("0", 3121),
        ("65536", 3121),
        ("-1", 3121),
        ("4294970417", 3121),
        ("", 3121),
        ("x", 3121),
    ],
)
def test_port_is_read_as_strtol_reads_it(value: str, port: int) -> None:
    found = settings(PCMK_remote_port=value)

    assert found.port == port
    assert bool(found.warnings) == (port == 3121)


def test_last_port_argument_wins() -> None:
    assert settings("-p", "4000", "-p", "4001", PCMK_remote_port="5000").port == 4001


@pytest.mark.parametrize(
    ("address", "tried"),
    [
        ("10.0.0.1", ("10.0.0.1",)),
        ("localhost", ("::1", "127.0.0.1")),
        ("0:0::1", ("::1",)),
        ("no name", ()),
    ],
)
def test_address(address: str, tried: tuple[str, ...]) -> None:
    assert settings(PCMK_remote_address=address).addresses == tried


@pytest.mark.parametrize(
    ("release", "location", "places"),
    [
        ("2.1.5", None, (KEY_FILE, COROSYNC_KEY_FILE)),
        ("2.1.5", "/k", ("/k", KEY_FILE, COROSYNC_KEY_FILE)),
        ("3.0.1", None, (KEY_FILE,)),
        ("3.0.1", "/k", ("/k",)),
        ("3.0.3", "/k", ("/k",)),
    ],
)
def test_places_of_the_key(release: str, location: str | None, places: tuple[str, ...]) -> None:
    variables = {} if location is None else {"PCMK_authkey_location": location}

    assert settings(release=release, **variables).key_files == places


def test_log_files_of_variable_and_arguments() -> None:
    found = settings("-l", "/b", "-l", "/c", PCMK_logfile="/a")

    assert found.log_files == ("/a", "/b", "/c")


def test_dh_prime_is_never_longer_than_asked_for() -> None:
    assert settings(PCMK_dh_max_bits="1024").dh_bits == 1024
    assert settings(PCMK_dh_max_bits="4096").dh_bits == 2048


def test_what_is_unknown_is_told() -> None:
    known = {"PCMK_remote_port": "1", "PCMK_cert_file": "/c"}

    assert unknown(known, ["-p", "1", "-l", "/a"]) == []
    assert unknown({"PCMK_other": "1"}, ["-V", "-p"]) == ["PCMK_other", "-V", "-p"]
