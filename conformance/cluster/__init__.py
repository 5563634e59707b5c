# SPDX-License-Identifier: GPL-2.0-or-later
"""Real cluster, real remote nodes: the harness plays the administrator and the weather."""
