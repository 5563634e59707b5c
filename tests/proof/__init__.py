# SPDX-License-Identifier: GPL-2.0-or-later
"""Proof that the tests of the daemon can fail.

The daemon suite runs against the harness's own fake daemon: well-behaved, where all must pass, and
once with each ``Misbehaviour`` switched on, where exactly the tests named in ``mutants`` must fail.
"""
