"""From the files of `keys/` to the model, strictly: an unknown field or a wrong type is an error that names the place.

Nothing here asks whether the ring is wise; that is what `linting` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import secretsync.keyring.names as names
import secretsync.keyring.policy_reading as policy_reading
import secretsync.letters as letters
from secretsync.configuration import API_VERSION, Fields
from secretsync.errors import ConfigError
from secretsync.keyring.model import (
    FOLDERS,
    Group,
    KeyRing,
    KeyType,
    Principal,
    PrincipalKind,
    PublicKey,
    Reason,
    Retired,
    Status,
)
from secretsync.keyring.sources import FOLDER, Checkout, RingSource
from secretsync.masterkeys.kinds import in_rules, of_ring_type
from secretsync.masterkeys.publichalf import require_public

GROUPS: Final = f"{FOLDER}/groups.yaml"
POLICY: Final = f"{FOLDER}/policy.yaml"
STATUSES: Final[tuple[Status, ...]] = ("pre-active", "active", "suspended", "deactivated", "compromised", "destroyed")
REASONS: Final[tuple[Reason, ...]] = ("left", "lost", "compromised", "superseded")

_SIGNING_TYPES: Final = (
    *("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)
"""What SSH signs with; one of a security token too, which could not decrypt."""
_FINGERPRINTS: Final = (40, 64)  # digits, of PGP keys of version 4, and later
_HEX: Final = frozenset("0123456789ABCDEF")
_BASE64: Final = letters.LETTERS + letters.DIGITS + "+/="


def load(root: str | Path) -> KeyRing:
    """Read the key ring of the repository at `root`; where there is no `keys/` the ring is empty.

    Raises:
        ConfigError: a file is malformed, or a name stands twice.
        FileAccessError: a file cannot be read, or a link leads out of the repository.
    """
    return load_from(Checkout(root))


def load_from(source: RingSource) -> KeyRing:
    """Read the key ring of one state of a repository. Raises: as `load`."""
    found = {
        path: _principal(Fields.parse(source.read(path) or b"", path), kind)
        for kind, folder in FOLDERS.items()
        for path in _yaml_files(source, f"{FOLDER}/{folder}")
    }
    _require_unique([(principal.name, path) for path, principal in found.items()], "principal")
    _require_unique([(key.id, path) for path, principal in found.items() for key in principal.keys], "key")
    principals = list(found.values())
    return KeyRing(
        principals=tuple(sorted(principals, key=lambda each: each.name)),
        groups=_groups(source),
        policy=policy_reading.policy(Fields.parse(source.read(POLICY) or b"", POLICY)),
        retired=tuple(
            each
            for path in _yaml_files(source, f"{FOLDER}/retired")
            for each in _retired(Fields.parse(source.read(path) or b"", path))
        ),
    )


def _require_unique(names: list[tuple[str, str]], what: str) -> None:
    where: dict[str, str] = {}
    for name, path in names:
        if name in where:
            other = f", also in {where[name]}" if where[name] != path else ""
            raise ConfigError(f"{what} {name!r} is there twice{other}", location=path)
        where[name] = path


def _yaml_files(source: RingSource, folder: str) -> list[str]:
    return [path for path in source.names(folder) if path.endswith(".yaml")]


def _principal(fields: Fields, kind: PrincipalKind) -> Principal:
    fields.only("apiVersion", "kind", "name", "owner", "keys", "signing_keys")
    fields.expect("apiVersion", API_VERSION)
    name = names.required(fields, "name")
    keys = tuple(_key(each) for each in fields.mappings("keys"))
    if Path(fields.path).stem != name:
        raise ConfigError(f"the name is {name!r}, which differs from the file's name", location=fields.path)
    signing = tuple(_signing_key(text, fields.place("signing_keys")) for text in fields.texts("signing_keys"))
    return Principal(name, kind, fields.text("owner"), keys, signing)


def _signing_key(text: str, where: str) -> str:
    """Return a key that signs: the type and key of an SSH public key, without its comment, or a PGP fingerprint."""
    require_public(text, where)
    fingerprint = "".join(text.split()).upper()
    if len(fingerprint) in _FINGERPRINTS and _HEX.issuperset(fingerprint):
        return fingerprint
    words = text.split()
    if len(words) > 1 and words[0] in _SIGNING_TYPES and letters.consists_of(words[1], _BASE64):
        return f"{words[0]} {words[1]}"
    raise ConfigError(
        "is no key that signs", location=where, hint="an SSH public key, or a PGP fingerprint of 40 digits"
    )


def _key(fields: Fields) -> PublicKey:
    fields.only(
        *("id", "type", "recipient", "status", "created", "not_before", "expires", "custody", "reason", "proof")
    )
    kind = fields.one_of("type", tuple(each for kind in in_rules() for each in kind.ring_types))
    return PublicKey(
        id=names.required(fields, "id"),
        type=kind,
        recipient=_recipient(fields, kind),
        status=fields.one_of("status", STATUSES, "active"),
        created=fields.date("created"),
        not_before=fields.date("not_before"),
        expires=fields.date("expires"),
        custody=fields.text("custody"),
        reason=fields.text("reason"),
        proof={name: str(value) for name, value in fields.plain("proof", dict).items()},
    )


def _recipient(fields: Fields, kind: KeyType) -> str:
    """Return the recipient, which is one: sops splits what stands in `.sops.yaml` at commas."""
    text = require_public(fields.required("recipient"), fields.place("recipient"))
    mark = of_ring_type(kind).context_mark
    outside = text.partition(mark)[0] if mark else text  # an encryption context may have several pairs
    if "," in outside or not text.isprintable() or text != text.strip():
        raise ConfigError("is not one recipient", location=fields.place("recipient"))
    return text


def _retired(fields: Fields) -> list[Retired]:
    fields.only("apiVersion", "kind", "name", "keys")
    fields.expect("apiVersion", API_VERSION)
    name = names.required(fields, "name")
    found = []
    for each in fields.mappings("keys"):
        own = ("retired_at", "retired_because", "compromised_since", "replaced_by")
        when = each.date("retired_at")
        if when is None:
            raise ConfigError("is missing", location=each.place("retired_at"))
        reason = each.one_of("retired_because", REASONS)
        since, successor = each.date("compromised_since"), each.text("replaced_by")
        found.append(Retired(name, _key(each.without(*own)), reason, when, since, successor))
    return found


def _groups(source: RingSource) -> tuple[Group, ...]:
    fields = Fields.parse(source.read(GROUPS) or b"", GROUPS)
    fields.only("apiVersion", "kind", "groups")
    fields.expect("apiVersion", API_VERSION)
    groups = fields.mapping("groups")
    found = []
    for name in groups.names():
        names.require(name, groups.place(name))
        each = groups.mapping(name)
        each.only("members", "max_members", "approvers")
        found.append(Group(name, tuple(each.texts("members")), each.number("max_members"), each.number("approvers")))
    return tuple(found)
