# SPDX-License-Identifier: GPL-2.0-or-later
"""The wrong daemons: which there are, and how exactly each one's victims are known.

Which tests a wrong daemon must kill stands with the tests: ``@pytest.mark.killed_by("bug")``. The
rule is *exactly these*: a test that fails for a bug that its requirement does not speak of is hard
to read when it fails. A bug in :data:`BROAD` is the exception: it breaks what most tests stand on,
so the tests that name it must fail, and others may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from fixtures.peers import Misbehaviour

BUGS = tuple(field.name for field in fields(Misbehaviour))

BROAD = frozenset(
    {
        "certificates_ignored",  # no client with a certificate is let in
        "auth_limit_after_success",  # every session is cut short
        "header_bad_total",  # nothing that this daemon says can be read
        "no_exec_notify",  # no action ever ends
        "no_poke_notify",
        "no_poke_reply",
        "tls12_only",  # no test that asks for another version has a session
        "tls13_only",
        "wrong_call_id_in_notify",  # no action that was asked for ever ends
    }
)

#: The release that a bug is shown on, where it would be none in the newest one.
RELEASE: Mapping[str, str] = {
    "identity_always_checked": "3.0.1",
    "key_cached_for_good": "3.0.1",
    "key_fallbacks_ignored": "2.1.5",
    "register_any_version": "3.0.1",
}


def target(bug: str) -> str:
    """What ``--target`` calls the daemon that is wrong in this way."""
    release = RELEASE.get(bug)
    return f"fake:{bug}@{release}" if release else f"fake:{bug}"
