# SPDX-License-Identifier: GPL-2.0-or-later
"""Key schedules and groups against published examples."""

from fixtures.tls.hostile.schedule import Secrets13, expand_label, premaster, prf
from fixtures.tls.hostile.suites import FiniteField


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def test_the_key_schedule_of_rfc_8448() -> None:
    """RFC 8448 §3: no PSK, so zeros in its place; the X25519 secret and hashes are given."""
    secrets = Secrets13("sha256", bytes(32))
    assert secrets.derive("derived", b"") == unhex(
        "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"
    )
    secrets.advance(unhex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"))
    assert secrets.derive("derived", b"") == unhex(
        "43de77e0c77713859a944db9db2590b53190a65b3ee2e4f12dd7a0bb7ce254b4"
    )
    secrets.advance()
    assert secrets.stage == unhex(
        "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919"
    )


def test_the_traffic_keys_of_rfc_8448() -> None:
    """RFC 8448 §3: the server's handshake traffic secret and what is made of it."""
    secret = unhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    assert expand_label("sha256", secret, "key", b"", 16) == unhex(
        "3fce516009c21727d0f2e4e86ee403bc"
    )
    assert expand_label("sha256", secret, "iv", b"", 12) == unhex("5d313eb2671276ee13000b30")
    assert expand_label("sha256", secret, "finished", b"", 32) == unhex(
        "008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8"
    )


def test_the_prf_of_tls12() -> None:
    """The example for P_SHA256 that the TLS working group agreed on (Wouters, 2008)."""
    output = prf(
        "sha256",
        unhex("9bbe436ba940f017b17652849a71db35"),
        "test label",
        unhex("a0ba9f936cda311827a6f796ffd5198c"),
        100,
    )
    assert output == unhex(
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
        "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )


def test_premaster_secrets() -> None:
    """RFC 4279 §2: as many zeros as the key has bytes; §3: the Diffie-Hellman secret instead."""
    assert premaster(b"key") == b"\0\3\0\0\0\0\3key"
    assert premaster(b"key", b"dh") == b"\0\2dh\0\3key"


def test_ffdhe2048_is_made_as_rfc_7919_says() -> None:
    """RFC 7919 §A.1: p = 2^2048 - 2^1984 + (floor(2^1918 e) + 560316) 2^64 - 1."""
    shift, guard = 1918, 64
    e, term, n = 0, 1 << (shift + guard), 0
    while term:
        e, n = e + term, n + 1
        term //= n
    prime = 2**2048 - 2**1984 + ((e >> guard) + 560316) * 2**64 - 1
    field = FiniteField()
    assert field.prime == prime
    assert len(field.public) == 256
