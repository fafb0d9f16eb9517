"""From `keys/policy.yaml` to the policy, as strictly as the rest of the ring is read."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import secretsync.keyring.globs as globs
import secretsync.keyring.names as names
import secretsync.letters as letters
from secretsync.configuration import API_VERSION, Fields
from secretsync.errors import ConfigError, SecretsyncError
from secretsync.keyring.policy import LiveRefs, Policy, PolicyRule, SealingPin
from secretsync.sops.selectors import KINDS as SELECTOR_KINDS
from secretsync.sops.selectors import Selector

_MOST_DAYS: Final = 5  # digits
_BRANCHES: Final = ("refs/heads/", "refs/remotes/")


def policy(fields: Fields) -> Policy:
    """Read `policy.yaml`. Raises: ConfigError."""
    fields.only("apiVersion", "kind", "defaults", "rules", "sealing", "sops", "ignore", "live_refs")
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
        live_refs=_live_refs(fields),
    )


def _ignored(fields: Fields) -> globs.IgnoredPaths:
    fields.only("paths", "reason")
    paths = tuple(fields.texts("paths"))
    if not paths:
        raise ConfigError("is missing", location=fields.place("paths"))
    for glob in paths:
        globs.to_pattern(glob)
    return globs.IgnoredPaths(paths, fields.required("reason"))


def _live_refs(fields: Fields) -> LiveRefs:
    found = fields.texts("live_refs")
    for position, glob in enumerate(found):
        where = f"{fields.place('live_refs')}[{position}]"
        if not _names_branches(glob):
            hint = "a branch, as in main, release/* or origin/main; tags and other refs are never live"
            raise ConfigError(f"{glob!r} names no branch", location=where, hint=hint)
    if "live_refs" in fields.names() and not found:
        hint = "leave live_refs out, and every branch is live"
        raise ConfigError("names no branch", location=fields.place("live_refs"), hint=hint)
    return LiveRefs(tuple(found))


def _names_branches(glob: str) -> bool:
    try:
        globs.to_pattern(glob)
    except ConfigError:
        return False
    return glob != "refs" and (not glob.startswith("refs/") or glob.startswith(_BRANCHES))


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
    return SealingPin(
        names.required(fields, "cluster"), fields.required("cert"), pin, fields.text("backup_group"), paths
    )


def _age(fields: Fields, field: str) -> timedelta | None:
    text = fields.text(field)
    if not text:
        return None
    days = text.removesuffix("d")
    is_number = letters.consists_of(days, letters.DIGITS) and days[0] != "0" and len(days) <= _MOST_DAYS
    if days == text or not is_number:
        raise ConfigError(f"{text!r} is not an age: write days, as in 365d", location=fields.place(field))
    return timedelta(days=int(days))
