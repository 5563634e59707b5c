# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run of the suite leaves behind: one record, and views of it.

``record`` holds the record, the only source of truth about a run; ``html``, ``junit`` and ``text``
are views that can be made again from it at any time (``python -m reports``). ``verdict`` says what
can be said about a test, and what a run's exit code means. ``proof`` reads the records of many runs
against fake daemons, and tells which tests have been seen to fail.

Nothing here knows pytest, the catalogue's files or a container: whoever runs the tests copies what
the reader needs into the record, so that a record can be read years later, on any machine.
"""
