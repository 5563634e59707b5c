# SPDX-License-Identifier: GPL-2.0-or-later
"""Registers the suite's two pytest plugins; there is nothing else here on purpose."""

pytest_plugins = ["conformance.plugin", "conformance.environment"]
