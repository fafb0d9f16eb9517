"""Which SealedSecrets of a commit are sealed anew for a cluster, which are another's, and what they are compared with.

Whose a file is, the ring says: by the `paths` of a cluster's pin, else by a folder that is called as a cluster is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from secretsync.git import Repository
from secretsync.keyring import KeyRing, SealingPin
from secretsync.keyring.sources import FOLDER
from secretsync.rotation import preflight
from secretsync.rotation.file_metadata import Inspected
from secretsync.rotation.file_worker import Sealing
from secretsync.rotation.model import FilePlan, Problem
from secretsync.rotation.parameters import PATHS, Parameters, is_within
from secretsync.rotation.resealing import Clusters, SealedFile, certificate_of, uncompared
from secretsync.rotation.survey import Survey

_RETIRED: Final = f"{FOLDER}/retired/sealing"
_SHORT: Final = 16


class SealedPlan(NamedTuple):
    """What becomes of the SealedSecrets: the SPKI hash to seal for, files, problems, what to know, what is left."""

    spki: str
    files: list[FilePlan]
    problems: list[Problem]
    notes: list[str]
    left: list[str]


def sealed_plan(survey: Survey, parameters: Parameters) -> SealedPlan:
    """Look at every SealedSecret that the parameters choose. Raises: CertificateError: theirs cannot be sealed for."""
    setting, subject, pem = survey.setting, parameters.text("subject"), parameters.text("certificate")
    spki = certificate_of(pem, setting.now).spki_sha256
    blobs = setting.repository.blobs(survey.base)
    marked = setting.repository.files_with(survey.base, b"SealedSecret")
    wanted = [path for path in sorted(marked) if path in blobs and is_within(parameters.globs(PATHS.name), path)]
    owners = _owners(survey.before, setting.repository, survey.base)
    sources, problems = _sources(survey, parameters)
    tasks = [
        Sealing(
            *(path, blobs[path], pem, setting.now),
            Clusters(subject, home_of(path, survey.before.policy.sealing, subject), owners),
            sources,
        )
        for path in wanted
    ]
    found = list(setting.pool.map("sealed", tasks))
    files = [_file(one, f"sealing-{spki[:_SHORT]}", sources) for one in found if one.due]
    problems += [preflight.unopened(one.path, error) for one in found for error in one.errors]
    return SealedPlan(
        spki,
        files,
        problems,
        notes=[*_shared(owners, spki, subject), *(each for file in files for each in uncompared(file))],
        left=[f"{one.path}: {each}" for one in found for each in one.left],
    )


def home_of(path: str, pins: Iterable[SealingPin], subject: str) -> str:
    """Return the cluster whose files lie where `path` does, `subject` before others; nothing where the ring does not say."""
    known = sorted(pins, key=lambda pin: (pin.cluster != subject, pin.cluster))
    mapped = next((pin.cluster for pin in known if pin.matches(path)), "")
    names = {pin.cluster for pin in known if not pin.paths}
    return mapped or next((folder for folder in reversed(path.split("/")[:-1]) if folder in names), "")


def foreign_home(path: str, pins: Sequence[SealingPin], subject: str) -> str:
    """Return the cluster whose files lie where `path` does, where that is another one with sealing keys of its own."""
    home = home_of(path, pins, subject)
    own = {pin.spki_sha256 for pin in pins if pin.cluster == subject}
    shared = any(pin.cluster == home and pin.spki_sha256 in own for pin in pins)
    return "" if home == subject or shared else home


def _owners(ring: KeyRing, repository: Repository, base: str) -> dict[str, list[str]]:
    """Return the clusters of each sealing key that the ring knows, retired ones included."""
    known = [(pin.spki_sha256[:_SHORT], pin.cluster) for pin in ring.policy.sealing]
    for path in repository.blobs(base, _RETIRED):
        cluster, _, name = path.removeprefix(f"{_RETIRED}/").partition("/")
        known.append((name.removesuffix(".pem"), cluster))
    found: dict[str, list[str]] = {}
    for spki, cluster in sorted(set(known)):
        found.setdefault(spki, []).append(cluster)
    return found


def _shared(owners: Mapping[str, list[str]], spki: str, subject: str) -> list[str]:
    others = [name for name in owners.get(spki[:_SHORT], []) if name != subject]
    return [f"the certificate is pinned for {', '.join(others)} as well: whoever runs that opens these items"] * bool(
        others
    )


def _sources(survey: Survey, parameters: Parameters) -> tuple[dict[str, str], list[Problem]]:
    """Return the SOPS files that are named, with their blobs, and a problem for each that cannot be used."""
    named = {part.strip().removeprefix("./") for part in parameters.text("plaintext-from").split(",")} - {""}
    pins = [pin for pin in survey.before.policy.sealing if pin.cluster == parameters.text("subject")]
    known = {one.path: one for one in survey.files}
    chosen = {one.path: one.blob for one in survey.files if one.error is None and _is_named(one, named, pins)}
    hint = "--plaintext-from takes files as they are in the commit, seen from the root of the repository"
    problems = [
        Problem(path, "no-source", "is no SOPS file of the commit", hint) for path in sorted(named - known.keys())
    ]
    errors = [(path, known[path].error) for path in sorted(named & known.keys())]
    problems += [preflight.unopened(path, error) for path, error in errors if error is not None]
    return chosen, problems


def _is_named(one: Inspected, named: set[str], pins: Iterable[SealingPin]) -> bool:
    return one.path in named or (bool(one.secret) and any(pin.matches(one.path) for pin in pins))


def _file(one: SealedFile, key: str, sources: Mapping[str, str]) -> FilePlan:
    used = {path: sources[path] for item in one.due for path in item.sources}
    return FilePlan(
        one.path, one.blob, "re-seal", [], [[key]], 0, len(one.due), sources=dict(sorted(used.items())), sealed=one.due
    )
