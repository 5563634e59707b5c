# SPDX-License-Identifier: GPL-2.0-or-later
"""The hand-driven TLS peer, tested against libgnutls in memory and against the RFCs' examples."""
