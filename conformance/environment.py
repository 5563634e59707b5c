# SPDX-License-Identifier: GPL-2.0-or-later
"""From the command line to systems under test: options, images, versions, clusters.

The controlling process prepares the images, visibly, before any test, and removes whatever is
left at the end; workers only use them. A cluster is started once per worker and reset after each
test; one that cannot be reset is thrown away, so that no test inherits another's trouble.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from docker.errors import DockerException
from packaging.version import InvalidVersion, Version
from requests import RequestException

from conformance.known_issues import KnownIssues
from conformance.live_host import greet
from conformance.naming import concerns_cases
from conformance.plugin import KNOWN_ISSUES, TARGET, VERSIONS, Evidence
from containers import counters, engine, images
from containers.cluster import Cluster
from containers.contents import CLUSTER, COROSYNC, DAEMON, look
from containers.errors import EnvironmentProblem, UsageError
from containers.images import ImagePair
from containers.targets import Kind, Target
from fixtures.peers import NEWEST, RELEASES, Misbehaviour, Release
from reports.record import Target as TargetRecord
from reports.verdict import ExitCode

#: Length of the key that the documentation recommends, in bytes.
KEY_LENGTH = 4096


@dataclass(frozen=True)
class Environment:
    """What is under test in this run.

    Attributes:
        target: the daemon's side, and the cluster's unless told otherwise.
        remote_target: the remote nodes' side.
        images: of the cluster side; None if no cluster can be made of it.
        remote_images: of the remote nodes; None for a target without images (``host:``).
        authkey: the key that both sides hold.
        counters: where the daemon was built to count what it executes; None if it is not to count.
    """

    target: Target
    remote_target: Target
    images: ImagePair | None
    remote_images: ImagePair | None
    authkey: bytes
    counters: Path | None = None


ENVIRONMENT: pytest.StashKey[Environment] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("target", "what is under test")
    group.addoption(
        "--target",
        default="debian:trixie",
        help="debian:SUITE, image:NAME, debs:DIR, install:DIR or host:ADDR[:PORT] "
        "(default: %(default)s)",
    )
    group.addoption(
        "--remote-target", default=None, help="the remote nodes' side, if it is another target"
    )
    group.addoption(
        "--provision",
        action="store_true",
        help="on Debian, as root: install and start a container engine if none answers",
    )
    group.addoption(
        "--daemon-version",
        default=None,
        metavar="VERSION",
        help="Pacemaker's version on a host: target, such as 3.0.1 (elsewhere it is found out)",
    )
    group.addoption(
        "--authkey",
        default=None,
        metavar="FILE",
        help="the daemon's key, for host: (elsewhere a new key is made for each run)",
    )
    group.addoption(
        "--gcov",
        default=None,
        metavar="DIR",
        help="count what the daemon executes; DIR is where it was built with gcc --coverage "
        "(daemon suite; docs/coverage.md)",
    )


def _quit(code: ExitCode, sentence: str) -> NoReturn:
    # pytest prints its reason twice; details, such as a failed build's output, once are enough.
    sentence, _, details = sentence.partition("\n")
    if details:
        print(details, file=sys.stderr)
    pytest.exit(sentence, returncode=int(code))


def parse_fake(target: Target) -> tuple[Misbehaviour, Release]:
    """How the fake daemon of a ``fake`` target is to be wrong, and whose rules it follows.

    Raises:
        UsageError: there is no such bug or no such release.
    """
    bugs, _, release = target.value.partition("@")
    try:
        return Misbehaviour.parse(bugs), RELEASES[release] if release else NEWEST
    except ValueError as error:
        raise UsageError(f"target {target}: {error}") from None
    except KeyError:
        known = ", ".join(RELEASES)
        raise UsageError(f"target {target}: no release {release!r}; there is: {known}") from None


def _authkey(target: Target, path: str | None) -> bytes:
    if path is None:
        if target.kind is Kind.HOST:
            raise UsageError(f"target {target} needs the daemon's key: --authkey FILE")
        return secrets.token_bytes(KEY_LENGTH)
    try:
        key = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the key file {path}: {error.strerror}") from None
    if not key:
        raise UsageError(f"the key file {path} is empty")
    return key


def _provision(report: Callable[[str], None]) -> None:
    """Make an engine answer, in a process of its own: what comes of trying stays out of this one.

    Raises:
        EnvironmentProblem: none can be had; the last line says why.
    """
    command = [sys.executable, "-m", "containers", "provision"]
    last = ""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line.rstrip()
            report(last)
    if process.returncode != 0:
        raise EnvironmentProblem(f"no engine could be provided: {last}")


def _told_version(target: Target, text: str | None) -> Version | None:
    """The version of a daemon that cannot be asked for it."""
    if target.kind is Kind.FAKE:
        return Version(parse_fake(target)[1].name)
    try:
        return Version(text) if text else None
    except InvalidVersion:
        raise UsageError(f"--daemon-version {text!r} is no version such as 3.0.1") from None


def _look_into(
    target: Target, remote_target: Target, pair: ImagePair, remote_pair: ImagePair
) -> tuple[ImagePair | None, dict[str, Version | None]]:
    """The images that a cluster can be made of, None if none can, and both sides' versions."""
    remote, node = look(remote_pair.remote), look(pair.node)
    if remote.lacks(DAEMON):
        hint = "; name the remote nodes' side with --remote-target"
        raise UsageError(
            f"target {remote_target} has no {DAEMON}{hint if remote_target == target else ''}"
        )
    versions: dict[str, Version | None] = {"daemon": remote.version(DAEMON), "cluster": None}
    if node.lacks(CLUSTER, COROSYNC):
        return None, versions
    return pair, {**versions, "cluster": node.version(CLUSTER)}


def _prepare(config: pytest.Config) -> tuple[Environment, dict[str, Version | None]]:
    options = config.option
    target = Target.parse(options.target)
    remote_target = Target.parse(options.remote_target) if options.remote_target else target
    key = _authkey(target, options.authkey)
    if not remote_target.has_images and remote_target != target:
        raise UsageError(f"--remote-target {remote_target}: only a target with images can be one")
    if not target.has_images and remote_target != target:
        raise UsageError(f"target {target} is a daemon alone: it goes without --remote-target")
    if not target.has_images:
        if options.gcov:
            raise UsageError(f"--gcov is for daemons in containers, not for target {target}")
        known = _told_version(target, options.daemon_version)
        if target.kind is Kind.HOST:
            greet(target, key)
        return Environment(target, target, None, None, key), {"daemon": known, "cluster": None}
    if options.daemon_version:
        raise UsageError(f"--daemon-version is for host: targets, that of {target} is found out")
    built = counters.build_directory(options.gcov) if options.gcov else None

    terminal = config.get_terminal_writer()

    def report(line: str) -> None:
        terminal.line(line)
        terminal.flush()

    if options.provision:
        _provision(report)
    engine.require_local()
    if removed := engine.remove_orphans():
        report(f"removed {removed} things that dead runs left on the engine")
    pair = images.prepare(target, report)
    remote_pair = pair if remote_target == target else images.prepare(remote_target, report)
    cluster_pair, versions = _look_into(target, remote_target, pair, remote_pair)
    if built:
        counters.clear(built)
    return Environment(target, remote_target, cluster_pair, remote_pair, key, built), versions


def pytest_configure(config: pytest.Config) -> None:
    if config.option.target.partition(":")[0].partition("@")[0] == Kind.FAKE:
        # What released versions do wrong says nothing of a fake one.
        config.stash[KNOWN_ISSUES] = KnownIssues(Path("none"), [])
    if hasattr(config, "workerinput"):
        if "environment" in config.workerinput:
            config.stash[ENVIRONMENT], config.stash[VERSIONS] = _received(config.workerinput)
        return
    # A polite kill, or a terminal that goes away, ends like Ctrl-C: with teardown and a report.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def _described(environment: Environment, versions: dict[str, Version | None]) -> TargetRecord:
    """The target as the record tells of it."""
    target, remote = environment.target, environment.remote_target
    sides = {side: str(version) if version else None for side, version in versions.items()}
    return TargetRecord(
        spec=str(target) if target == remote else f"{target} + {remote}",
        description="" if target == remote else f"cluster {target}, remote nodes {remote}",
        daemon_version=sides["daemon"],
        cluster_version=sides["cluster"],
        engine=engine.describe() if environment.remote_images else None,
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workerinput") or not concerns_cases(config):
        return
    try:
        environment, versions = _prepare(config)
        config.stash[TARGET] = _described(environment, versions)
        config.stash[ENVIRONMENT], config.stash[VERSIONS] = environment, versions
    except UsageError as error:
        _quit(ExitCode.USAGE, str(error))
    except EnvironmentProblem as error:
        _quit(ExitCode.HARNESS, str(error))
    except (DockerException, RequestException) as error:
        _quit(ExitCode.HARNESS, f"the container engine failed: {error}")


def _received(given: dict[str, Any]) -> tuple[Environment, dict[str, Version | None]]:
    """What the controlling process prepared, in a worker."""
    sent = given["environment"]
    pairs = [ImagePair(*pair) if pair else None for pair in sent["images"]]
    target, remote_target = map(Target.parse, sent["targets"])
    key = bytes.fromhex(sent["authkey"])
    versions = {side: Version(text) if text else None for side, text in sent["versions"].items()}
    built = Path(sent["counters"]) if sent["counters"] else None
    return Environment(target, remote_target, pairs[0], pairs[1], key, built), versions


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker what was prepared (the hook runs in the controlling process)."""
    environment = node.config.stash.get(ENVIRONMENT, None)
    if environment is None:
        return
    pairs = (environment.images, environment.remote_images)
    node.workerinput["environment"] = {
        "targets": [str(environment.target), str(environment.remote_target)],
        "images": [[pair.node, pair.remote] if pair else None for pair in pairs],
        "authkey": environment.authkey.hex(),
        "counters": str(environment.counters or ""),
        "versions": {
            side: str(version) if version else ""
            for side, version in node.config.stash[VERSIONS].items()
        },
    }


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell whether a daemon that was to count has counted."""
    environment = config.stash.get(ENVIRONMENT, None)
    if environment is None or environment.counters is None:
        return
    terminalreporter.write_line(counters.summary(environment.counters))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Whatever a worker could not remove itself goes now."""
    environment = config.stash.get(ENVIRONMENT, None)
    if hasattr(config, "workerinput") or environment is None or environment.remote_images is None:
        return
    try:
        engine.remove_run()
    except (EnvironmentProblem, DockerException, RequestException) as error:
        print(f"the engine did not let this run clean up: {error}", file=sys.stderr)


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> Environment:
    """What is under test."""
    return pytestconfig.stash[ENVIRONMENT]


@dataclass
class ClusterPool:
    """One cluster, kept from test to test as long as it can be brought back to its seed."""

    environment: Environment
    cluster: Cluster | None = None

    def take(self) -> Cluster:
        if self.cluster is None:
            here = self.environment
            if here.images is None or here.remote_images is None:
                pytest.skip(
                    f"no cluster can be made of target {here.target}: "
                    f"it has no {CLUSTER} or no {COROSYNC}"
                )
            self.cluster = Cluster(here.images, here.remote_images, here.authkey)
            try:
                self.cluster.start()
            except BaseException:
                self.close()
                raise
        return self.cluster

    def give_back(self) -> str:
        """Clean the cluster for the next test; one that cannot be cleaned is thrown away.

        Returns:
            Why it was thrown away; empty if it was not.
        """
        assert self.cluster is not None
        try:
            self.cluster.reset()
        except Exception as problem:
            # Whatever the reason, the next test must not meet this cluster again.
            self.close()
            return f"the cluster could not be cleaned and was thrown away: {problem}"
        return ""

    def close(self) -> None:
        cluster, self.cluster = self.cluster, None
        if cluster is not None:
            cluster.close()


@pytest.fixture(scope="session")
def cluster_pool(environment: Environment) -> Iterator[ClusterPool]:
    pool = ClusterPool(environment)
    yield pool
    pool.close()


@pytest.fixture
def cluster(cluster_pool: ClusterPool, evidence: Evidence) -> Iterator[Cluster]:
    """A two-node cluster with a fence device and nothing else, online and idle."""
    cluster = cluster_pool.take()
    begun = time.monotonic()
    starts = {name: node.log_size() for name, node in cluster.nodes.items()}
    try:
        yield cluster
        save_cluster_evidence(cluster, evidence, begun, starts)
    finally:
        if trouble := cluster_pool.give_back():
            evidence.notes.append(trouble)


def save_cluster_evidence(
    cluster: Cluster, evidence: Evidence, begun: float, starts: dict[str, int]
) -> None:
    """The cluster's states, its fence record, its CIB, and every node's log.

    Args:
        begun: the test's start, monotonic seconds; times are told relative to it.
        starts: length of each cluster node's log at that moment.
    """
    states = "".join(f"{at - begun:8.2f} s  {state}\n" for at, state in cluster.history)
    evidence.add("cluster-states.txt", states)
    fenced = "".join(
        f"{record.requested - begun:8.2f} s  {record.executor} asked: {record.action} "
        f"{record.target}; done after {record.finished - record.requested:.2f} s"
        f"{'; failed: ' + record.error if record.error else ''}\n"
        for record in cluster.power.records
    )
    evidence.add("fence-records.txt", fenced or "nobody was fenced\n")
    evidence.add("cib.xml", cluster.admin().run(["cibadmin", "--query"], check=False).output)
    for node in (*cluster.nodes.values(), *cluster.remotes.values()):
        evidence.add(f"{node.name}.log", node.log(starts.get(node.name, 0)))
