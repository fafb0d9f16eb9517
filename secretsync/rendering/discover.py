"""Which files a rendering reads, in which order: each named file, and the manifests of each named folder.

A manifest is a file ending in `.yaml`, `.yml` or `.json`. Hidden files and folders (`.git`, `.sops.yaml`, …) and
kustomizations are left out of folders; a file that is named is read whatever its name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync import files
from secretsync.documents.tree import Limits
from secretsync.errors import LimitError, ManifestError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync import listing
else:
    listing = LateModule("secretsync.listing")

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS: Final = frozenset({"kustomization.yaml", "kustomization.yml"})
STDIN_NAME: Final = "stdin"


class Input(NamedTuple):
    """One file to render: `name` stands in messages, `relpath` is its place below an output folder.

    `content` is set where the bytes are at hand; else `path` is read, confined to the folder `root` where that is set.
    """

    name: str
    relpath: str
    path: str = ""
    root: str | None = None
    content: bytes | None = None

    def read(self, limits: Limits) -> bytes:
        """Return the bytes.

        Raises:
            FileAccessError: the file is missing, unreadable, changed meanwhile, or leads out of its folder.
            LimitError: it is larger than `limits.size`.
        """
        if self.content is None and self.root is not None:
            return files.read_confined(self.root, self.path, limits.size)
        data = self._named(limits.size) if self.content is None else self.content
        if data is None or len(data) > limits.size:
            raise LimitError(f"is larger than {limits.size} bytes", location=self.name)
        return data

    def _named(self, limit: int) -> bytes | None:
        """Return the bytes of a named file, None if it is plainly too large to read."""
        if os.path.isfile(self.path) and os.path.getsize(self.path) > limit:
            return None
        return files.read(self.path)


def from_stream(read: Callable[[int], bytes], limits: Limits) -> Input:
    """Return what a stream holds, of which `read` gives at most so many bytes: enough to tell that it is too large."""
    return Input(STDIN_NAME, f"{STDIN_NAME}.yaml", files.STDIN, content=read(limits.size + 1))


def named_inputs(paths: Sequence[str | Input], read: Callable[[int], bytes], limits: Limits) -> list[str | Input]:
    """Return the paths of a command line, with what `read` gives in the place of `-`."""
    return [from_stream(read, limits) if path == files.STDIN else path for path in paths]


def discover(path: str, *, several: bool, max_files: int) -> tuple[list[Input], list[str]]:
    """Return the inputs of one path, a folder's sorted by name, and warnings about what was left out.

    With `several` paths the place below an output folder keeps the path, else it starts at the folder.

    Raises:
        FileAccessError: the path is missing, or the folder holds a link that leads out of it.
        ManifestError: the folder holds no manifest.
        LimitError: the folder holds more than `max_files`, of whatever kind.
    """
    if not os.path.isdir(path):
        return [Input(path, _below(path) if several else os.path.basename(path), path)], []
    warnings: list[str] = []
    prefix = _below(path) if several else ""
    found = [
        Input(name if path == "." else os.path.join(path, name), os.path.join(prefix, name), name, path)
        for name in _manifests(path, warnings, max_files)
    ]
    if not found:
        raise ManifestError("no manifest (*.yaml, *.yml, *.json) in this folder", location=path)
    return found, warnings


def _manifests(folder: str, warnings: list[str], max_files: int) -> Iterator[str]:
    for name in listing.walk(folder, at_most=max_files):
        if not name.endswith(_SUFFIXES) or name.startswith(".") or f"{os.sep}." in name:
            continue
        if os.path.basename(name) in _KUSTOMIZATIONS:
            warnings.append(f"{os.path.join(folder, name)}: left out: a kustomization is built by kustomize")
            continue
        yield name


def _below(path: str) -> str:
    """Return a relative form of `path` that cannot leave an output folder."""
    steps = [step for step in os.path.normpath(path).split(os.sep) if step not in {"", ".", ".."}]
    return os.path.join(*steps) if steps else ""
