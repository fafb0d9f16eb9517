"""Reading the hook's configuration, strictly: a field that is misspelt would leave open what it was to close."""

from __future__ import annotations

import os
from typing import Final

from secretsync.configuration import Fields
from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError
from secretsync.hooks.hook_configuration import HookConfiguration
from secretsync.letters import is_sha256
from secretsync.rendering.options import MODES, Outputs
from secretsync.sealed.scope import SCOPES, Scope

_API: Final = "secretsync/v1"
_KIND: Final = "HookConfiguration"


def parse(data: bytes, path: str) -> HookConfiguration:
    """Read the configuration; `path` stands in messages.

    Raises:
        ConfigError: no YAML, an unknown or misspelt field, a wrong type, or a path that is not absolute.
    """
    fields = Fields.parse(data, path)
    fields.only(
        "apiVersion", "kind", "identities", "sealing", "mode", "limits", "outputs", "confined", "allow_ciphertext"
    )
    for name, value in (("apiVersion", _API), ("kind", _KIND)):
        if fields.required(name) != value:
            raise ConfigError(f"expected {value!r}", location=fields.place(name))
    identities = fields.mapping("identities")
    identities.only("age", "ssh", "gnupg_home")
    sealing = fields.mapping("sealing")
    sealing.only("certificate", "pin_spki_sha256", "seal_key", "allow_expired", "scopes")
    limits, max_files = _limits(fields.mapping("limits"))
    return HookConfiguration(
        path=path,
        age_files=tuple(_absolute(each, identities.place("age")) for each in identities.texts("age")),
        ssh_file=_path(identities, "ssh"),
        gnupg_home=_path(identities, "gnupg_home"),
        certificate=_path(sealing, "certificate"),
        pin_spki_sha256=_pin(sealing),
        seal_key=_path(sealing, "seal_key"),
        allow_expired=sealing.flag("allow_expired"),
        scopes=_scopes(sealing),
        mode=fields.one_of("mode", MODES) if "mode" in fields.names() else None,
        limits=limits,
        max_files=max_files,
        outputs=_outputs(fields),
        confined="confined" not in fields.names() or fields.flag("confined"),
        allow_ciphertext=_ciphertext(fields),
    )


def _limits(fields: Fields) -> tuple[Limits, int]:
    fields.only(*Limits._fields, "files")
    given = {name: number for name in Limits._fields if (number := fields.number(name)) is not None}
    if given.get("depth", 0) > Limits.unbounded().depth:
        raise ConfigError(f"at most {Limits.unbounded().depth}", location=fields.place("depth"))
    return Limits(**given), fields.number("files") or HookConfiguration("").max_files


def _outputs(fields: Fields) -> Outputs | None:
    if "outputs" not in fields.names():
        return None
    outputs = fields.mapping("outputs")
    outputs.only("kinds", "namespaces")
    allowed = {name: frozenset(outputs.texts(name)) for name in outputs.names()}
    if not allowed:
        raise ConfigError("names neither kinds nor namespaces", location=fields.place("outputs"))
    return Outputs(**allowed)


def _scopes(sealing: Fields) -> frozenset[Scope]:
    if "scopes" not in sealing.names():
        return HookConfiguration("").scopes
    named = sealing.texts("scopes")
    if not named or not set(named) <= set(SCOPES):
        raise ConfigError(f"expected a list of {', '.join(SCOPES)}", location=sealing.place("scopes"))
    return frozenset(scope for scope in SCOPES if scope in named)


def _ciphertext(fields: Fields) -> frozenset[str]:
    """Return the objects whose ciphertext may leave as it is, each `NAMESPACE/KIND/NAME`; the namespace may be empty."""
    names = fields.texts("allow_ciphertext")
    for name in names:
        _, *rest = name.split("/")
        if len(rest) != 2 or not all(rest):
            raise ConfigError(f"expected NAMESPACE/KIND/NAME, not {name!r}", location=fields.place("allow_ciphertext"))
    return frozenset(names)


def _pin(sealing: Fields) -> str:
    pin = sealing.text("pin_spki_sha256")
    if "pin_spki_sha256" in sealing.names() and not is_sha256(pin):
        raise ConfigError("expected 64 lower-case hexadecimal digits", location=sealing.place("pin_spki_sha256"))
    if pin and not sealing.text("certificate"):
        raise ConfigError("is missing, and there is a pin for it", location=sealing.place("certificate"))
    return pin


def _path(fields: Fields, name: str) -> str:
    return _absolute(fields.required(name), fields.place(name)) if name in fields.names() else ""


def _absolute(path: str, location: str) -> str:
    """Refuse a relative path: it would lead into the checkout that the hook works in."""
    if not os.path.isabs(path):
        raise ConfigError(f"expected an absolute path, not {path!r}", location=location)
    return path
