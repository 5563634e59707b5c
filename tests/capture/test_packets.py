# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets, read back by scapy, which computes the checksums anew."""

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from fixtures.capture.packets import MAX_PAYLOAD, Address, Flags, tcp_packet

ports = st.integers(0, 65535)
hosts = st.one_of(
    st.tuples(*[st.ip_addresses(v=4).map(str)] * 2), st.tuples(*[st.ip_addresses(v=6).map(str)] * 2)
)


@settings(deadline=None, max_examples=30)
@given(
    hosts=hosts,
    sport=ports,
    dport=ports,
    seq=st.integers(0, 2**33),
    ack=st.integers(0, 2**33),
    payload=st.binary(max_size=100),
)
def test_scapy_reads_what_was_meant(
    hosts: tuple[str, str], sport: int, dport: int, seq: int, ack: int, payload: bytes
) -> None:
    source, destination = hosts
    data = tcp_packet(
        (source, sport),
        (destination, dport),
        seq=seq,
        ack=ack,
        flags=Flags.PSH | Flags.ACK,
        payload=payload,
    )
    layer = IPv6 if ":" in source else IP
    packet = layer(data)
    assert [ip_address(packet.src), ip_address(packet.dst)] == [*map(ip_address, hosts)]
    tcp = packet[TCP]
    assert (tcp.sport, tcp.dport) == (sport, dport)
    assert (tcp.seq, tcp.ack) == (seq % 2**32, ack % 2**32)
    assert tcp.flags == "PA"
    assert bytes(tcp.payload) == payload
    assert rebuilt(packet) == data


@pytest.mark.parametrize("hosts", [("10.0.0.1", "10.0.0.2"), ("::1", "fe80::2")])
def test_the_longest_payload(hosts: tuple[str, str]) -> None:
    source, destination = ((host, 1) for host in hosts)
    payload = b"\xff" * MAX_PAYLOAD
    data = tcp_packet(source, destination, seq=0, ack=0, flags=Flags.ACK, payload=payload)
    layer = IPv6 if ":" in hosts[0] else IP
    assert bytes(layer(data)[TCP].payload) == payload
    with pytest.raises(ValueError, match="65496 bytes for one packet, at most 65495"):
        tcp_packet(source, destination, seq=0, ack=0, flags=Flags.ACK, payload=payload + b"x")


def test_a_scope_is_left_out() -> None:
    data = tcp_packet(("fe80::1%eth0", 1), ("fe80::2%eth0", 2), seq=0, ack=0, flags=Flags.SYN)
    assert IPv6(data).src == "fe80::1"


@pytest.mark.parametrize(
    ("source", "destination"),
    [(("127.0.0.1", 1), ("::1", 1)), (("node1", 1), ("127.0.0.1", 1))],
)
def test_what_no_packet_can_carry(source: Address, destination: Address) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1|node1"):
        tcp_packet(source, destination, seq=0, ack=0, flags=Flags.SYN)


def rebuilt(packet: IP | IPv6) -> bytes:
    """The packet with lengths and checksums as scapy would have them."""
    if isinstance(packet, IP):
        del packet.len, packet.chksum
    else:
        del packet.plen
    del packet[TCP].chksum
    return bytes(packet)
