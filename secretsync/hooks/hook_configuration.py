"""What a hook may do: the operator's word, read strictly, as a field that is misspelt would leave open what it was to close.

A command line or function config may ask for less, and is refused where it asks for more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync.configuration import API_VERSION, Fields
from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError, IncorrectIdentityError, PolicyError, SecretsyncError
from secretsync.hooks.argv import Request
from secretsync.late import LateModule, load
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import IdentityField, in_rules
from secretsync.rendering.options import MODES, Mode, Options, Outputs
from secretsync.sealed.scope import SCOPES, Scope

if TYPE_CHECKING:
    from secretsync import letters
    from secretsync.age import interaction as age_interaction
    from secretsync.age.protocol import Identity
    from secretsync.masterkeys.context import Unwrapped
    from secretsync.secrecy import SecretBytes
else:
    letters = LateModule("secretsync.letters")
    age_interaction = LateModule("secretsync.age.interaction")

_KIND: Final = "HookConfiguration"
_MAX_FILES: Final = Options().max_files


class HookConfiguration(NamedTuple):
    """The hook's configuration. `mode` None leaves the choice to the caller; `confined` is about KRM functions."""

    path: str
    identities: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """Paths by the `identity_fields` of the kinds of master key."""
    certificate: str = ""
    pin_spki_sha256: str = ""
    seal_key: str = ""
    allow_expired: bool = False
    scopes: frozenset[Scope] = frozenset({"strict"})
    mode: Mode | None = None
    limits: Limits = Limits()
    max_files: int = _MAX_FILES
    outputs: Outputs | None = None
    confined: bool = True
    allow_ciphertext: frozenset[str] = frozenset()

    def options(self, request: Request) -> Options:
        """Return how to render.

        Raises:
            PolicyError: the request contradicts this configuration.
        """
        _refuse_contradictions(request, self)
        limits = self.limits
        return Options(
            mode=self.mode or request.mode or "reveal",
            cert_file=self.certificate or None,
            keys_from=None,
            allow_expired=self.allow_expired,
            seal_key_file=self.seal_key or None,
            pin_spki_sha256=self.pin_spki_sha256 or None,
            namespace=request.namespace,
            output=request.output,
            allow_empty=request.allow_empty,
            limits=limits._replace(size=request.size or limits.size, documents=request.documents or limits.documents),
            max_files=self.max_files,
            outputs=self.outputs,
            scopes=self.scopes,
            allow_ciphertext=self.allow_ciphertext,
            is_hook=True,
        )

    def keys(self) -> MasterKeys:
        """Return the identities that are named here, read now; nobody else is asked.

        Raises:
            FileAccessError, FormatError: an identity file cannot be read.
        """
        return _GovernedKeys(self)


def parse(data: bytes, path: str) -> HookConfiguration:
    """Read the configuration; `path` stands in messages.

    Raises:
        ConfigError: no YAML, an unknown or misspelt field, a wrong type, or a path that is not absolute.
    """
    fields = Fields.parse(data, path)
    fields.only(
        "apiVersion", "kind", "identities", "sealing", "mode", "limits", "outputs", "confined", "allow_ciphertext"
    )
    for name, value in (("apiVersion", API_VERSION), ("kind", _KIND)):
        if fields.required(name) != value:
            raise ConfigError(f"expected {value!r}", location=fields.place(name))
    identities = fields.mapping("identities")
    identities.only(*(field.name for kind in in_rules() for field in kind.identity_fields))
    sealing = fields.mapping("sealing")
    sealing.only("certificate", "pin_spki_sha256", "seal_key", "allow_expired", "scopes")
    limits, max_files = _limits(fields.mapping("limits"))
    return HookConfiguration(
        path=path,
        identities=_identities(identities),
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


def _identities(fields: Fields) -> dict[str, tuple[str, ...]]:
    found = {}
    for field in (field for kind in in_rules() for field in kind.identity_fields if field.name in fields.names()):
        paths = fields.texts(field.name) if field.several else [fields.required(field.name)]
        found[field.name] = tuple(_absolute(path, fields.place(field.name)) for path in paths)
    return found


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
    if "pin_spki_sha256" in sealing.names() and not letters.is_sha256(pin):
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


class _GovernedKeys(MasterKeys):
    """Only the identities the operator names; every other kind is answered without asking anybody."""

    def __init__(self, operator: HookConfiguration) -> None:
        environ: dict[str, str] = {}
        identities: list[Identity] = []
        self._kinds = set()
        for kind in in_rules():
            for field in kind.identity_fields:
                paths = operator.identities.get(field.name, ())
                read = _read(field, paths, operator.path)
                identities += read
                if field.variable and paths:
                    environ[field.variable] = paths[-1]
                if read or (field.variable and paths):
                    self._kinds.add(kind.name)
        super().__init__(environ, plugins=False, extra_age_identities=identities)

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap as `MasterKeys.unwrap`. Raises: IncorrectIdentityError also for a kind the operator does not name."""
        if kind not in self._kinds:
            raise _nobody()
        return super().unwrap(kind, fields)

    def unwrap_many(self, kind: str, envelopes: Sequence[Mapping[str, object]]) -> list[Unwrapped]:
        """Unwrap as `MasterKeys.unwrap_many`; a kind the operator does not name is not asked."""
        return super().unwrap_many(kind, envelopes) if kind in self._kinds else [_nobody() for _ in envelopes]


def _nobody() -> IncorrectIdentityError:
    return IncorrectIdentityError("the hook's configuration names no identity of this kind")


def _read(field: IdentityField, paths: Iterable[str], named_in: str) -> list[Identity]:
    """Return the age identities in the files of a field; none where its service reads them."""
    interaction = age_interaction.Interaction(None, plugins=False, environ={})
    try:
        return [one for path in paths if field.reader for one in load(field.reader)(path, interaction)]
    except SecretsyncError as error:
        error.hint = error.hint or f"it is named in {named_in}"
        raise


def _refuse_contradictions(request: Request, operator: HookConfiguration) -> None:
    asked = {
        f"mode {request.mode!r}": operator.mode and request.mode not in {None, operator.mode},
        "another certificate": request.cert_file not in {None, operator.certificate},
        "another seal key": request.seal_key_file not in {None, operator.seal_key},
        "to let ciphertext through": request.allow_ciphertext and not operator.allow_ciphertext,
        "to seal for an expired certificate": request.allow_expired and not operator.allow_expired,
        f"more than {operator.limits.size} bytes a file": (request.size or 0) > operator.limits.size,
        f"more than {operator.limits.documents} documents a file": (request.documents or 0) > operator.limits.documents,
    }
    for wish, refused in asked.items():
        if refused:
            raise PolicyError(
                f"{wish} was asked for, and the hook's configuration does not allow it", location=operator.path
            )
