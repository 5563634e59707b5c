# SPDX-License-Identifier: GPL-2.0-or-later
"""What the wire tests share: how to cut a stream, and random messages of every type."""

import itertools
from collections.abc import Sequence

from hypothesis import strategies as st

from fixtures.wire import (
    AlertExec,
    Cancel,
    Check,
    Exec,
    ExecNotify,
    GetRecurring,
    NewClientNotify,
    Notify,
    Poke,
    PokeNotify,
    ProxyForward,
    ProxyNotify,
    RegisterNotify,
    RegisterRequest,
    Reply,
    Request,
    ResourceInfo,
    ResourceRegister,
    ResourceUnregister,
    UnregisterNotify,
)


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Cut ``data`` at the given offsets; offsets beyond its end are harmless."""
    edges = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


cuts = st.lists(st.integers(min_value=0, max_value=2000), max_size=8)

# Characters that XML 1.0 allows; an attribute holding nothing means an absent one.
_characters = st.characters(
    codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"
)
words = st.text(_characters | st.sampled_from("\t\n:;&<>\"'"), min_size=1, max_size=12)
names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_]{0,8}", fullmatch=True)
signed = st.integers(min_value=-(2**31), max_value=2**31 - 1)
unsigned = st.integers(min_value=0, max_value=2**32 - 1)
parameters = st.dictionaries(names, st.text(_characters, max_size=12), max_size=4)
payloads = st.none() | words.map(lambda word: f"<cib x={quoted(word)}/>".encode())


def quoted(word: str) -> str:
    """Write an attribute value by hand, so that tests do not trust the code under test."""
    for char, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        word = word.replace(char, reference)
    return '"' + word.replace("\t", "&#9;").replace("\n", "&#10;") + '"'


_maybe = st.none() | words
_shared = {
    "client_name": _maybe,
    "addressee": _maybe,
    "root": st.sampled_from(["lrmd_command", "lrmd_ipc_proxy", "other"]),
}
_timed = {"timeout_ms": signed, "call_options": signed}
_data = {"origin": _maybe}
_resource = {**_shared, **_timed, **_data, "resource_id": _maybe}

requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(RegisterRequest, protocol_version=_maybe, is_ipc_provider=st.booleans(), **_shared),
    st.builds(ResourceRegister, standard=_maybe, provider=_maybe, agent=_maybe, **_resource),
    st.builds(ResourceInfo, **_resource),
    st.builds(ResourceUnregister, **_resource),
    st.builds(
        Exec,
        action=_maybe,
        userdata=_maybe,
        interval_ms=unsigned,
        start_delay_ms=signed,
        parameters=parameters,
        **_resource,
    ),
    st.builds(Cancel, action=_maybe, interval_ms=unsigned, **_resource),
    st.builds(Poke, **_shared, **_timed, **_data),
    st.builds(GetRecurring, **_resource),
    st.builds(
        AlertExec, alert_id=_maybe, path=_maybe, parameters=parameters, **_shared, **_timed, **_data
    ),
    st.builds(Check, watchdog=_maybe, **_shared, **_timed, **_data),
    st.builds(
        ProxyForward,
        ipc_op=_maybe,
        session=_maybe,
        ipc_message_id=st.none() | signed,
        payload=payloads,
        **_shared,
    ),
)

replies: st.SearchStrategy[Reply] = st.builds(
    Reply,
    rc=st.none() | signed,
    call_id=st.none() | unsigned,
    origin=_maybe,
    root=st.sampled_from(["lrmd_reply", "reply"]),
    attributes=st.dictionaries(names.map(lambda name: f"x{name}"), words, max_size=3),
    children=st.lists(payloads.filter(bool), max_size=2).map(tuple),
)

_generic = {"rc": signed, "call_id": unsigned, "resource_id": _maybe, "origin": _maybe}
_number = st.none() | unsigned

notifies: st.SearchStrategy[Notify] = st.one_of(
    st.builds(PokeNotify, **_generic),
    st.builds(RegisterNotify, **_generic),
    st.builds(UnregisterNotify, **_generic),
    st.builds(NewClientNotify, client_name=_maybe, client_id=_maybe, origin=_maybe),
    st.builds(
        ExecNotify,
        origin=_maybe,
        timeout_ms=st.none() | signed,
        interval_ms=unsigned,
        start_delay_ms=st.none() | signed,
        exit_code=signed,
        status=signed,
        call_id=unsigned,
        deleted=_number,
        run_time=_number,
        rc_change_time=_number,
        exec_time_ms=_number,
        queue_time_ms=_number,
        resource_id=words,
        action=words,
        userdata=_maybe,
        output=_maybe,
        exit_reason=_maybe,
        parameters=parameters,
    ),
    st.builds(
        ProxyNotify,
        origin=_maybe,
        ipc_op=words,
        server=_maybe,
        session=words,
        client=_maybe,
        user=_maybe,
        ipc_message_id=_number,
        ipc_message_flags=_number,
        payload=payloads,
    ),
)
