# SPDX-License-Identifier: GPL-2.0-or-later
"""Getting a container engine where none answers.

On Debian, as root, Docker is installed from the suite's own packages and started; anywhere else a
sentence says what is missing and what to type. An engine that was started stays, as the images
do: the next run needs both.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from containers.apt import Report, install, is_root
from containers.engine import describe, try_connect
from containers.errors import EnvironmentProblem, WaitTimeout
from containers.wait import wait_for

ENGINE_PACKAGES = ("docker.io", "iptables")
ENGINE_LOG = Path("/var/log/dockerd.log")
#: Seconds from starting the engine to its first answer.
START_TIMEOUT = 60.0


def _start_engine() -> None:
    """Start dockerd: as a service where systemd runs, else as a process of its own."""
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], check=False)
        return
    with ENGINE_LOG.open("ab") as log:
        # Its own session: a Ctrl-C for the run that started it must not stop it.
        subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def ensure_engine(report: Report) -> None:
    """Return when an engine answers; install and start one if that is what it takes.

    Raises:
        EnvironmentProblem: there is none and none can be had here; the sentence says what to do.
    """
    if try_connect() is not None:
        return
    if host := os.environ.get("DOCKER_HOST"):
        raise EnvironmentProblem(f"no container engine answers at DOCKER_HOST={host}")
    if platform.system() != "Linux":
        raise EnvironmentProblem(
            f"no container engine answers; on {platform.system()} start Docker Desktop or Colima, "
            "then try again"
        )
    if not is_root():
        raise EnvironmentProblem(
            "no container engine answers to you, and only root can start one; "
            "type: sudo systemctl start docker (and join the group docker)"
        )
    if shutil.which("dockerd") is None:
        install(ENGINE_PACKAGES, report)
        if shutil.which("dockerd") is None:
            raise EnvironmentProblem(
                "dockerd is installed but not found; add /usr/sbin to PATH and try again"
            )
    if try_connect() is None:
        report("starting dockerd ...")
        _start_engine()
    try:
        wait_for(try_connect, lambda client: client is not None, "the engine", START_TIMEOUT)
    except WaitTimeout:
        raise EnvironmentProblem(
            f"dockerd was started and does not answer after {START_TIMEOUT:.0f} s; "
            f"see {ENGINE_LOG} or: journalctl -u docker"
        ) from None
    report(f"engine ready: {describe()}")
