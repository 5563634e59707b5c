# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold: the requirements, the tests that prove them, and the verdicts.

``requirements/`` is the catalogue; ``daemon/``, ``controller/`` and ``cluster/`` are the three
suites, told apart by who is real. One module per subject; a test reads like its requirement.
"""
