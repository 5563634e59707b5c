# SPDX-License-Identifier: GPL-2.0-or-later
"""The search for plaintext alerts among records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.tls.alerts import AlertWatcher

CLOSE_NOTIFY = bytes.fromhex("15 03 03 00 02 01 00")
FATAL = bytes.fromhex("15 03 01 00 02 02 28")
WARNING = bytes.fromhex("15 03 03 00 02 01 64")
HANDSHAKE = bytes.fromhex("16 03 03 00 07") + CLOSE_NOTIFY  # an alert's bytes, but inside
ENCRYPTED_ALERT = bytes.fromhex("15 03 03 00 1a") + b"\x02\x28" + bytes(24)
EMPTY = bytes.fromhex("16 03 03 00 00")


@pytest.mark.parametrize(
    ("stream", "alert", "is_final"),
    [
        (b"", (0, None), False),
        (CLOSE_NOTIFY, (1, 0), True),
        (FATAL, (2, 40), True),
        (WARNING, (1, 100), False),
        (WARNING + FATAL, (2, 40), True),
        (CLOSE_NOTIFY[:-1], (0, None), False),
        (HANDSHAKE, (0, None), False),
        (ENCRYPTED_ALERT, (0, None), False),
        pytest.param(
            HANDSHAKE + EMPTY + ENCRYPTED_ALERT + CLOSE_NOTIFY + HANDSHAKE[:8],
            (1, 0),
            True,
            id="among others",
        ),
    ],
)
@given(data=st.data())
def test_alerts_are_found_however_the_stream_is_cut(
    data: st.DataObject, stream: bytes, alert: tuple[int, int | None], is_final: bool
) -> None:
    watcher = AlertWatcher()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        watcher.feed(stream[:size])
        stream = stream[size:]
    assert (watcher.level, watcher.description) == alert
    assert watcher.is_final == is_final
