# SPDX-License-Identifier: GPL-2.0-or-later
"""A real daemon under test; the harness plays the cluster, well-behaved and hostile."""
