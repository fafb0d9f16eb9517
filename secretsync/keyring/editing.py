"""Changes to a key ring, as the new contents of every file they touch: principals, retired keys, `.sops.yaml`, the lock.

Nothing is written here: the caller writes all files or none. Each change is read back strictly before it is returned.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final, NamedTuple

import secretsync.keyring.key_intake as key_intake
import secretsync.keyring.lockfile as lockfile
import secretsync.keyring.sealing as sealing
import secretsync.keyring.writing as writing
from secretsync.errors import ConfigError, PolicyError
from secretsync.keyring.generation import generate_sops_yaml
from secretsync.keyring.model import FOLDERS, KeyRing, Principal, PublicKey, Reason, Retired, Status
from secretsync.keyring.reading import GROUPS, POLICY, load_from
from secretsync.keyring.sources import FOLDER, Changed, Changes, RingSource
from secretsync.sealed.certificate import SealingCertificate

SOPS_YAML: Final = ".sops.yaml"


class Retirement(NamedTuple):
    """Why a key is retired, and on which day."""

    reason: Reason
    on: date
    compromised_since: date | None = None
    replaced_by: str = ""


def add_key(
    source: RingSource,
    principal: Principal,
    key: PublicKey,
    *,
    today: date,
    groups: Sequence[str] = (),
    armored: bytes = b"",
) -> Changes:
    """Return the files that change when a key joins the ring.

    `principal` (its keys do not count) is made where the ring does not know its name; it joins `groups`, which exist.
    `armored` is a PGP key's public key, which is kept in `keys/pgp/`.

    Raises:
        PolicyError: the key, or its id, is there already or is retired; it is too weak, or cannot decrypt.
        ConfigError: the ring is malformed, or a group is unknown.
    """
    ring = _acknowledged(source)
    _require_new(ring, key)
    changes: Changes = {}
    present = next((each for each in ring.principals if each.name == principal.name), None)
    if present is None:
        one = replace(principal, keys=(key,))
        changes[_file(one)] = writing.principal(one)
    elif present.kind != principal.kind:
        raise PolicyError(f"{present.name!r} is a {present.kind} already", location=_file(present))
    else:
        path = _file(present)
        changes[path] = writing.append(source.read(path) or b"", path, "keys", writing.key_fields(key))
    if armored:
        changes[f"{FOLDER}/{key.armored_path}"] = armored
    if groups:
        changes[GROUPS] = _joined(source, ring, principal.name, groups)
    return regenerated(source, changes, today=today)


def retire(source: RingSource, principal: str, why: Retirement, *, key_ids: Collection[str] | None = None) -> Changes:
    """Return the files that change when keys of a principal (all of them, or `key_ids`) are retired.

    With reason `left` and no key remaining, the principal itself goes: from its file, the groups and the policy.

    Raises:
        PolicyError: the lock does not know the ring as it is.
        ConfigError: the ring knows no such principal or key, is malformed, or a rule is left without a reader.
    """
    one = _acknowledged(source).principal(principal)
    going = [key for key in one.keys if key_ids is None or key.id in key_ids]
    if not going or (key_ids is not None and len(going) != len(set(key_ids))):
        raise ConfigError(f"{principal!r} has no such key", location=_file(one), hint="secretsync keys list")
    changes = _retirement(source, one, going, why)
    if why.reason == "left" and len(going) == len(one.keys):
        changes[_file(one)] = None
        changes.update(_without_principal(source, one))
    return regenerated(source, changes, today=why.on)


def replace_key(source: RingSource, old_id: str, key: PublicKey, why: Retirement) -> Changes:
    """Return the files that change when `key` takes the place of the key called `old_id`, which is retired.

    Raises: as `add_key` and `retire`.
    """
    ring = _acknowledged(source)
    _require_new(ring, key)
    found = next(((owner, each) for owner, each in ring.public_keys() if each.id == old_id), None)
    if found is None:
        raise ConfigError(f"the key ring knows no key {old_id!r}", hint="secretsync keys list")
    owner, old = found
    path = _file(owner)
    added: Changes = {path: writing.append(source.read(path) or b"", path, "keys", writing.key_fields(key))}
    gone = _retirement(Changed(source, added), owner, [old], why._replace(replaced_by=key.id))
    return regenerated(source, {**added, **gone}, today=why.on)


def rename(source: RingSource, old: str, new: str, *, today: date) -> Changes:
    """Return the files that change when a principal is called otherwise: in its file, the groups and the policy.

    Keys whose ids begin with the old name follow. Retired keys keep the name they were retired under.

    Raises:
        PolicyError: the new name is taken, or the lock does not know the ring as it is.
        ConfigError: the ring knows no such principal, or the new name is none.
    """
    ring = _acknowledged(source)
    principal = ring.principal(old)
    if any(each.name == new for each in ring.principals):
        raise PolicyError(f"there is a principal {new!r} already", hint="secretsync keys list")
    path, renamed = _file(principal), _file(replace(principal, name=new))
    ids = {key.id: new + key.id.removeprefix(old) for key in principal.keys if key.id.startswith(old)}
    renamed_file = writing.renamed_principal(source.read(path) or b"", path, new, ids)
    changes: Changes = {path: None, renamed: renamed_file}
    names = {old: new, f"{principal.kind}:{old}": f"{principal.kind}:{new}"}
    for shared in (GROUPS, POLICY):
        if (data := source.read(shared)) is not None:
            changes[shared] = writing.with_names(data, shared, names)
    return regenerated(source, changes, today=today)


def pin(source: RingSource, cluster: str, data: bytes, *, now: datetime) -> Changes:
    """Return the files that change when a cluster's sealing certificate is pinned, in place of the one before.

    `data` is PEM; only its first certificate counts. The one before moves to `keys/retired/sealing/`.

    Raises:
        CertificateError, ExpiredCertificateError: it cannot be sealed for.
        PolicyError: its key is retired, or the lock does not know the ring as it is.
    """
    ring = _acknowledged(source)
    certificate = SealingCertificate.load(data, now=now)
    path = sealing.path_of(cluster, certificate)
    if source.read(f"{FOLDER}/retired/{path}") is not None:
        raise PolicyError("this sealing key was retired and does not come back", location=f"{FOLDER}/retired/{path}")
    old = next((each for each in ring.policy.sealing if each.cluster == cluster), None)
    changes: Changes = {f"{FOLDER}/{path}": data}
    fields = {"cluster": cluster, "cert": path, "pin_spki_sha256": certificate.spki_sha256}
    if old and old.certificate != path:
        former = f"{FOLDER}/{old.certificate}"
        changes[f"{FOLDER}/retired/{old.certificate}"], changes[former] = source.read(former), None
    changes[POLICY] = writing.with_pin(source.read(POLICY) or b"", POLICY, fields)
    return regenerated(source, changes, today=now.date())


def regenerated(source: RingSource, changes: Changes, *, today: date) -> Changes:
    """Return `changes` with the `.sops.yaml` and the lock that follow from them; those that stay as they are left out.

    Raises:
        ConfigError: the changed ring is malformed, or leaves somebody's files without a reader.
    """
    ring = load_from(Changed(source, changes))
    found: Changes = dict(changes)
    if ring.policy.rules:
        found[SOPS_YAML] = generate_sops_yaml(ring, today=today)
    found[lockfile.PATH] = lockfile.generate(ring, source.read(lockfile.PATH))
    return {path: data for path, data in found.items() if data != source.read(path)}


def _acknowledged(source: RingSource) -> KeyRing:
    """Return the ring, once it is what its lock says: an edit by hand is looked at before a tool builds on it."""
    ring = load_from(source)
    lock = source.read(lockfile.PATH)
    if lock is not None and lockfile.read(lock).digest != lockfile.digest(lockfile.content(ring)):
        raise PolicyError(
            "keys/ was changed since this lock was written",
            location=lockfile.PATH,
            hint="look at secretsync keys lint, then: secretsync keys lint --fix",
        )
    return ring


def _require_new(ring: KeyRing, key: PublicKey) -> None:
    key_intake.require_sound(key.type, key.recipient)
    found, gone = ring.find(key.master_key), ring.find_retired(key.master_key)
    if found:
        raise PolicyError(f"this key already exists, as {found[1].id!r} of {found[0].name!r}", location=_file(found[0]))
    if gone:
        raise PolicyError(
            f"this key was retired on {gone.retired_at} ({gone.reason}) and does not come back",
            location=f"{FOLDER}/retired/{gone.principal}.yaml",
        )
    ids = {each.id for _, each in ring.public_keys()} | {each.key.id for each in ring.retired}
    if key.id in ids:
        raise PolicyError(f"the key ring has a key {key.id!r} already", hint="give another: --id NAME")


def _joined(source: RingSource, ring: KeyRing, name: str, groups: Sequence[str]) -> bytes:
    known = {group.name: group for group in ring.groups}
    data = source.read(GROUPS) or b""
    for group in groups:
        if group not in known:
            raise ConfigError(f"no group {group!r}", location=GROUPS, hint="add it there first")
        if name not in known[group].members:
            data = writing.with_member(data, GROUPS, group, name)
    return data


def _retirement(source: RingSource, principal: Principal, going: list[PublicKey], why: Retirement) -> Changes:
    """Return the principal's file without the keys that go, and their entries on the deny list."""
    status: Status = "compromised" if why.reason == "compromised" else "deactivated"
    entries = [
        Retired(principal.name, replace(key, status=status), why.reason, why.on, why.compromised_since, why.replaced_by)
        for key in going
    ]
    path, denied = _file(principal), f"{FOLDER}/retired/{principal.name}.yaml"
    present = source.read(denied)
    fields = [writing.retired_fields(entry) for entry in entries]
    return {
        path: writing.without_keys(source.read(path) or b"", path, {key.id for key in going}),
        denied: writing.append(present, denied, "keys", *fields)
        if present
        else writing.retired(principal.name, entries),
    }


def _without_principal(source: RingSource, principal: Principal) -> Changes:
    names = {principal.name, f"{principal.kind}:{principal.name}"}
    found: Changes = {}
    for path in (GROUPS, POLICY):
        data = source.read(path)
        if data is not None:
            found[path] = writing.without_names(data, path, names)
    return found


def _file(principal: Principal) -> str:
    return f"{FOLDER}/{FOLDERS[principal.kind]}/{principal.name}.yaml"
