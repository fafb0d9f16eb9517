"""What becomes of the files behind generators and patches, which the controller decrypts in place before the build.

Source: fluxcd/kustomize-controller internal/decryptor at 1.9.5 (`DecryptSources`, `sopsDecryptFile`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secretsync.audit.flux.artifact import Artifact, is_sops
from secretsync.audit.flux.build import Build
from secretsync.audit.flux.decryption import RENAME, decrypts, of_carried, undecrypted
from secretsync.audit.flux.formats import format_for, formats_of
from secretsync.audit.flux.generators import Use
from secretsync.audit.flux.kustomization import Kustomization
from secretsync.audit.flux.verdicts import FluxVerdict
from secretsync.audit.ruleset import FLUX_CHANGES, FLUX_DECRYPTS, FLUX_FAILS, FLUX_MISSED
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.errors import SecretsyncError
from secretsync.sops import metadata
from secretsync.sops.metadata import Metadata

_MAX_SIZE: Final = 5 << 20
"""Source: `maxEncryptedFileSize`."""
_IN_PLACE: Final = ("secret file", "secret env", "patch")


def of_uses(artifact: Artifact, sync: Kustomization, built: Build) -> Iterator[tuple[str, FluxVerdict]]:
    """Yield what becomes of each file that generators and patches name."""
    in_place = {each.path for each in built.uses if each.role in _IN_PLACE and each.is_visited}
    for use in built.uses:
        if not artifact.is_file(use.path):
            hint = "what .sourceignore leaves out is not in the artifact" if use.path in artifact.left_out else None
            yield use.by, FluxVerdict(FLUX_FAILS, "", f"names {use.path}, which is not there: the build fails", hint)
            continue
        try:
            data = artifact.data(use.path)
        except SecretsyncError as error:
            yield use.path, FluxVerdict(FLUX_FAILS, "", error.message, error.hint)
            continue
        if is_sops(use.path, data):
            yield from ((use.path, each) for each in _of_use(sync, use, data, in_place))


def _of_use(sync: Kustomization, use: Use, data: bytes, in_place: set[str]) -> Iterator[FluxVerdict]:
    if use.role == "merged":
        message = f"{sync} merges it before anything is decrypted, and the build fails"
        yield FluxVerdict(FLUX_FAILS, "", message, "name it under patches, with path")
    elif use.role == "config map" and sync.decrypts and use.path in in_place:
        message = f"{sync} decrypts it for a generator of Secrets, and a ConfigMap that names it gets the plaintext too"
        yield FluxVerdict(FLUX_CHANGES, "", message, f"take it out of the configMapGenerator in {use.by}")
    elif use.role in _IN_PLACE and use.is_visited:
        yield _in_place(sync, use, data)
    else:
        message = f"{sync} uses it where Flux decrypts nothing: it is applied as ciphertext"
        yield FluxVerdict(
            FLUX_MISSED, "", message, "use it in secretGenerator or patches of a kustomization in resources"
        )


def _in_place(sync: Kustomization, use: Use, data: bytes) -> FluxVerdict:
    wanted, found = format_for(use.key or use.path), formats_of(data)
    found = [wanted] if wanted in found else found
    if not sync.decrypts:
        return undecrypted(sync, "")
    if len(data) > _MAX_SIZE:
        return FluxVerdict(FLUX_FAILS, "", f"is larger than {_MAX_SIZE} bytes, which Flux refuses")
    if use.role == "secret env":
        return _env(sync, data, wanted, found)
    if not found or (use.role == "patch" and wanted not in found):
        message = f"Flux takes it for {wanted}, by the name {use.key or use.path!r}, and it is not: it stays ciphertext"
        return FluxVerdict(FLUX_MISSED, "", message, RENAME)
    verdict = of_carried(sync, "", data, found, wanted)
    return _with_keys(sync, verdict, data, found[0])


def _env(sync: Kustomization, data: bytes, wanted: str, found: list[str]) -> FluxVerdict:
    if wanted not in {"dotenv", "binary"} or "dotenv" not in found:
        message = "is used as an env file and is not in dotenv format: its lines become keys that no Secret can have"
        return FluxVerdict(FLUX_FAILS, "", message, "use it under files, or encrypt it as NAME.env")
    return _with_keys(sync, decrypts(sync, "", None), data, "dotenv")


def _with_keys(sync: Kustomization, verdict: FluxVerdict, data: bytes, store: str) -> FluxVerdict:
    """Return the verdict that a file is decrypted with the keys that it needs."""
    block = _block(data, store) if verdict.rule is FLUX_DECRYPTS else None
    return verdict if block is None else decrypts(sync, verdict.place, block)


def _block(data: bytes, store: str) -> Metadata | None:
    try:
        return metadata.split(store_named(store).load(data, limits=Limits(), encrypted=True).documents)[1]
    except SecretsyncError:
        return None
