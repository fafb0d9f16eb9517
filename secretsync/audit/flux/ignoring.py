"""What source-controller leaves out of the artifact that it makes of a repository.

Source: fluxcd/pkg/sourceignore at 0.18 and go-git's gitignore: the last pattern that matches a path or a folder above
it decides, so that a file can be taken back from a folder that is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from secretsync.errors import ConfigError
from secretsync.keyring.globs import matches

FILE: Final = ".sourceignore"

_NAMES: Final = frozenset(
    {
        *(".git", ".gitignore", ".gitmodules", ".gitattributes"),
        *(".github", ".circleci", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml"),
        *("cloudbuild.yaml", "codeship-services.yml", "codeship-steps.yml"),
        *(".goreleaser.yml", ".sops.yaml", ".flux.yaml"),
    }
)
_SUFFIXES: Final = (".jpg", ".jpeg", ".gif", ".png", ".wmv", ".flv", ".tar.gz", ".zip")


class IgnorePattern(NamedTuple):
    """One line of an ignore file in the folder `below`: `glob` is relative to it; `takes_back` is a line with `!`."""

    below: str
    glob: str
    takes_back: bool
    folders_only: bool

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Whether a path relative to the root is one that the line means."""
        if (self.folders_only and not is_folder) or not path.startswith(self.below):
            return False
        try:
            return matches(self.glob, path[len(self.below) :])
        except ConfigError:
            return False


def patterns(lines: Iterable[str], folder: str = "") -> Iterator[IgnorePattern]:
    """Yield the patterns of an ignore file that lies in `folder`, `` being the root."""
    below = f"{folder}/" if folder else ""
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        takes_back = line.startswith("!")
        glob = line[takes_back:].rstrip()
        folders_only = glob.endswith("/")
        glob = glob.rstrip("/")
        anchored = "/" in glob
        glob = glob.removeprefix("/")
        yield IgnorePattern(below, glob if anchored else f"**/{glob}", takes_back, folders_only)


def is_left_out(path: str, found: list[IgnorePattern]) -> bool:
    """Whether a file is left out: by what the last pattern says of it or of a folder above it, else by the defaults."""
    steps = path.split("/")
    above = ["/".join(steps[: index + 1]) for index in range(len(steps))]
    for pattern in reversed(found):
        if any(pattern.matches(each, is_folder=each != path) for each in above):
            return not pattern.takes_back
    return not _NAMES.isdisjoint(steps) or path.endswith(_SUFFIXES)
