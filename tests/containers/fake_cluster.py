# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster's mind without a cluster: what the administration commands would show and change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import crm_mon_samples as crm_mon
from lxml import etree

from containers.cluster import FENCING
from containers.node import ClusterNode, CommandFailed, File, NodeDown, Ran, RemoteNode


@dataclass
class World:
    """What the cluster's daemons know.

    Attributes:
        nodes: kind of every node that they know.
        down, unclean: names of such nodes.
        resources: where each is active; None if it is nowhere.
        failures: operation keys.
        stubborn: resources that never stop.
        dc, quorate: the DC's name, empty if there is none, and what it says of quorum.
        commands: every command but the looks at the state, with the node that ran it.
        loaded: every piece of configuration that was loaded, with how it was loaded.
        answers: what other commands print, by their first word.
        failing: node and first word of commands that fail.
        before_look: called before each look at the state: how the world changes meanwhile.
    """

    nodes: dict[str, str] = field(default_factory=lambda: {"n1": "member", "n2": "member"})
    down: set[str] = field(default_factory=set)
    unclean: set[str] = field(default_factory=set)
    resources: dict[str, str | None] = field(default_factory=lambda: {FENCING: "n1"})
    failures: list[str] = field(default_factory=list)
    stubborn: set[str] = field(default_factory=set)
    dc: str = "n1"
    quorate: bool = True
    commands: list[str] = field(default_factory=list)
    loaded: list[tuple[str, etree._Element]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=lambda: {"crmadmin": "Status: S_IDLE (ok)"})
    failing: set[tuple[str, str]] = field(default_factory=set)
    before_look: Callable[[], None] = lambda: None

    def run(self, node: Member, argv: Sequence[str]) -> str:
        program = argv[0]
        if program == "crm_mon":
            self.before_look()
            return self._report()
        self.commands.append(f"{node.name}: {' '.join(argv)}")
        if program == "cibadmin":
            return self._cibadmin(node, argv)
        if program == "crm_node":
            self.nodes.pop(argv[-1])
        elif argv == ["crm_resource", "--cleanup"]:
            self.failures.clear()
        return self.answers.get(program, "")

    def _cibadmin(self, node: Member, argv: Sequence[str]) -> str:
        if argv[1] == "--query":
            known = "".join(f'<node uname="{name}"/>' for name in self.nodes)
            return f"<cib><configuration><nodes>{known}</nodes></configuration></cib>"
        xml = etree.fromstring(node.written[argv[argv.index("--xml-file") + 1]].content)
        self.loaded.append((argv[1], xml))
        if argv[1] == "--replace":
            names = [str(item.get("id")) for item in xml.iterfind("resources/primitive")]
            kept = {name: self.resources.get(name, "n1") for name in [*names, *self.stubborn]}
            self.resources = kept
        return ""

    def _report(self) -> str:
        nodes = ""
        for name, kind in self.nodes.items():
            if name in self.unclean:
                nodes += crm_mon.unclean(name, kind)
            else:
                nodes += crm_mon.node(name, kind, dc=name == self.dc, online=name not in self.down)
        resources = ""
        for name, place in self.resources.items():
            resources += (
                crm_mon.resource(name, "Started", place)
                if place
                else crm_mon.resource(name, "Stopped")
            )
        report = crm_mon.report(
            dc=crm_mon.current_dc(self.dc, quorate=self.quorate)
            if self.dc
            else crm_mon.NAMELESS_DC,
            nodes=nodes,
            resources=resources,
            failures="".join(map(crm_mon.failure, self.failures)),
        )
        return report.decode()


@dataclass
class Daemon:
    """A process of a host."""

    running: bool = True


class Member(ClusterNode):
    """A cluster node of the world."""

    def __init__(self, name: str, *made_of: Any, world: World) -> None:
        super().__init__(name, *(made_of or ("image", cast(Any, None), "10.0.0.1")))
        self.world = world
        self.written: dict[str, File] = dict(self.files)
        self.life: list[str] = []
        self.up = True

    @property
    def powered(self) -> bool:
        return self.up

    def create(self) -> None:
        self.life.append("create")

    def boot(self) -> None:
        self.life.append("boot")
        self.up = True
        self.process = cast(Any, Daemon())

    def remove(self) -> None:
        self.life.append("remove")

    def write(self, path: str, file: File) -> None:
        self.written[path] = file

    def log_tail(self, lines: int = 12) -> str:
        return f"last words of {self.name}"

    def run(self, command: str | Sequence[str], *, check: bool = True) -> Ran:
        if not self.up:
            raise NodeDown(f"{self.name} does not run commands")
        argv = command.split() if isinstance(command, str) else command
        failed = (self.name, argv[0]) in self.world.failing
        ran = Ran(" ".join(argv), int(failed), "" if failed else self.world.run(self, argv))
        if check and ran.exit_code:
            raise CommandFailed(self.name, ran)
        return ran


class Beside(RemoteNode):
    """A host beside the cluster."""

    def __init__(self, name: str, *made_of: Any) -> None:
        super().__init__(name, *(made_of or ("image", cast(Any, None), "10.0.0.9")))
        self.life: list[str] = []
        self.up = True

    @property
    def powered(self) -> bool:
        return self.up

    def create(self) -> None:
        self.life.append("create")

    def start_daemon(self, *_: Any, **__: Any) -> Any:
        self.life.append("start_daemon")
        self.process = cast(Any, Daemon())
        return self.process

    def remove(self) -> None:
        self.life.append("remove")
