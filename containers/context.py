# SPDX-License-Identifier: GPL-2.0-or-later
"""What a recipe may copy: files, their hash, and the archive that the engine is given.

Rules: the hash covers names, modes and contents, and nothing that differs between two equal
builds (times, owners), so that an image is built again exactly when it would differ. Directories
count only through what lies in them. A tree may be larger than memory: files are read in pieces,
and the archive lies on disk.
"""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from containers.errors import UsageError


@dataclass(frozen=True)
class Context:
    """A build context.

    Attributes:
        files: what a recipe sees, by the name that it sees it under.
    """

    files: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of_tree(cls, prefix: str, root: Path) -> Context:
        """All files and symbolic links below *root*, under *prefix*."""
        paths = (path for path in root.rglob("*") if path.is_symlink() or path.is_file())
        return cls({f"{prefix}/{path.relative_to(root)}": path for path in paths})

    def digest(self) -> bytes:
        """SHA-256 over everything that the engine would be given.

        Raises:
            UsageError: a file cannot be read.
        """
        sum_ = hashlib.sha256()
        for name, path in sorted(self.files.items()):
            try:
                mode, content = path.lstat().st_mode, _content_digest(path)
            except OSError as error:
                raise UsageError(f"cannot read {path}: {error.strerror}") from None
            sum_.update(f"{name}\0{mode:o}\0".encode() + content)
        return sum_.digest()

    def archive(self, dockerfile: str) -> IO[bytes]:
        """A tar archive of the files, owned by root, and of *dockerfile*; the caller closes it."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 - it is the caller's
        with tarfile.open(fileobj=file, mode="w") as tar:
            recipe = tarfile.TarInfo("Dockerfile")
            recipe.size = len(dockerfile.encode())
            tar.addfile(recipe, io.BytesIO(dockerfile.encode()))
            for name, path in sorted(self.files.items()):
                tar.add(path, arcname=name, recursive=False, filter=_as_root)
        file.seek(0)
        return file


def _content_digest(path: Path) -> bytes:
    if stat.S_ISLNK(path.lstat().st_mode):
        return hashlib.sha256(str(path.readlink()).encode()).digest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
