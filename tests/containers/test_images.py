# SPDX-License-Identifier: GPL-2.0-or-later
"""From a target to images: what is built of what, what is not built again, and build errors."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
from docker.errors import APIError, ImageNotFound

from containers import images
from containers.context import Context
from containers.errors import EnvironmentProblem, ImageBuildError, UsageError
from containers.images import REPOSITORY, ImagePair
from containers.targets import Target

BASE = f"{REPOSITORY}/base:trixie"


@dataclass
class Build:
    """One image that was built."""

    tag: str
    parent: str
    arguments: dict[str, str]
    files: list[str]


@dataclass
class Engine:
    """Images by name, and what was built.

    Attributes:
        output: what a build prints, as the engine streams it.
        refusal: raised in place of a build.
        registry: whether it can pull.
    """

    known: dict[str, str] = field(default_factory=lambda: {BASE: "sha256:base"})
    built: list[Build] = field(default_factory=list)
    output: list[dict[str, Any]] = field(default_factory=list)
    refusal: Exception | None = None
    registry: bool = True

    @property
    def images(self) -> Engine:
        return self

    @property
    def api(self) -> Engine:
        return self

    def get(self, name: str) -> Any:
        if name not in self.known:
            raise ImageNotFound(name)
        return SimpleNamespace(id=self.known[name], tags=[name])

    def list(self) -> Sequence[Any]:
        return [SimpleNamespace(tags=[name]) for name in self.known]

    def remove(self, name: str, *, force: bool) -> None:
        assert force
        del self.known[name]

    def pull(self, name: str, *, tag: str) -> Any:
        if not self.registry:
            raise APIError("registry unreachable")

        def put(repository: str, tag: str) -> None:
            self.known[f"{repository}:{tag}"] = f"sha256:pulled {name}:{tag}"

        return SimpleNamespace(tag=put)

    def build(
        self, *, fileobj: IO[bytes], tag: str, buildargs: dict[str, str], **options: Any
    ) -> Iterator[dict[str, Any]]:
        if self.refusal is not None:
            raise self.refusal
        assert options["labels"] == {images.LABEL_IMAGE: "yes"}
        with tarfile.open(fileobj=fileobj) as archive:
            files = [name for name in archive.getnames() if name != "Dockerfile"]
        assert buildargs["BASE"] in self.known
        self.built.append(Build(tag, buildargs["BASE"], buildargs, files))
        if not any("error" in entry for entry in self.output):
            self.known[tag] = f"sha256:{tag}"
        return iter(self.output)


def labels(engine: Engine) -> list[str]:
    """What people call the images that were built, in the order of their names."""
    names = (build.tag.removeprefix(f"{REPOSITORY}/") for build in engine.built)
    return sorted(name.partition(":")[0] for name in names)


def line(engine: Engine, name: str) -> list[Build]:
    """How the image *name* came to be, from the base on."""
    by_tag = {build.tag: build for build in engine.built}
    found: list[Build] = []
    while name in by_tag:
        found.insert(0, by_tag[name])
        name = by_tag[name].parent
    return found


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr("containers.images.connect", lambda: engine)
    return engine


@pytest.fixture
def recipes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory with one recipe, ``part``."""
    (tmp_path / "part.Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    monkeypatch.setattr("containers.images.RECIPES", tmp_path)
    return tmp_path


def build(context: Context | None = None, *, base: str = BASE, **arguments: str) -> str:
    lines: list[str] = []
    return images.build(
        "part", "my-part", lines.append, arguments={"BASE": base, **arguments}, context=context
    )


# --- One recipe


def test_image_is_built_once(engine: Engine, recipes: Path) -> None:
    lines: list[str] = []

    def again() -> str:
        return images.build("part", "my-part", lines.append, arguments={"BASE": BASE})

    name = again()

    assert again() == name
    assert [build.tag for build in engine.built] == [name]
    assert name.startswith(f"{REPOSITORY}/my-part:")
    assert lines[0] == "building my-part ..."
    assert lines[1].startswith("built my-part in ")
    assert len(lines) == 2


def edit_recipe(recipes: Path) -> None:
    (recipes / "part.Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN true\n")


def edit_file(recipes: Path) -> None:
    (recipes / "agent").write_text("exit 1\n")


@pytest.mark.parametrize("edit", [edit_recipe, edit_file])
def test_image_is_built_again_when_what_went_into_it_changes(
    engine: Engine, recipes: Path, edit: Callable[[Path], None]
) -> None:
    (recipes / "agent").write_text("exit 0\n")
    context = Context({"files/agent": recipes / "agent"})
    before = build(context)

    edit(recipes)

    assert build(context) != before
    assert len(engine.built) == 2


def test_image_is_built_again_when_its_parent_changes(engine: Engine, recipes: Path) -> None:
    before = build()

    engine.known[BASE] = "sha256:another base under the same name"

    assert build() != before


def test_image_is_built_again_for_other_arguments(engine: Engine, recipes: Path) -> None:
    assert build(PACKAGES="corosync") != build(PACKAGES="pacemaker")


def test_image_that_was_forgotten_is_built_again_under_the_same_name(
    engine: Engine, recipes: Path
) -> None:
    name = build()
    del engine.known[name]

    assert build() == name
    assert len(engine.built) == 2


def test_parent_that_the_engine_lacks_is_wrong_usage(engine: Engine, recipes: Path) -> None:
    with pytest.raises(UsageError, match="the engine has no image 'nobody/knows:1'"):
        build(base="nobody/knows:1")
    assert engine.built == []


def test_failed_build_is_told_with_the_last_lines_that_it_printed(
    engine: Engine, recipes: Path
) -> None:
    engine.output = [
        *({"stream": f"line {n}\n"} for n in range(30)),
        {"stream": "E: no su"},
        {"stream": "ch package\n\n"},
        {"error": "The command '/bin/sh -c apt-get' returned a non-zero code: 100"},
    ]

    with pytest.raises(ImageBuildError) as caught:
        build()

    assert str(caught.value).startswith("image my-part could not be built: ")
    assert "100" in str(caught.value).splitlines()[0]
    assert caught.value.log[-1] == "E: no such package"
    assert len(caught.value.log) == images.LOG_TAIL
    assert str(caught.value).endswith("\n    line 29\n    E: no such package")


def test_build_that_the_engine_refuses_is_told(engine: Engine, recipes: Path) -> None:
    engine.refusal = APIError("dockerfile parse error")

    with pytest.raises(ImageBuildError, match="could not be built: dockerfile parse error"):
        build()


# --- Targets


@pytest.fixture
def debs(tmp_path: Path) -> Path:
    """Packages as a build of Pacemaker leaves them."""
    directory = tmp_path / "debs"
    directory.mkdir()
    names = ("pacemaker", "pacemaker-remote", "libcrmcommon", "pacemaker-dbgsym", "libcib-dev")
    for name in (*names, "pacemaker-doc"):
        (directory / f"{name}_3.0.1-1_amd64.deb").write_text(name)
    return directory


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What ``make install DESTDIR=`` leaves."""
    root = tmp_path / "tree"
    (root / "usr/sbin").mkdir(parents=True)
    (root / "usr/sbin/pacemaker-remoted").write_text("ELF")
    return root


def quiet(line: str) -> None:
    """Progress that nobody wants to see."""


def test_suite_gives_a_cluster_node_and_a_remote_node(engine: Engine) -> None:
    pair = images.prepare(Target.parse("debian:trixie"), quiet)

    assert labels(engine) == [
        "debian-trixie-common",
        "debian-trixie-node",
        "debian-trixie-node-harness",
        "debian-trixie-remote",
        "debian-trixie-remote-harness",
    ]
    node, remote = line(engine, pair.node), line(engine, pair.remote)
    assert node[0].tag == remote[0].tag
    assert node[0].parent == BASE
    assert "pacemaker corosync" in node[1].arguments["PACKAGES"]
    assert "pacemaker-remote" in remote[1].arguments["PACKAGES"]
    assert "corosync" not in remote[1].arguments["PACKAGES"]
    assert "files/fence_harness" in node[2].files
    assert len(node) == len(remote) == 3


def test_prepared_target_is_not_built_again(engine: Engine) -> None:
    pair = images.prepare(Target.parse("debian:trixie"), quiet)
    engine.built.clear()

    assert images.prepare(Target.parse("debian:trixie"), quiet) == pair
    assert engine.built == []


def test_image_gets_only_the_harness_part_and_serves_both_sides(engine: Engine) -> None:
    engine.known["example.com/ha:1"] = "sha256:theirs"

    pair = images.prepare(Target.parse("image:example.com/ha:1"), quiet)

    assert pair.node == pair.remote
    (only,) = engine.built
    assert (only.parent, only.tag) == ("example.com/ha:1", pair.node)


def test_image_that_the_engine_lacks_is_wrong_usage(engine: Engine) -> None:
    with pytest.raises(UsageError, match=r"the engine has no image 'example\.com/ha:1'"):
        images.prepare(Target.parse("image:example.com/ha:1"), quiet)


def test_each_side_gets_its_own_packages_of_those_just_built(engine: Engine, debs: Path) -> None:
    pair = images.prepare(Target.parse(f"debs:{debs}"), quiet)

    def installed(image: str) -> set[str]:
        files = (name for build in line(engine, image) for name in build.files)
        return {name.partition("_")[0] for name in files if name.startswith("debs/")}

    assert installed(pair.node) == {"debs/pacemaker", "debs/libcrmcommon"}
    assert installed(pair.remote) == {"debs/pacemaker-remote", "debs/libcrmcommon"}
    packages = [build.arguments.get("PACKAGES") for build in line(engine, pair.node)]
    assert "corosync" in packages


def test_packages_just_built_make_new_images(engine: Engine, debs: Path) -> None:
    target = Target.parse(f"debs:{debs}")
    before = images.prepare(target, quiet)
    (debs / "pacemaker_3.0.1-1_amd64.deb").write_text("with a fix")

    after = images.prepare(target, quiet)

    assert after.node != before.node
    assert after.remote == before.remote


@pytest.mark.parametrize(
    ("missing", "role"), [("pacemaker", "remote"), ("pacemaker-remote", "node")]
)
def test_packages_for_one_side_make_one_image(
    engine: Engine, debs: Path, missing: str, role: str
) -> None:
    (debs / f"{missing}_3.0.1-1_amd64.deb").unlink()

    pair = images.prepare(Target.parse(f"debs:{debs}"), quiet)

    assert pair.node == pair.remote
    assert f"-{role}-" in pair.node


def test_packages_for_neither_side_are_wrong_usage(engine: Engine, debs: Path) -> None:
    for name in ("pacemaker", "pacemaker-remote"):
        (debs / f"{name}_3.0.1-1_amd64.deb").unlink()

    with pytest.raises(UsageError, match="neither pacemaker nor pacemaker-remote"):
        images.prepare(Target.parse(f"debs:{debs}"), quiet)


def test_install_tree_is_laid_over_the_suites_packages(engine: Engine, tree: Path) -> None:
    pair = images.prepare(Target.parse(f"install:{tree}"), quiet)

    for image in (pair.node, pair.remote):
        assert [len(build.files) for build in line(engine, image)[:2]] == [0, 0]
        assert line(engine, image)[2].files == ["tree/usr/sbin/pacemaker-remoted"]
        assert "files/fence-relay" in line(engine, image)[3].files
    assert pair.node != pair.remote


@pytest.mark.parametrize("text", ["host:192.0.2.1", "fake"])
def test_daemon_alone_has_no_images(engine: Engine, text: str) -> None:
    with pytest.raises(UsageError, match=f"target {text} has no images"):
        images.prepare(Target.parse(text), quiet)


# --- The base


def test_base_is_pulled_where_a_registry_answers(engine: Engine) -> None:
    engine.known.clear()
    lines: list[str] = []

    images.prepare(Target.parse("debian:trixie"), lines.append)

    assert engine.known[BASE].startswith("sha256:pulled debian")
    assert lines[0] == "pulling debian:trixie-slim ..."


def test_base_that_can_neither_be_pulled_nor_bootstrapped_is_one_sentence(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.known.clear()
    engine.registry = False
    monkeypatch.setattr("shutil.which", lambda program: None)

    with pytest.raises(EnvironmentProblem) as caught:
        images.prepare(Target.parse("debian:trixie"), quiet)

    assert str(caught.value) == (
        "debian:trixie-slim cannot be pulled (registry unreachable), and to bootstrap it, "
        "please install mmdebstrap (this system has no apt-get)"
    )


# --- Forgetting


def test_only_our_own_images_are_forgotten(engine: Engine) -> None:
    pair = images.prepare(Target.parse("debian:trixie"), quiet)
    assert isinstance(pair, ImagePair)
    engine.known["debian:trixie-slim"] = "sha256:theirs"
    engine.known[f"other/{REPOSITORY}/x:1"] = "sha256:theirs, too"
    ours = len(engine.known) - 2

    assert images.remove_all() == ours
    assert set(engine.known) == {"debian:trixie-slim", f"other/{REPOSITORY}/x:1"}
