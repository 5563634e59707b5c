# SPDX-License-Identifier: GPL-2.0-or-later
"""A real cluster's controller under test; the harness plays the remote node."""
