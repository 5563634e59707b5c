# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of ``fixtures.peers``: the fake cluster and the fake daemon accept each other."""
