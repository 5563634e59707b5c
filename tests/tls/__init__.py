# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of ``fixtures.tls``; the modules go by subject."""
