"""From the files of `keys/` to the model, strictly: an unknown field or a wrong type is an error that names the place.

Nothing here asks whether the ring is wise; that is what `linting` does.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import secretsync.keyring.globs as globs
import secretsync.letters as letters
from secretsync.configuration import API_VERSION, Fields
from secretsync.errors import ConfigError, SecretsyncError
from secretsync.keyring.model import (
    FOLDERS,
    Group,
    KeyRing,
    KeyType,
    Policy,
    PolicyRule,
    Principal,
    PrincipalKind,
    PublicKey,
    Reason,
    Retired,
    SealingPin,
    Status,
)
from secretsync.keyring.sources import FOLDER, Checkout, RingSource
from secretsync.masterkeys.kinds import in_rules, of_ring_type
from secretsync.masterkeys.publichalf import require_public
from secretsync.sops.selectors import KINDS as SELECTOR_KINDS
from secretsync.sops.selectors import Selector

GROUPS: Final = f"{FOLDER}/groups.yaml"
POLICY: Final = f"{FOLDER}/policy.yaml"
STATUSES: Final[tuple[Status, ...]] = ("pre-active", "active", "suspended", "deactivated", "compromised", "destroyed")
REASONS: Final[tuple[Reason, ...]] = ("left", "lost", "compromised", "superseded")

_NAME: Final = letters.LOWER + letters.DIGITS + "-"
_MOST_DAYS: Final = 5  # digits
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
        policy=_policy(source),
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
    name = _name(fields, "name")
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
        id=_name(fields, "id"),
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
    name = _name(fields, "name")
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
        _require_name(name, groups.place(name))
        each = groups.mapping(name)
        each.only("members", "max_members", "approvers")
        found.append(Group(name, tuple(each.texts("members")), each.number("max_members"), each.number("approvers")))
    return tuple(found)


def _policy(source: RingSource) -> Policy:
    fields = Fields.parse(source.read(POLICY) or b"", POLICY)
    fields.only("apiVersion", "kind", "defaults", "rules", "sealing", "sops", "ignore")
    fields.expect("apiVersion", API_VERSION)
    carried = fields.mapping("sops")
    carried.only("stores", "destination_rules")
    for each in carried.mappings("destination_rules"):
        if "recreation_rule" in each.names():
            raise ConfigError("would name keys beside the policy", location=each.place("recreation_rule"))
    defaults = fields.mapping("defaults")
    defaults.only("max_datakey_age", "min_recipients", "require", "forbid_mixed_pq", "allow_private_keys")
    for glob in (allowed := defaults.texts("allow_private_keys")):
        globs.to_pattern(glob)
    return Policy(
        rules=tuple(_rule(each, number) for number, each in enumerate(fields.mappings("rules"), 1)),
        sealing=tuple(_pin(each) for each in fields.mappings("sealing")),
        max_datakey_age=_age(defaults, "max_datakey_age"),
        min_recipients=defaults.number("min_recipients") or 1,
        require=tuple(defaults.texts("require")),
        forbid_mixed_pq=defaults.flag("forbid_mixed_pq"),
        allow_private_keys=tuple(allowed),
        sops=fields.plain("sops", dict),
        ignore=tuple(_ignored(each) for each in fields.mappings("ignore")),
    )


def _ignored(fields: Fields) -> globs.IgnoredPaths:
    fields.only("paths", "reason")
    paths = tuple(fields.texts("paths"))
    if not paths:
        raise ConfigError("is missing", location=fields.place("paths"))
    for glob in paths:
        globs.to_pattern(glob)
    return globs.IgnoredPaths(paths, fields.required("reason"))


def _rule(fields: Fields, number: int) -> PolicyRule:
    fields.only("paths", "path_regex", "readers", "reader_groups", "threshold", "encrypt")
    groups = [tuple(each.texts("members")) for each in fields.mappings("reader_groups")]
    plain = tuple(fields.texts("readers"))
    if not groups and not plain:
        raise ConfigError(
            "nobody would be left to read these files", location=fields.where, hint="give the rule other readers first"
        )
    if groups and plain:
        raise ConfigError("name either readers or reader_groups", location=fields.where)
    paths, pattern = tuple(fields.texts("paths")), fields.text("path_regex")
    if bool(paths) == bool(pattern):
        raise ConfigError("name either paths or a path_regex", location=fields.where)
    for glob in paths:
        globs.to_pattern(glob)
    encrypt = fields.mapping("encrypt")
    encrypt.only(*SELECTOR_KINDS, "mac_only_encrypted")
    threshold = fields.number("threshold") or 0
    if threshold and not 2 <= threshold <= len(groups):
        raise ConfigError("a threshold is between 2 and the number of groups", location=fields.place("threshold"))
    return PolicyRule(
        number=number,
        paths=paths,
        readers=tuple(groups) or (plain,),
        selector=_selector(encrypt),
        mac_only_encrypted=encrypt.flag("mac_only_encrypted"),
        threshold=threshold,
        path_regex=_valid(Selector("encrypted_regex", pattern), fields.place("path_regex")).pattern if pattern else "",
    )


def _selector(encrypt: Fields) -> Selector | None:
    chosen = [(kind, pattern) for kind in SELECTOR_KINDS if (pattern := encrypt.text(kind))]
    if len(chosen) > 1:
        raise ConfigError("more than one selector", location=encrypt.where)
    return _valid(Selector(*chosen[0]), encrypt.where) if chosen else None


def _valid(selector: Selector, where: str) -> Selector:
    try:
        return selector.require_valid()
    except SecretsyncError as error:
        raise ConfigError(error.message, location=where, hint=error.hint) from None


def _pin(fields: Fields) -> SealingPin:
    fields.only("cluster", "cert", "pin_spki_sha256", "backup_group", "paths")
    pin = fields.required("pin_spki_sha256")
    if not letters.is_sha256(pin):
        raise ConfigError("a pin is 64 lower-case hexadecimal digits", location=fields.place("pin_spki_sha256"))
    paths = tuple(fields.texts("paths"))
    for glob in paths:
        globs.to_pattern(glob)
    return SealingPin(_name(fields, "cluster"), fields.required("cert"), pin, fields.text("backup_group"), paths)


def _name(fields: Fields, field: str) -> str:
    return _require_name(fields.required(field), fields.place(field))


def is_name(text: str) -> bool:
    """Whether a text can name a principal, a group or a key."""
    return letters.consists_of(text, _NAME) and not text.startswith("-") and not text.endswith("-")


def _require_name(name: str, where: str) -> str:
    require_public(name, where)
    if not is_name(name):
        raise ConfigError(f"{name!r} is not a valid name: use a-z, 0-9 and hyphens", location=where)
    return name


def _age(fields: Fields, field: str) -> timedelta | None:
    text = fields.text(field)
    if not text:
        return None
    days = text.removesuffix("d")
    is_number = letters.consists_of(days, letters.DIGITS) and days[0] != "0" and len(days) <= _MOST_DAYS
    if days == text or not is_number:
        raise ConfigError(f"{text!r} is not an age: write days, as in 365d", location=fields.place(field))
    return timedelta(days=int(days))
