"""Evidence is signed with the key that git signs with, and checked against keys that the judged commit has no say in.

An SSH signature is made under a namespace of our own, so that none made for commits or files can stand for it.
Sources: git-config(1), `gpg.format` and `user.signingKey`; ssh-keygen(1), `-Y` and ALLOWED SIGNERS; gpg(1).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any, Final

from secretsync import files, programs
from secretsync.errors import RepositoryError, SecretsyncError
from secretsync.git import Repository
from secretsync.git.settings import kind, search_path, signing_programs
from secretsync.keyring import KeyRing, RingSource, pgp
from secretsync.keyring.sources import FOLDER
from secretsync.rotation.verification import Check, Status

NAMESPACE: Final = "secretsync-evidence"
SIGNATURE: Final = "signature"
TITLE: Final = "the evidence is signed by somebody who may"
_SSH, _PGP = "ssh", "openpgp"
_UNSIGNED: Final = (SIGNATURE, "folder")
_PUBLIC_BLOCK: Final = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_LITERAL: Final = "key::"


@dataclass(frozen=True, slots=True)
class Signers:
    """Who may sign: lines of an allowed-signers file, and armored PGP keys with whose they are. `origin` says who says so."""

    origin: str
    allowed: bytes = b""
    armored: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether anybody is named at all."""
        return bool(self.allowed.strip() or self.armored)


def payload(evidence: Mapping[str, Any]) -> bytes:
    """Return what is signed: the canonical JSON of evidence, without its signature and where it lies."""
    signed = {name: value for name, value in evidence.items() if name not in _UNSIGNED}
    return json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()


def sign(evidence: Mapping[str, Any], repository: Repository) -> dict[str, Any]:
    """Return evidence with a signature, or as it is where git has no `user.signingKey`.

    Raises:
        RepositoryError: the program that signs refuses.
        MissingDependencyError: it is not installed.
    """
    found = {setting.name: setting.value for setting in repository.git.settings}
    key, form = found.get("user.signingkey", ""), found.get("gpg.format", _PGP).lower()
    if not key:
        return dict(evidence)
    chosen = signing_programs(repository.git.settings)
    if form == _SSH:
        made = _ssh_signature(chosen["gpg.ssh.program"], key, payload(evidence), repository.root)
    elif form == _PGP:
        made = _run(chosen["gpg.openpgp.program"], ["-bsau", key], payload(evidence), signing=True)
    else:
        raise RepositoryError(f"evidence is not signed with keys of {form!r}", hint="git config gpg.format ssh")
    return {**evidence, SIGNATURE: {"format": form, "value": made.decode("ascii", "replace")}}


def signers_in(ring: KeyRing, after: KeyRing, source: RingSource, origin: str) -> Signers:
    """Return who may sign by a key ring: not those whom the operation takes all keys from, `after` which the ring is."""
    kept = {each.name for each in after.principals if each.keys}
    allowed: list[str] = []
    armored: dict[str, bytes] = {}
    for each in ring.principals:
        if each.keys and each.name not in kept:
            continue
        for key in each.signing_keys:
            if " " in key:
                allowed.append(f'{each.name} namespaces="{NAMESPACE}" {key}\n')
            elif data := source.read(f"{FOLDER}/pgp/{key}.asc"):
                armored[each.name] = armored.get(each.name, b"") + data
    return Signers(origin, "".join(allowed).encode(), armored)


def signers_of_file(path: str) -> Signers:
    """Return who may sign by a file: allowed signers as ssh-keygen reads them, or armored PGP public keys."""
    data = files.read(path)
    return Signers(path, armored={path: data}) if _PUBLIC_BLOCK in data else Signers(path, data)


def check(evidence: Mapping[str, Any], signers: Signers) -> Check:
    """Check the signature of evidence; without anybody who may sign, it is unknown what a signature is worth."""
    made = evidence.get(SIGNATURE)
    if not isinstance(made, Mapping):
        return _outcome(signers, "", "is not signed")
    value, form = str(made.get("value", "")).encode("ascii", "replace"), made.get("format")
    try:
        if form == _SSH:
            return _check_ssh(value, payload(evidence), signers)
        if form == _PGP:
            return _check_pgp(value, payload(evidence), signers)
    except (SecretsyncError, OSError, ValueError) as error:
        return _row("unknown", note=f"the signature could not be checked: {error}")
    return _row("failed", failure=f"the signature has the format {form!r}, which nobody makes")


def _check_ssh(signature: bytes, data: bytes, signers: Signers) -> Check:
    with TemporaryDirectory(prefix="secretsync-") as folder:
        given, allowed = os.path.join(folder, "signature"), os.path.join(folder, "allowed")
        for path, content in ((given, signature), (allowed, signers.allowed)):
            files.write_atomic(path, content, 0o600)
        if _says(["-Y", "check-novalidate", "-n", NAMESPACE, "-s", given], data) is None:
            return _row("failed", failure="the evidence was changed since it was signed, or the signature was")
        names = _says(["-Y", "find-principals", "-s", given, "-f", allowed], data) or b""
        for name in names.decode("utf-8", "replace").splitlines():
            asked = ["-Y", "verify", "-f", allowed, "-I", name, "-n", NAMESPACE, "-s", given]
            if _says(asked, data) is not None:
                return _outcome(signers, name, "")
    return _outcome(signers, "", "is signed by somebody else")


def _check_pgp(signature: bytes, data: bytes, signers: Signers) -> Check:
    for name, armored in signers.armored.items():
        if pgp.signer(armored, signature, data):
            return _outcome(signers, name, "")
    return _outcome(signers, "", "is signed by somebody else, or was changed since")


def _outcome(signers: Signers, name: str, fault: str) -> Check:
    if name:
        return _row("passed", note=f"signed by {name}, who may by {signers.origin}")
    if signers.known:
        return _row("failed", failure=f"the evidence {fault}: who may sign is said by {signers.origin}")
    return _row("unknown", note=f"the evidence {fault or 'is signed'}, and {signers.origin} names nobody who may sign")


def _row(status: Status, *, failure: str = "", note: str = "") -> Check:
    return Check(SIGNATURE, TITLE, status, 1, [failure] if failure else [], [note] if note else [])


def _ssh_signature(program: str, key: str, data: bytes, root: str) -> bytes:
    """Sign as git does: `key` is a file, or a public key itself, whose private half an agent has."""
    arguments = ["-Y", "sign", "-n", NAMESPACE]
    literal = key.removeprefix(_LITERAL)
    if literal == key and not key.startswith(("ssh-", "ecdsa-", "sk-")):
        path = os.path.join(root, os.path.expanduser(key))
        return _run(program, [*arguments, "-f", path], data, signing=True)
    with TemporaryDirectory(prefix="secretsync-") as folder:
        path = os.path.join(folder, "key.pub")
        files.write_atomic(path, f"{literal}\n".encode(), 0o600)
        return _run(program, [*arguments, "-f", path, "-U"], data, signing=True)


def _says(arguments: Sequence[str], data: bytes) -> bytes | None:
    """Return what ssh-keygen from the PATH prints; None where it refuses."""
    ended = _started("ssh-keygen", arguments, data, signing=False)
    return ended.stdout if ended.returncode == 0 else None


def _run(program: str, arguments: Iterable[str], data: bytes, *, signing: bool) -> bytes:
    ended = _started(program, arguments, data, signing=signing)
    if ended.returncode or not ended.stdout:
        told = [line for line in ended.stderr.decode("utf-8", "replace").splitlines() if line.strip()] or ["it failed"]
        raise RepositoryError(f"{os.path.basename(program)} did not sign the evidence: {told[-1]}", hint=_HINT)
    return ended.stdout


def _started(program: str, arguments: Iterable[str], data: bytes, *, signing: bool) -> programs.CompletedProcess[bytes]:
    where = {"PATH": search_path(os.environ)}
    found = programs.find(os.path.expanduser(program), where, purpose="a signature needs it")
    sees = kind(signing=True) if signing else programs.GPG
    try:
        return programs.run(sees, [found, *arguments], os.environ, where, input=data, capture_output=True, cwd=os.sep)
    except OSError as error:
        raise RepositoryError(f"{program} does not start: {error.strerror}", hint=_HINT) from None


_HINT: Final = "see git config user.signingKey, and export it signed later: secretsync runbook SCENARIO evidence"
