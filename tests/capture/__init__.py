# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of ``fixtures.capture``; the modules mirror those of the package."""
