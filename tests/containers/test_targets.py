# SPDX-License-Identifier: GPL-2.0-or-later
"""The words of ``--target``."""

from __future__ import annotations

from pathlib import Path

import pytest

from containers.errors import UsageError
from containers.targets import DEFAULT_PORT, SUITES, Kind, Target


@pytest.fixture
def debs(tmp_path: Path) -> Path:
    """A directory with a package in it."""
    (tmp_path / "pacemaker-remote_3.0.1-1_amd64.deb").touch()
    return tmp_path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What ``make install DESTDIR=`` leaves."""
    daemon = tmp_path / "usr" / "sbin" / "pacemaker-remoted"
    daemon.parent.mkdir(parents=True)
    daemon.touch()
    return tmp_path


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_is_a_target(suite: str) -> None:
    target = Target.parse(f"debian:{suite}")

    assert (target.kind, target.suite, target.has_images) == (Kind.DEBIAN, suite, True)


def test_image_may_have_any_name_that_an_engine_knows() -> None:
    target = Target.parse("image:registry.example:5000/ha/node:1.2@sha256:0f")

    assert (target.kind, target.value, target.suite) == (
        Kind.IMAGE,
        "registry.example:5000/ha/node:1.2@sha256:0f",
        "",
    )
    assert target.has_images


@pytest.mark.parametrize(("suffix", "suite"), [("", "trixie"), ("@sid", "sid")])
def test_packages_stand_on_a_suite(debs: Path, suffix: str, suite: str) -> None:
    target = Target.parse(f"debs:{debs}{suffix}")

    assert (target.kind, target.directory, target.suite) == (Kind.DEBS, debs, suite)
    assert target.has_images


def test_directory_may_have_the_suites_sign_in_its_name(tmp_path: Path) -> None:
    directory = tmp_path / "build@host"
    directory.mkdir()
    (directory / "pacemaker_3.0.1-1_amd64.deb").touch()

    target = Target.parse(f"debs:{directory}@sid")

    assert (target.directory, target.suite) == (directory, "sid")


@pytest.mark.parametrize(("suffix", "suite"), [("", "trixie"), ("@bookworm", "bookworm")])
def test_install_tree_stands_on_a_suite(tree: Path, suffix: str, suite: str) -> None:
    target = Target.parse(f"install:{tree}{suffix}")

    assert (target.kind, target.directory, target.suite) == (Kind.INSTALL, tree, suite)
    assert target.has_images


@pytest.mark.parametrize(
    ("value", "address", "port"),
    [
        ("192.0.2.7", "192.0.2.7", DEFAULT_PORT),
        ("192.0.2.7:3999", "192.0.2.7", 3999),
        ("node1.example.com", "node1.example.com", DEFAULT_PORT),
        ("[2001:db8::7]", "2001:db8::7", DEFAULT_PORT),
        ("[2001:db8::7]:1", "2001:db8::7", 1),
        ("h:65535", "h", 65535),
    ],
)
def test_host_is_an_address_and_a_port(value: str, address: str, port: int) -> None:
    target = Target.parse(f"host:{value}")

    assert (target.kind, target.address, target.port) == (Kind.HOST, address, port)
    assert not target.has_images


@pytest.mark.parametrize(
    ("text", "value"),
    [("fake", ""), ("fake:a,b", "a,b"), ("fake@2.1.5", "@2.1.5"), ("fake:a@2.1.5", "a@2.1.5")],
)
def test_fake_keeps_what_it_was_asked_to_be(text: str, value: str) -> None:
    target = Target.parse(text)

    assert (target.kind, target.value, target.has_images) == (Kind.FAKE, value, False)


@pytest.mark.parametrize("text", ["debian:sid", "host:h:1", "image:a/b", "fake:x"])
def test_target_is_shown_as_it_was_asked_for(text: str) -> None:
    assert str(Target.parse(text)) == text


def test_slug_can_stand_in_the_name_of_an_image(debs: Path) -> None:
    assert Target.parse("debian:sid").slug == "debian-sid"
    assert Target.parse(f"debs:{debs}@sid").slug == "debs-sid"
    assert Target.parse("image:Reg.example:5000/HA_node:1.2").slug == (
        "image-reg-example-5000-ha-node-1-2"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "unknown target '': it must begin with one of debian:, image:, "),
        ("debian", "target 'debian' names nothing after the colon"),
        ("trixie", "unknown target 'trixie'"),
        ("Debian:trixie", "unknown target 'Debian:trixie'"),
        ("debian:", "names nothing after the colon"),
        ("image:", "names nothing after the colon"),
        ("debian:wheezy", "'wheezy' is not one of bullseye, bookworm, trixie, forky, sid"),
        ("debs:/nonexistent", "there is no directory /nonexistent"),
        ("install:/nonexistent@sid", "there is no directory /nonexistent"),
        ("debs:/@lenny", "'lenny' is not one of"),
        ("host:", "names nothing after the colon"),
        ("host:::1", "write host:ADDR, host:ADDR:PORT or host:[IPV6]:PORT"),
        ("host:h:ssh", "write host:ADDR"),
        ("host:[::1", "write host:ADDR"),
        ("host:h:", "write host:ADDR"),
        ("host:h:0", "0 is not a TCP port"),
        ("host:h:65536", "65536 is not a TCP port"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Target.parse(text)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_directory_without_packages_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()

    with pytest.raises(UsageError, match=r"no \.deb file lies in"):
        Target.parse(f"debs:{tmp_path}")


def test_tree_without_a_daemon_is_refused(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()

    with pytest.raises(UsageError, match="make install DESTDIR=DIR"):
        Target.parse(f"install:{tmp_path}")
