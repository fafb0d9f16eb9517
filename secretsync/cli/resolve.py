"""`secretsync resolve`: the conflicts of a merge, decided by a person, with the plaintext where `edit` keeps it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli._options import AllowDemoKeys, Config, grouped
from secretsync.cli._resolving import Resolver
from secretsync.cli._terminal import say
from secretsync.errors import ChangedFileError, ConflictingOptionsError, RepositoryError
from secretsync.git.index import path_within
from secretsync.git.unfinished import MergeStages, UnfinishedMerge
from secretsync.git.unresolved import UnresolvedMerges
from secretsync.merging.conflicts import Side
from secretsync.merging.resolving import Resolution

Paths: TypeAlias = Annotated[list[str], typer.Argument(metavar="FILE...", help="Encrypted files that a merge left.")]
_STAGES = 4


@dataclass(frozen=True, slots=True)
class SideOptions:
    """Whose values are taken without an editor."""

    ours: Annotated[
        list[str] | None,
        typer.Option(
            "--ours", metavar="PATH", help="Take ours at this conflict, as in db.password; sops for recipients."
        ),
    ] = None
    theirs: Annotated[
        list[str] | None, typer.Option("--theirs", metavar="PATH", help="Take theirs at this conflict.")
    ] = None
    all_ours: Annotated[bool, typer.Option("--all-ours", help="Take ours at every other conflict.")] = False
    all_theirs: Annotated[bool, typer.Option("--all-theirs", help="Take theirs at every other conflict.")] = False
    keep: Annotated[
        bool, typer.Option("--keep", help="Take the file as it stands, which somebody resolved by other means.")
    ] = False

    def require_sense(self) -> None:
        """Refuse what excludes each other. Raises: ConflictingOptionsError."""
        if self.all_ours and self.all_theirs:
            raise ConflictingOptionsError("--all-ours and --all-theirs exclude each other")
        if self.keep and (self.ours or self.theirs or self.all_ours or self.all_theirs):
            raise ConflictingOptionsError("--keep takes the file as it stands, and merges nothing")

    def rest(self) -> Side | None:
        """Return whose values are taken wherever nothing else is said."""
        return Side.OURS if self.all_ours else Side.THEIRS if self.all_theirs else None

    def choices(self, resolution: Resolution) -> dict[int, Side]:
        """Return what was chosen. Raises: ConflictingOptionsError: a path is no conflict."""
        rest = self.rest()
        found = resolution.all_chosen(rest) if rest else {}
        for side, places in ((Side.OURS, self.ours), (Side.THEIRS, self.theirs)):
            for place in places or ():
                here = resolution.chosen(place, side)
                if not here:
                    known = ", ".join(dict.fromkeys(map(resolution.place, resolution.conflicts))) or "none"
                    raise ConflictingOptionsError(f"{place!r} is no conflict", hint=f"the conflicts are: {known}")
                found |= here
        return found


@grouped
def resolve(
    paths: Paths,
    sides: SideOptions,
    stages: Annotated[
        bool, typer.Option("--stages", help="As a mergetool: the arguments are the files BASE LOCAL REMOTE MERGED.")
    ] = False,
    config: Config = None,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Finish the merge of encrypted files.

    Merges the versions that git keeps of each file again, value by value, and opens your editor on what is in conflict,
    both values between markers. The result is written and staged. In a rebase, ours is the branch that you rebase onto.
    """
    sides.require_sense()
    if stages:
        _as_mergetool(paths, sides, Resolver("", config, allow_demo_keys=allow_demo_keys))
        return
    for path in dict.fromkeys(paths):
        _resolve(path, sides, Resolver(path, config, allow_demo_keys=allow_demo_keys))


def _resolve(path: str, sides: SideOptions, resolver: Resolver) -> None:
    merge = UnfinishedMerge.of(path)
    before = files.read(path) if os.path.lexists(path) else None
    versions = merge.versions()
    if sides.keep or not merge.has_stages:
        resolver.require_accepted(before, yes=sides.keep)
        result = before
    elif versions.ours is None or versions.theirs is None:
        result = resolver.kept_or_deleted(versions, sides.rest())
    else:
        if merge.is_rebase():
            say("in a rebase, ours is the branch that you rebase onto, and theirs is your own commit")
        resolution = resolver.resolution(versions)
        result = resolver.decided(resolution, sides.choices(resolution), before)
    _write(path, result, before)
    merge.settle(result)
    say(f"{path}: resolved and staged")


def _write(path: str, result: bytes | None, before: bytes | None) -> None:
    if result is None:
        if before is not None:
            os.remove(path)
    elif result != before:
        try:
            files.write_atomic(path, result, replaces=before)
        except ChangedFileError as error:
            kept = f"{path}.resolved"
            files.create(kept, result)
            error.hint = f"what you decided is, encrypted, in {kept}"
            raise


def _as_mergetool(paths: list[str], sides: SideOptions, resolver: Resolver) -> None:
    """Resolve as git's mergetool asks for it, which stages the result itself."""
    if len(paths) != _STAGES:
        raise ConflictingOptionsError("--stages takes four files", hint="BASE LOCAL REMOTE MERGED")
    base, ours, theirs = (files.read(path) if os.path.isfile(path) else b"" for path in paths[:3])
    path = paths[3]
    before = files.read(path) if os.path.lexists(path) else None
    resolver = resolver.at(path)
    resolution = resolver.resolution(MergeStages(base, ours, theirs))
    result = resolver.decided(resolution, sides.choices(resolution), before)
    _write(path, result, before)
    try:
        notes = UnresolvedMerges.of(os.path.realpath(os.path.dirname(os.path.abspath(path))))
    except RepositoryError:
        return
    notes.forget(path_within(notes.root, path))
