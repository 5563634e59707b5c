# SPDX-License-Identifier: GPL-2.0-or-later
"""Random sessions with the daemon: what nobody thought of asking it.

``steps`` says what clients can do, ``sequences`` draws such steps at random, ``play`` carries them
out on a daemon and says what must never happen, ``known`` recognises what is known to happen all
the same, ``search`` looks for more and makes it small, ``findings`` keeps it so that it can be
played again. ``session`` is the test that people start (docs/fuzzing.md).
"""
