# SPDX-License-Identifier: GPL-2.0-or-later
"""Which tests of the daemon suite fail against which wrong daemon: exactly these, no others.

A key is a ``--target``. A value names test functions; ``ALL`` means every test that gets as far as
a message, so all but ``WITHOUT_MESSAGES``. When a new test makes a set larger, ask whether it
should: a test that fails for a bug that its requirement does not speak of is hard to read when it
fails.
"""

from __future__ import annotations

from collections.abc import Mapping

ALL = frozenset({"*"})

WITHOUT_MESSAGES = frozenset({"test_without_provider_sigterm_ends_the_daemon_at_once"})

_POKES = frozenset(
    {
        "test_every_header_is_well_formed",
        "test_newcomer_is_announced_once_to_others_and_not_to_itself",
        "test_poke_is_notified_to_every_named_client",
        "test_poke_is_replied_to_once_and_then_notified",
    }
)
_ENDS_OF_ACTIONS = frozenset(
    {
        "test_after_the_ack_operations_run_until_the_provider_leaves",
        "test_missing_agent_is_not_installed",
        "test_cancelled_monitor_is_told_before_the_reply_and_then_silent",
        "test_registered_resource_is_known",  # its clean-up stops the resource
        "test_start_monitor_stop",
        "test_userdata_comes_back_unchanged",
    }
)

KILLED: Mapping[str, frozenset[str]] = {
    "fake:accept_any_key": frozenset(
        {
            "test_failed_handshake_leaves_established_clients_alone",
            "test_refused_client_is_not_announced_to_others",
            "test_wrong_key_is_refused",
        }
    ),
    "fake:ignore_identity_rule": frozenset({"test_other_identity_is_refused"}),
    "fake:tls13_only": frozenset({"test_tls12_key_exchange_is_accepted"}),
    "fake:tls12_only": frozenset(
        {
            "test_same_key_completes_a_tls13_handshake",
            "test_tls12_key_exchange_is_accepted",  # the plain PSK half
        }
    ),
    "fake:header_bad_total": ALL,
    "fake:register_any_version@3.0.1": frozenset({"test_version_below_the_minimum_is_refused"}),
    "fake:no_client_id": frozenset({"test_each_session_gets_an_id_of_its_own"}),
    "fake:no_poke_reply": _POKES
    | {
        "test_both_byte_orders_are_understood",
        "test_failed_handshake_leaves_established_clients_alone",
        "test_refused_client_is_not_announced_to_others",
    },
    "fake:no_poke_notify": _POKES,
    "fake:announce_new_client_to_self": frozenset(
        {
            "test_newcomer_is_announced_once_to_others_and_not_to_itself",
            "test_refused_client_is_not_announced_to_others",
        }
    ),
    "fake:info_knows_everything": frozenset(
        {
            "test_exec_of_an_unregistered_resource_is_enodev",  # its clean-up finds a resource
            "test_unknown_resource_is_enodev",
            "test_unregistered_resource_is_forgotten",
        }
    ),
    "fake:no_exec_notify": _ENDS_OF_ACTIONS,
    "fake:wrong_call_id_in_notify": _ENDS_OF_ACTIONS,
    "fake:userdata_altered": frozenset({"test_userdata_comes_back_unchanged"}),
    "fake:stop_does_nothing": frozenset({"test_start_monitor_stop"}),
    "fake:exit_at_once_on_stop_request": frozenset(
        {
            "test_after_the_ack_operations_run_until_the_provider_leaves",
            "test_nack_ends_the_daemon_at_once",
            "test_sigterm_asks_the_newest_provider_under_session_0",
        }
    ),
}
