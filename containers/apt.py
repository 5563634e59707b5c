# SPDX-License-Identifier: GPL-2.0-or-later
"""Installing what set-up needs on a Debian host, or saying in one sentence what to type."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

from containers.errors import EnvironmentProblem

#: Takes one line of progress.
Report = Callable[[str], None]


def is_root() -> bool:
    return os.geteuid() == 0


def install(packages: tuple[str, ...], report: Report) -> None:
    """Install Debian packages.

    Raises:
        EnvironmentProblem: this is not Debian, or not root, or apt-get failed.
    """
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise EnvironmentProblem(f"please install {names} (this system has no apt-get)")
    if not is_root():
        raise EnvironmentProblem(f"please install {names}; type: sudo apt-get install {names}")
    report(f"installing {names} ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages],
    ):
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            tail = " | ".join(ran.stderr.strip().splitlines()[-3:])
            raise EnvironmentProblem(f"{' '.join(command)} failed: {tail}")
