"""What Flux's kustomize-controller will make of a repository, in its own order: entries, build, decryption, postBuild.

The model follows the controller's rules, quirks included, and is compared with the real one in the tests
(`make proof-flux`). What it does not follow is a verdict as well: not judged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import secretsync.audit.flux.entries as entries
from secretsync.audit.flux.artifact import Artifact
from secretsync.audit.flux.judging import BuildJudge
from secretsync.audit.flux.kustomization import SOURCES
from secretsync.audit.flux.opening import Opener
from secretsync.audit.flux.reconciling import Reconciling
from secretsync.audit.flux.verdicts import below
from secretsync.audit.ruleset import FLUX_DECRYPTS, FLUX_UNREACHED, FLUX_UNVERIFIED
from secretsync.errors import ConfigError
from secretsync.findings import Finding
from secretsync.masterkeys import MasterKeys

__all__ = ["check_flux"]


def check_flux(
    root: str, *, keys: MasterKeys | None = None, entry: Sequence[str] = (), map_source: Sequence[str] = ()
) -> list[Finding]:
    """Return what Flux will do with the repository at `root`, from its entries on.

    `entry` names files or folders that hold the entries, where they are not to be found; `map_source` says where other
    sources lie, each `KIND/NAME=PATH`. Without `keys` nothing is opened, and nothing is verified. Facts that are no
    problem have the level `note`.

    Raises:
        FileAccessError: `root`, an entry or a mapped source is missing or cannot be walked.
        ConfigError: an entry holds no Kustomization; a source is not named as it should be.
    """
    artifact, opener = Artifact(root), Opener(keys)
    judge = BuildJudge(artifact, opener)
    run = Reconciling(artifact, _mapped(map_source), judge)
    start = _entries(artifact, run, [_inside(root, each) for each in entry])
    if not start.first:
        message = "no Kustomization of Flux here, so what Flux would do is unknown"
        hint = "run it in the folder that holds them, too, or name them: --entry PATH"
        return [FLUX_UNREACHED.finding(root, "", message, hint, level="warning")]
    clusters = [(start.first, start.own)] if start.own is not None else [([each], each.source) for each in start.first]
    run.leave_out([line for source in {own for _, own in clusters} for line in entries.ignored(artifact, source)])
    for first, own in clusters:
        run.reconcile(first, own)
    run.wait()
    found = [*judge.verdicts.findings(), *_unreached(artifact, judge)]
    if any(each.rule == FLUX_DECRYPTS.id for each in found):
        found.append(FLUX_UNVERIFIED.finding(root, "", _unverified(opener)))
    return [below(root, each) for each in found]


def _entries(artifact: Artifact, run: Reconciling, given: list[str]) -> entries.Entries:
    if given:
        first = entries.named(artifact, given)
        return entries.Entries(first, entries.own_source(artifact, first))
    return entries.found(artifact, run.held)


def _mapped(given: Sequence[str]) -> Mapping[tuple[str, str], Artifact]:
    found = {}
    for each in given:
        source, _, path = each.partition("=")
        kind, _, name = source.partition("/")
        if kind not in SOURCES or not name or not path:
            hint = f"KIND/NAME=PATH, where KIND is {', '.join(SOURCES[:-1])} or {SOURCES[-1]}"
            raise ConfigError(f"{each!r} does not say which source lies where", hint=hint)
        found[kind, name] = Artifact(path)
    return found


def _inside(root: str, path: str) -> str:
    """Return a path from the working folder, or else from `root`, as one that is relative to `root`."""
    seen = path if os.path.exists(path) else os.path.join(root, path)
    return os.path.relpath(os.path.realpath(seen), os.path.realpath(root)).replace(os.sep, "/")


def _unverified(opener: Opener) -> str:
    message = "Flux does not verify the MAC of what it decrypts"
    if opener.verified and opener.verified == opener.looked_at:
        return f"{message}; this check verified all of it"
    return (
        f"{message}; this check verified {opener.verified} of {opener.looked_at} files" if opener.verified else message
    )


def _unreached(artifact: Artifact, judge: BuildJudge) -> Iterator[Finding]:
    for path in artifact.all_files():
        if path in judge.reached or judge.verdicts.holds(path) or any(step.startswith(".") for step in path.split("/")):
            continue
        if artifact.is_sops(path):
            why = "is encrypted, and left out of the artifact: Flux does not see it"
            message = "is encrypted, and no Kustomization that Flux applies reaches it"
            yield FLUX_UNREACHED.finding(path, "", why if path in artifact.left_out else message)
