# SPDX-License-Identifier: GPL-2.0-or-later
"""From a target to two images: a cluster node and a remote node.

::

    debian:SUITE-slim, pulled or bootstrapped
      └─ base ─ common ─┬─ node packages ── harness part   (cluster node)
                        └─ remote packages ─ harness part  (remote node)

Every image's tag is the hash of what went into it, recipes and files and parent, so an image is
built once and never stale. Tags say nothing of a package archive's state: ``python -m containers
clean --images`` forgets all of them.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import APIError, ImageNotFound, NotFound

from containers.apt import Report, install
from containers.context import Context
from containers.engine import connect
from containers.errors import EnvironmentProblem, ImageBuildError, UsageError
from containers.targets import ENDED_SUITES, Kind, Target

REPOSITORY = "pacemaker-remote-conformance"
LABEL_IMAGE = "org.pacemaker-remote-conformance.image"
RECIPES = Path(__file__).parent / "recipes"
#: Lines of a failed build's output that go into the error.
LOG_TAIL = 15
#: How lines begin with which the engine itself tells of its progress, and its colours.
ENGINE_SAYS = ("Step ", "--->", "Removing intermediate container ")
COLOUR = re.compile("\x1b\\[[0-9;]*m")
#: Seconds between two signs of life of a build.
HEARTBEAT = 5.0

NODE_PACKAGES = "pacemaker corosync pacemaker-cli-utils"
REMOTE_PACKAGES = "pacemaker-remote pacemaker-cli-utils"
#: The package that makes a host one or the other.
ROLE_PACKAGE = {"node": "pacemaker", "remote": "pacemaker-remote"}


@dataclass(frozen=True)
class ImagePair:
    """The images of one target; the same twice where the target has one side only.

    Attributes:
        node: of a cluster node (corosync and all of Pacemaker).
        remote: of a remote node (pacemaker-remoted only).
    """

    node: str
    remote: str


def _exists(name: str) -> bool:
    try:
        connect().images.get(name)
    except ImageNotFound:
        return False
    return True


def _identity(name: str) -> str:
    try:
        return str(connect().images.get(name).id)
    except ImageNotFound:
        raise UsageError(f"the engine has no image {name!r}") from None


def _output(stream: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The lines that a build's commands print, as they come; raises at the build's error."""
    rest = ""
    for entry in stream:
        if "error" in entry:
            if rest.strip():
                yield rest.strip()
            raise RuntimeError(str(entry["error"]).strip())
        # The engine colours what came from standard error, and cuts it anywhere.
        *lines, rest = (rest + COLOUR.sub("", str(entry.get("stream", "")))).split("\n")
        for line in lines:
            if line.strip() and not line.strip().startswith(ENGINE_SAYS):
                yield line.strip()


def _in_short(error: Exception) -> str:
    """The engine's error without the command, which may be half a page of shell."""
    status = re.search(r"returned a non-zero code: (\d+)", str(error))
    return f"a command of its recipe ended with {status[1]}" if status else str(error)


def build(
    recipe: str,
    label: str,
    report: Report,
    *,
    arguments: Mapping[str, str],
    context: Context | None = None,
) -> str:
    """Build one recipe unless an image with the same content exists; returns the image's name.

    Args:
        recipe: name of ``recipes/NAME.Dockerfile``.
        label: what people call the result; becomes part of the tag.
        arguments: the recipe's ARGs; ``BASE`` names the parent image.

    Raises:
        ImageBuildError: with the last lines of the output.
        UsageError: the parent image does not exist.
    """
    dockerfile = (RECIPES / f"{recipe}.Dockerfile").read_text()
    context = context or Context()
    digest = hashlib.sha256(dockerfile.encode() + context.digest())
    digest.update(_identity(arguments["BASE"]).encode() + repr(sorted(arguments.items())).encode())
    name = f"{REPOSITORY}/{label}:{digest.hexdigest()[:16]}"
    if _exists(name):
        return name
    tail: list[str] = []
    started = shown = time.monotonic()
    report(f"building {label} ...")
    try:
        with context.archive(dockerfile) as archive:
            stream = connect().api.build(
                fileobj=archive,
                custom_context=True,
                tag=name,
                buildargs=dict(arguments),
                labels={LABEL_IMAGE: "yes"},
                rm=True,
                forcerm=True,
                decode=True,
                timeout=None,
            )
        for line in _output(stream):
            tail = [*tail[-LOG_TAIL + 1 :], line]
            if time.monotonic() - shown >= HEARTBEAT:
                shown = time.monotonic()
                report(f"building {label}: {shown - started:.0f} s, {line[:100]}")
    except (RuntimeError, APIError) as error:
        problem = f"image {label} could not be built: {_in_short(error)}"
        raise ImageBuildError(problem, tail) from error
    report(f"built {label} in {time.monotonic() - started:.0f} s")
    return name


def _base(suite: str, report: Report) -> str:
    """A minimal Debian: pulled where a registry answers, else bootstrapped from the archive."""
    name = f"{REPOSITORY}/base:{suite}"
    if _exists(name):
        return name
    started = time.monotonic()
    try:
        report(f"pulling debian:{suite}-slim ...")
        connect().images.pull("debian", tag=f"{suite}-slim").tag(f"{REPOSITORY}/base", tag=suite)
    except (APIError, NotFound) as error:
        report(f"no registry gives debian:{suite}-slim; bootstrapping it from the package archive")
        _bootstrap(suite, str(error), report)
    report(f"base image of {suite} ready in {time.monotonic() - started:.0f} s")
    return name


def _bootstrap(suite: str, refusal: str, report: Report) -> None:
    if shutil.which("mmdebstrap") is None:
        try:
            install(("mmdebstrap",), report)
        except EnvironmentProblem as error:
            raise EnvironmentProblem(
                f"debian:{suite}-slim cannot be pulled ({refusal}), and to bootstrap it, {error}"
            ) from error
    # A mirror may be older than the few days for which a moving suite's index is valid.
    stale = '--aptopt=Acquire::Check-Valid-Until "false"'
    command = ["mmdebstrap", "--variant=minbase", "--quiet", stale]
    if suite in ENDED_SUITES:
        command.append('--setup-hook=sed -i /-security/d "$1/etc/apt/sources.list"')
    command += [suite, "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        errors: list[bytes] = []
        reader = threading.Thread(target=lambda pipe: errors.extend(pipe), args=(process.stderr,))
        reader.start()
        answer = connect().api.import_image_from_stream(
            process.stdout, repository=f"{REPOSITORY}/base", tag=suite
        )
        reader.join()
    if process.returncode != 0:
        if _exists(f"{REPOSITORY}/base:{suite}"):
            connect().images.remove(f"{REPOSITORY}/base:{suite}")
        lines = [line.decode(errors="replace").rstrip() for line in errors[-LOG_TAIL:]]
        raise ImageBuildError(f"mmdebstrap could not make a base image of {suite}", lines)
    if '"error"' in str(answer):
        raise ImageBuildError(f"the engine refused the base image of {suite}", [str(answer)])


def _harness_part(base: str, label: str, report: Report) -> str:
    files = Context.of_tree("files", RECIPES / "files")
    return build("harness", label, report, arguments={"BASE": base}, context=files)


def _roles(target: Target) -> tuple[str, ...]:
    """The roles for which *target* has something: packages may have been built for one only.

    For a role without a package apt would take the suite's, and the wrong thing would be tested.

    Raises:
        UsageError: there are packages, but for neither role.
    """
    if target.kind is not Kind.DEBS:
        return tuple(ROLE_PACKAGE)
    assert target.directory is not None
    present = {path.name.partition("_")[0] for path in target.directory.glob("*.deb")}
    roles = tuple(role for role, name in ROLE_PACKAGE.items() if name in present)
    if not roles:
        packages = " nor ".join(ROLE_PACKAGE.values())
        raise UsageError(f"target {target}: neither {packages} is among its packages")
    return roles


def _debs_for(role: str, directory: Path) -> Context:
    """The packages of *role* among those built: the two daemons' packages exclude each other."""
    others = {name for other, name in ROLE_PACKAGE.items() if other != role}
    chosen = {
        f"debs/{path.name}": path
        for path in sorted(directory.glob("*.deb"))
        if (package := path.name.partition("_")[0]) not in others
        and not package.endswith(("-dbgsym", "-dev", "-doc"))
    }
    return Context(chosen)


def _role_image(target: Target, role: str, common: str, report: Report) -> str:
    label = f"{target.slug}-{role}"
    packages = NODE_PACKAGES if role == "node" else REMOTE_PACKAGES
    if target.kind is Kind.DEBS:
        assert target.directory is not None
        # corosync and friends are not among packages just built: first the suite's own, then these
        base = common
        if role == "node":
            arguments = {"BASE": common, "PACKAGES": "corosync"}
            base = build("packages", f"{target.slug}-corosync", report, arguments=arguments)
        debs = _debs_for(role, target.directory)
        return build("debs", label, report, arguments={"BASE": base}, context=debs)
    base = build(
        "packages",
        f"debian-{target.suite}-{role}",
        report,
        arguments={"BASE": common, "PACKAGES": packages},
    )
    if target.kind is Kind.INSTALL:
        assert target.directory is not None
        tree = Context.of_tree("tree", target.directory)
        return build("install", label, report, arguments={"BASE": base}, context=tree)
    return base


def prepare(target: Target, report: Report) -> ImagePair:
    """Both images of *target*, built where they are missing.

    Args:
        report: called with one line of progress at a time, possibly from several threads.

    Raises:
        UsageError: ``image:`` names an image that the engine does not have, or ``debs:`` packages
            without a daemon.
        ImageBuildError, EnvironmentProblem: an image could not be made.
    """
    if not target.has_images:
        raise UsageError(f"target {target} has no images")
    if target.kind is Kind.IMAGE:
        image = _harness_part(target.value, target.slug, report)
        return ImagePair(node=image, remote=image)
    common = build(
        "common",
        f"debian-{target.suite}-common",
        report,
        arguments={"BASE": _base(target.suite, report)},
    )

    def make(role: str) -> str:
        image = _role_image(target, role, common, report)
        return _harness_part(image, f"{target.slug}-{role}-harness", report)

    roles = _roles(target)
    with ThreadPoolExecutor(2) as pool:
        made = dict(zip(roles, pool.map(make, roles), strict=True))
    only = made[roles[0]]
    return ImagePair(node=made.get("node", only), remote=made.get("remote", only))


def remove_all() -> int:
    """Forget every image that this module made; returns how many."""
    client = connect()
    names = [
        tag
        for image in client.images.list()
        for tag in image.tags
        if tag.startswith(f"{REPOSITORY}/")
    ]
    for name in names:
        client.images.remove(name, force=True)
    return len(names)
