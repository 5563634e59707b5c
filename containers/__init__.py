# SPDX-License-Identifier: GPL-2.0-or-later
"""Where systems under test run: engine, images, nodes, clusters, fencing.

This package knows containers and Pacemaker's administration, and nothing of the LRMD protocol.
A newcomer reads in this order: :mod:`targets` (what is under test), :mod:`engine` (who runs
containers), :mod:`images` (from a target to images), :mod:`node` (one host), :mod:`cluster`
(several), :mod:`state` (what the cluster says of itself), :mod:`fencing` (who was shot).
"""
