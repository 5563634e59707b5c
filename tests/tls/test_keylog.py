# SPDX-License-Identifier: GPL-2.0-or-later
"""Key log lines in the NSS format, which Wireshark reads."""

import re

import pytest

from fixtures.tls import PACEMAKER_PRIORITY, TLSError

from .helpers import TLS12_DHE_PSK, TLS12_PSK, established, exchange, pair

LINE = re.compile(r"[A-Z0-9_]+ [0-9a-f]{64} (?:[0-9a-f]{2})+")

TLS13_LABELS = {
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
}


@pytest.mark.parametrize(
    ("priority", "labels"),
    [
        (PACEMAKER_PRIORITY, TLS13_LABELS),
        (TLS12_DHE_PSK, {"CLIENT_RANDOM"}),
        (TLS12_PSK, {"CLIENT_RANDOM"}),
    ],
)
def test_both_sides_log_the_same_secrets(priority: str, labels: set[str]) -> None:
    of_client: list[str] = []
    of_server: list[str] = []
    established(priority=priority, keylog=of_client.append, server_keylog=of_server.append)

    assert all(LINE.fullmatch(line) for line in of_client)
    assert labels <= {line.split()[0] for line in of_client}
    # One connection, so one client random; and the two sides agree.
    assert len({line.split()[1] for line in of_client}) == 1
    assert {line for line in of_client if line.split()[0] in labels} <= set(of_server)


def test_the_client_random_is_the_one_on_the_wire() -> None:
    lines: list[str] = []
    both = pair(priority=TLS12_PSK, keylog=lines.append)
    both.client.start()
    hello = both.client.data_to_send()
    both.server.receive_data(hello)
    exchange(both)
    # record header 5, handshake header 4, version 2
    assert lines[0].split()[1] == hello[11 : 11 + 32].hex()


def test_the_secrets_of_a_handshake_that_fails_are_logged_before_the_error() -> None:
    lines: list[str] = []
    both = pair(priority=TLS12_PSK, client_key=b"wrong", server_keylog=lines.append)
    both.client.start()
    with pytest.raises(TLSError):
        exchange(both)
    assert [line.split()[0] for line in lines] == ["CLIENT_RANDOM"]


def test_an_exception_of_the_key_log_is_not_lost() -> None:
    def full(line: str) -> None:
        raise OSError("disk full")

    both = pair(server_keylog=full)
    both.client.start()
    with pytest.raises(OSError, match="disk full"):
        exchange(both)


def test_the_key_log_may_close_the_session() -> None:
    lines: list[str] = []

    def close(line: str) -> None:
        lines.append(line)
        both.server.close()

    both = pair(server_keylog=close)
    both.client.start()
    both.server.receive_data(both.client.data_to_send())
    assert len(lines) > 1
    with pytest.raises(RuntimeError, match="closed"):
        both.server.receive_data(b"x")
