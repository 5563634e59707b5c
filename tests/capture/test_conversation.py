# SPDX-License-Identifier: GPL-2.0-or-later
"""From socket calls back to packets."""

import pytest
from scapy.layers.inet import IP, TCP

from fixtures.capture.conversation import Conversation
from fixtures.capture.packets import MAX_PAYLOAD

from .helpers import CLIENT, SERVER

HELLO = b"\x16\x03\x01"


def client_side() -> Conversation:
    """A conversation of the side that connected."""
    return Conversation("test", CLIENT, SERVER, 100)


def summary(conversation: Conversation) -> list[tuple[str, str, int, int, int]]:
    """Who sent each packet, its flags, sequence and acknowledgement numbers, payload size."""
    found = []
    for _, data in conversation.packets():
        tcp = IP(data)[TCP]
        sender = "client" if tcp.sport == CLIENT[1] else "server"
        found.append((sender, str(tcp.flags), tcp.seq, tcp.ack, len(tcp.payload)))
    return found


def test_data_is_numbered_and_acknowledges_what_was_seen() -> None:
    conversation = client_side()
    conversation.add(200, sent=True, data=HELLO)
    conversation.add(300, sent=False, data=b"12345")
    conversation.add(400, sent=True, data=b"6")
    assert summary(conversation) == [
        ("client", "S", 0, 0, 0),
        ("server", "SA", 0, 1, 0),
        ("client", "A", 1, 1, 0),
        ("client", "PA", 1, 1, 3),
        ("server", "PA", 1, 4, 5),
        ("client", "PA", 4, 6, 1),
    ]
    times = [packet.time_ns for packet in conversation.packets()]
    assert times == [100, 100, 100, 200, 300, 400]


def test_an_ipv4_packet_cannot_hold_a_large_socket_call() -> None:
    conversation = client_side()
    data = bytes(range(256)) * 300
    conversation.add(200, sent=True, data=HELLO + data)
    packets = [IP(packet.data)[TCP] for packet in conversation.packets()][3:]
    assert [len(packet.payload) for packet in packets] == [MAX_PAYLOAD, 3 + len(data) - MAX_PAYLOAD]
    assert b"".join(bytes(packet.payload) for packet in packets) == HELLO + data
    assert packets[1].seq == 1 + MAX_PAYLOAD


def test_what_was_not_kept_leaves_a_gap() -> None:
    conversation = client_side()
    conversation.add(200, sent=True, data=HELLO)
    conversation.add(300, sent=True, data=b"x" * 1000, keep=False)
    conversation.add(400, sent=True, data=b"y")
    assert summary(conversation)[3:] == [("client", "PA", 1, 1, 3), ("client", "PA", 1004, 1, 1)]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("FIN", [("server", "FA"), ("client", "FA"), ("server", "A")]),
        ("close_notify", [("server", "FA"), ("client", "FA"), ("server", "A")]),
        ("fatal alert decrypt_error", [("server", "FA"), ("client", "FA"), ("server", "A")]),
        ("local", [("client", "FA"), ("server", "FA"), ("client", "A")]),
        ("local during the TLS handshake", [("client", "FA"), ("server", "FA"), ("client", "A")]),
        ("fault (bad header)", [("client", "FA"), ("server", "FA"), ("client", "A")]),
        ("RST", [("server", "RA")]),
        ("RST during the TLS handshake", [("server", "RA")]),
        ("lost (timed out)", []),
    ],
)
def test_the_end_is_as_the_peer_saw_it(ending: str, expected: list[tuple[str, str]]) -> None:
    conversation = client_side()
    conversation.add(200, sent=True, data=HELLO)
    conversation.close(300, ending)
    assert [packet[:2] for packet in summary(conversation)[4:]] == expected


def test_an_open_connection_has_no_end() -> None:
    assert len(summary(client_side())) == 3


@pytest.mark.parametrize("says_hello", [True, False])
def test_the_side_that_says_hello_is_the_one_that_connected(says_hello: bool) -> None:
    """Ports do not tell: the listener's may be the higher one."""
    conversation = Conversation("test", ("127.0.0.1", 5000), ("127.0.0.1", 40000), 0)
    conversation.add(0, sent=says_hello, data=HELLO)
    assert conversation.server_port == (40000 if says_hello else 5000)
    syn = IP(next(conversation.packets()).data)[TCP]
    assert syn.dport == conversation.server_port


def test_without_a_hello_the_lower_port_is_the_listener() -> None:
    """A server may close in the clear before the client has said a word."""
    conversation = Conversation("test", SERVER, CLIENT, 0)
    conversation.add(0, sent=True, data=bytes.fromhex("15 03 03 00 02 01 00"))
    assert conversation.server_port == SERVER[1]
    assert client_side().server_port == SERVER[1]
