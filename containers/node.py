# SPDX-License-Identifier: GPL-2.0-or-later
"""One host: a container whose daemons the harness starts, signals and outlives.

The container's first process only reaps; the daemons are started by the harness ("booting" the
host), so a daemon can die or be restarted without its host, and its exit status is known. A host
that was killed boots again with the same name and address, as after a power cycle.
"""

from __future__ import annotations

import io
import ipaddress
import shlex
import sys
import tarfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar

import docker
from docker.errors import APIError, NotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from containers.engine import connect
from containers.errors import EnvironmentProblem
from containers.owner import labels, run_id
from containers.shell import Shell, ShellGone
from containers.targets import DEFAULT_PORT
from containers.wait import wait_for

if TYPE_CHECKING:
    from docker.models.networks import Network

#: Our own labels do what the reaper container would, and its image need not be pullable.
testcontainers_config.ryuk_disabled = True

AUTHKEY = "/etc/pacemaker/authkey"
LOG_FILE = "/var/log/pacemaker/pacemaker.log"
PROGRAMS = "/usr/lib/pacemaker-conformance"
#: Lines of a node's log that go into a time-out's message.
LOG_TAIL = 12
#: Exit status of a process that was killed by signal 9.
KILLED = 137
#: Seconds from exec of a daemon to its open port; key generation on a busy machine included.
START_TIMEOUT = 30.0


@dataclass(frozen=True)
class Ran:
    """What a command in a container did; ``output`` is its standard output."""

    command: str
    exit_code: int
    output: str
    error: str = ""


@dataclass(frozen=True)
class File:
    """A file to place into a container; owned by root."""

    content: bytes
    mode: int = 0o644


class CommandFailed(EnvironmentProblem):
    """A command that the harness needs failed in a container."""

    def __init__(self, node: str, ran: Ran) -> None:
        self.ran = ran
        said = (ran.error.strip() or ran.output.strip())[-800:]
        super().__init__(f"on {node}, {ran.command!r} ended with {ran.exit_code}: {said}")


class NodeDown(EnvironmentProblem):
    """A command could not be run, or not to its end, because its host is down."""


class Process:
    """A daemon started in a container; it stays the same process for this object's life."""

    def __init__(self, node: Node, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._node = node
        self._boot = node.boot_time()
        api = connect().api
        self._exec = api.exec_create(
            node.container_id, list(command), environment=dict(environment)
        )["Id"]
        api.exec_start(self._exec, detach=True)

    @property
    def exit_status(self) -> int | None:
        """The exit status as a shell sees it (128 + signal), or None while running."""
        state = connect().api.exec_inspect(self._exec)
        if not state["Running"]:
            return int(state["ExitCode"])
        # The engine does not notice that a process died with its container.
        return None if self._node.boot_time() == self._boot else KILLED

    @property
    def running(self) -> bool:
        return self.exit_status is None

    def wait(self, timeout: float) -> int:
        """The exit status, awaited for *timeout* seconds.

        Raises:
            WaitTimeout: it still runs.
        """
        status = wait_for(
            lambda: self.exit_status,
            lambda seen: seen is not None,
            f"end of the daemon on {self._node.name}",
            timeout,
            describe=lambda _: "still running",
            log=self._node.log_tail,
            interval=0.02,
        )
        assert status is not None
        return status

    def signal(self, name: str) -> None:
        """Send the signal (``TERM``, ``KILL``, ``STOP`` ...) to the daemon itself.

        Raises:
            EnvironmentProblem: it has ended; another daemon may run in its place.
        """
        if not self.running:
            raise EnvironmentProblem(f"the daemon on {self._node.name} has ended already")
        self._node.run(f"kill -{name} $(cat /run/started.pid)")


@dataclass
class Node:
    """A host under test.

    Attributes:
        name: host name, and by default the node's name in the cluster.
        address: its fixed address on *network*.
        environment: variables of its daemons, as a sysconfig file would set them.
        files: placed before the first boot.
        mounts: directories of this machine and where they lie on the host, writable.
    """

    name: str
    image: str
    network: Network
    address: str
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    process: Process | None = field(default=None, init=False)
    _container: DockerContainer | None = field(default=None, init=False)
    _shells: list[Shell] = field(default_factory=list, init=False)

    #: The program that starts this kind of node's daemons.
    starter: ClassVar[str] = ""
    #: The container's own program, and whether the engine's reaper is put before it.
    first: ClassVar[Sequence[str]] = ("sleep", "infinity")
    reaper: ClassVar[bool] = True
    #: Where its daemons log.
    log_file: ClassVar[str] = LOG_FILE

    @property
    def container_id(self) -> str:
        if self._container is None:
            raise RuntimeError(f"node {self.name} was not created")
        return self._container.get_container_id()

    def create(self) -> None:
        """Make and start the container; no daemon runs yet."""
        endpoint = docker.types.EndpointConfig(
            connect().api.api_version, ipv4_address=self.address, aliases=[self.name]
        )
        network = str(self.network.name)
        container = DockerContainer(
            self.image, name=f"pcmk-{run_id()}-{network.rpartition('-')[2]}-{self.name}"
        )
        container.with_command(list(self.first)).with_tmpfs_mount("/run", "mode=755")
        container.with_kwargs(
            hostname=self.name,
            init=self.reaper,
            labels=labels(),
            network=network,
            networking_config={network: endpoint},
            cap_add=["NET_ADMIN"],
            shm_size="256m",
        )
        for directory, place in self.mounts.items():
            container.with_volume_mapping(str(directory), place, "rw")
        self._container = container  # known before it starts, so that a failure can be removed
        container.start()
        for path, file in self.files.items():
            self.write(path, file)

    def boot(self) -> None:
        """Start the container if it is down, then the daemons."""
        connect().api.start(self.container_id)
        self.start_daemon()

    def start_daemon(
        self, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start this node's daemons with *environment* added to the node's own."""
        variables = {"PCMK_logfile": self.log_file, **self.environment, **(environment or {})}
        self.process = Process(self, [f"{PROGRAMS}/{self.starter}", *arguments], variables)
        return self.process

    def power_off(self) -> None:
        """Cut the power: every process dies at once, nothing is flushed or said."""
        self._close_shells()
        try:
            connect().api.kill(self.container_id)
        except APIError as error:
            if error.status_code != 409:  # 409: it is down already
                raise

    @property
    def powered(self) -> bool:
        return self.boot_time() is not None

    def boot_time(self) -> str | None:
        """When the container was last started, in the engine's words; None if it is down."""
        state = connect().api.inspect_container(self.container_id)["State"]
        return str(state["StartedAt"]) if state["Running"] else None

    def _close_shells(self) -> None:
        while self._shells:
            self._shells.pop().close()

    def remove(self) -> None:
        self._close_shells()
        if self._container is not None:
            container, self._container = self._container, None
            try:
                container.stop()
            except APIError as error:
                # 404, 409: it is gone, or its removal by somebody else is under way
                if error.status_code not in (404, 409):
                    raise

    def run(self, command: str | Sequence[str], *, check: bool = True) -> Ran:
        """Run *command* (a string is given to a shell) to its end.

        Raises:
            CommandFailed: it ended with another status than 0 and *check* is set.
            NodeDown: the host is down, or went down meanwhile.
        """
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        shown = command if isinstance(command, str) else shlex.join(argv)
        try:
            # A shell is taken out while it works: one that is interrupted is never used again.
            shell = self._shells.pop() if self._shells else Shell(self.container_id)
            code, output, error = shell.run(argv)
        except ShellGone as problem:
            raise NodeDown(f"{self.name} does not run {shown!r}: {problem}") from None
        self._shells.append(shell)
        ran = Ran(shown, code, output.decode(errors="replace"), error.decode(errors="replace"))
        if check and ran.exit_code != 0:
            raise CommandFailed(self.name, ran)
        return ran

    def read(self, path: str) -> bytes | None:
        """The file at *path*, or None if there is none; the host may be down."""
        try:
            stream, _ = connect().api.get_archive(self.container_id, path)
        except NotFound:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            return member.read() if member is not None else None

    def read_tree(self, path: str) -> dict[str, bytes]:
        """The files below the directory *path*, by their path from there; none if it is missing."""
        try:
            stream, _ = connect().api.get_archive(self.container_id, path)
        except NotFound:
            return {}
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            return {
                member.name.partition("/")[2]: content.read()
                for member in archive.getmembers()
                if (content := archive.extractfile(member)) is not None
            }

    def write(self, path: str, file: File) -> None:
        """Place *file* at *path*; missing directories are made."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode, entry.mtime = len(file.content), file.mode, int(time.time())
            archive.addfile(entry, io.BytesIO(file.content))
        connect().api.put_archive(self.container_id, "/", buffer.getvalue())

    def log(self, skip: int = 0) -> str:
        """The Pacemaker log of this node but its first *skip* bytes, empty if there is none yet."""
        try:
            return self.run(f"tail -c +{skip + 1} {self.log_file} 2>/dev/null || true").output
        except NodeDown:  # its disk can be read all the same
            return (self.read(self.log_file) or b"")[skip:].decode(errors="replace")

    def log_size(self) -> int:
        """Bytes of the log so far; for *skip* of :meth:`log`."""
        return int(self.run(f"wc -c <{self.log_file} 2>/dev/null || echo 0").output)

    def log_tail(self, lines: int = LOG_TAIL) -> str:
        return "\n".join(self.log().splitlines()[-lines:])


#: Ends all processes but the container's own two and the line of shells that runs this.
_END_PROCESSES = """
keep=" 1 $(pgrep -P 1 -x sleep) "; pid=$$
while [ "$pid" -gt 0 ]; do
    keep="$keep$pid "
    while read -r name value; do [ "$name" = PPid: ] && parent=$value; done </proc/$pid/status
    pid=$parent
done
left=yes
while [ "$left" ]; do
    left=
    for each in /proc/[0-9]*; do
        each=${each#/proc/}
        case "$keep" in *" $each "*) ;; *) kill -9 "$each" 2>/dev/null && left=yes ;; esac
    done
done
true"""
#: Where a daemon and its agents write; all of it goes when a host is wiped.
_SCRATCH = (
    "/run",
    "/tmp",  # noqa: S108
    "/dev/shm",  # noqa: S108
    "/var/log/pacemaker",
    "/var/lib/pacemaker",
    "/var/lib/pacemaker-conformance",
)
#: What the engine mounts into every container.
_MOUNTED = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
#: Its time tells since when changes count.
_PRISTINE = f"{PROGRAMS}/pristine"


class RemoteNode(Node):
    """A host that runs pacemaker-remoted and no cluster daemon."""

    starter = "start-remote-node"

    def make_wipeable(self) -> None:
        """Remember this state as the one that :meth:`wipe` shall restore."""
        self.run(f"touch {_PRISTINE}")

    def wipe(self, placed: Collection[str] = ()) -> bool:
        """End whatever runs, and remove whatever was written and the *placed* files.

        Returns:
            Whether nothing else changed since :meth:`make_wipeable`.
        """
        self._close_shells()  # but the one that does this
        self.process = None
        self.run(_END_PROCESSES)
        scratch = " ".join(_SCRATCH)
        self.run(f"rm -f {shlex.join(placed)}; find {scratch} -mindepth 1 ! -type d -delete")
        spared = " -o ".join(f"-path {path}" for path in _SCRATCH)
        seen = self.run(rf"find / -xdev \( {spared} \) -prune -o -cnewer {_PRISTINE} -print")
        written = [*placed, *_SCRATCH]
        expected = {str(parent) for path in written for parent in PurePosixPath(path).parents}
        return expected.union(_MOUNTED).issuperset(seen.output.splitlines())

    def leave_counters(self) -> None:
        """End the daemon, if one runs, so that it writes what it counted into :attr:`mounts`."""
        if self._container is not None and self.powered:
            for place in self.mounts.values():
                self.run([f"{PROGRAMS}/leave-counters", place])

    def listeners(self) -> list[tuple[str, int]]:
        """Address and port of each TCP socket in LISTEN state."""
        return sorted(self._sockets("0A"))

    def connections(self, port: int) -> int:
        """TCP connections to *port* that the daemon has not closed (ESTABLISHED, CLOSE_WAIT)."""
        return sum(used == port for _, used in self._sockets("01", "08"))

    def _sockets(self, *states: str) -> list[tuple[str, int]]:
        """Local address and port of TCP sockets in these states, by the kernel (proc(5)).

        The engine's name resolver, which lives in every container on 127.0.0.11, is left out.
        """
        table = self.run("cat /proc/net/tcp /proc/net/tcp6 2>/dev/null", check=False).output
        rows = (line.split() for line in table.splitlines())
        ends = (row[1].split(":") for row in rows if len(row) > 3 and row[3] in states)
        found = ((_address(address), int(port, 16)) for address, port in ends)
        return [each for each in found if each[0] != "127.0.0.11"]

    def listening(self) -> list[int]:
        """The TCP ports of :meth:`listeners`."""
        return sorted({port for _, port in self.listeners()})

    def take_port(self, port: int) -> None:
        """Have another process listen on *port*, on every address, until the host is down."""
        program = (
            "socket(S, AF_INET, SOCK_STREAM, 0) and setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1)"
            " and bind(S, sockaddr_in(shift, INADDR_ANY)) and listen(S, 1) and sleep"
        )
        command = shlex.join(["perl", "-MSocket", "-e", program, str(port)])
        self.run(f"{command} </dev/null >/dev/null 2>&1 &")
        self.wait_listening(port)

    def wait_listening(self, port: int = DEFAULT_PORT, timeout: float = START_TIMEOUT) -> None:
        """Wait until the daemon listens on *port*.

        Raises:
            WaitTimeout: it does not; the message shows the daemon's log.
        """
        wait_for(
            self.listening,
            lambda ports: port in ports,
            f"pacemaker-remoted on {self.name} listening on port {port}",
            timeout,
            describe=lambda ports: f"listening ports {ports}",
            log=self.log_tail,
            interval=0.05,
        )

    def boot(self) -> None:
        super().boot()
        self.wait_listening(int(self.environment.get("PCMK_remote_port", DEFAULT_PORT)))


class ClusterNode(Node):
    """A host that runs corosync and Pacemaker."""

    starter = "start-cluster-node"


def _address(text: str) -> str:
    """An address as proc(5) writes it: in words of 32 bits, each in the byte order of the host."""
    words = (int(text[start : start + 8], 16) for start in range(0, len(text), 8))
    return str(ipaddress.ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words)))


@contextmanager
def created(node: Node) -> Iterator[Node]:
    """The node's container exists inside the block and is gone after it."""
    try:
        node.create()
        yield node
    finally:
        node.remove()
