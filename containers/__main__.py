# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m containers``: the set-up steps, one by one, for people and for nox."""

from __future__ import annotations

import argparse
import sys

from docker.errors import DockerException
from requests import RequestException

from containers import engine, images, provision
from containers.errors import EnvironmentProblem, UsageError
from containers.targets import Target


def report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m containers", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("provision", help="make a container engine answer")
    prepare = verbs.add_parser("prepare", help="build a target's images")
    prepare.add_argument("--target", action="append", required=True)
    clean = verbs.add_parser("clean", help="remove what dead runs left behind")
    clean.add_argument("--images", action="store_true", help="forget all images too")
    return top


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 2 the call was wrong, 3 the environment would not have it."""
    options = parser().parse_args(argv)
    try:
        if options.verb == "provision":
            provision.ensure_engine(report)
        elif options.verb == "prepare":
            for target in [Target.parse(text) for text in options.target]:
                if target.has_images:
                    images.prepare(target, report)
        else:
            report(f"removed {engine.remove_orphans()} things that dead runs left behind")
            if options.images:
                report(f"removed {images.remove_all()} images")
    except UsageError as error:
        report(str(error))
        return 2
    except EnvironmentProblem as error:
        report(str(error))
        return 3
    except (DockerException, RequestException) as error:
        report(f"the container engine failed: {error}")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
