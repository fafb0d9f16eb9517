"""What a hook may do: the operator's word where there is a file of it, else the environment of the process.

The file lies outside every checkout. Where it is there, identities, sealing material, mode, limits and outputs come from
it and from nowhere else; a command line or function config may ask for less, and is refused where it asks for more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync import files
from secretsync.documents.tree import Limits
from secretsync.errors import IncorrectIdentityError, PolicyError, SecretsyncError
from secretsync.masterkeys import MasterKeys
from secretsync.rendering.options import OPERATOR_FILE, Format, Mode, Options, Outputs

if TYPE_CHECKING:
    from secretsync.age.protocol import Identity
    from secretsync.sealed.scope import Scope
    from secretsync.secrecy import SecretBytes

DEFAULT_PATH = OPERATOR_FILE
_MAX_FILES: Final = Options().max_files


class HookConfiguration(NamedTuple):
    """The hook's configuration. `mode` None leaves the choice to the caller; `confined` is about KRM functions."""

    path: str
    age_files: tuple[str, ...] = ()
    ssh_file: str = ""
    gnupg_home: str = ""
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


class Request(NamedTuple):
    """What a command line or a function config asks for; None and False ask for nothing."""

    mode: Mode | None = None
    cert_file: str | None = None
    seal_key_file: str | None = None
    allow_expired: bool = False
    namespace: str | None = None
    output: Format | None = None
    allow_empty: bool = False
    size: int | None = None
    documents: int | None = None
    allow_ciphertext: bool = False


def find(path: str | None = None, *, tenants: bool = False) -> HookConfiguration | None:
    """Return the configuration at `path`, else at the default path; None where nothing is at the default path.

    `tenants` says that the command line may be written by those whom the configuration is to govern.

    Raises:
        FileAccessError: it is there, or was named, and cannot be read.
        ConfigError: it is not what it must be.
        PolicyError: others may write it; or the command line is a tenant's, and names a file of the checkout, or any
            file but that at the default path where there is one.
    """
    if path is None:
        if not _default_is_there():
            return None
        path = DEFAULT_PATH
    elif tenants:
        _refuse_choice(path)
    from secretsync.hooks.hook_configuration_file import parse

    if path == files.STDIN:
        return parse(files.read(path), path)
    from secretsync import ownership

    return parse(files.read(ownership.trusted(path)), path)


def _default_is_there() -> bool:
    try:
        os.lstat(DEFAULT_PATH)
    except FileNotFoundError:
        return False
    except OSError:
        pass  # reading it will say why
    return True


def _refuse_choice(path: str) -> None:
    if _default_is_there() and os.path.realpath(path) != os.path.realpath(DEFAULT_PATH):
        raise PolicyError(
            f"another configuration was asked for, and there is {DEFAULT_PATH}",
            location=path,
            hint="leave --operator-config out",
        )
    from secretsync.hooks.checkout import refuse_below

    refuse_below(path)


def resolved_options(request: Request, operator: HookConfiguration | None) -> Options:
    """Return how to render.

    Raises:
        PolicyError: the request contradicts the hook's configuration.
    """
    if operator is not None:
        return _governed(request, operator)
    defaults = Limits()
    return Options(
        mode=request.mode or "reveal",
        cert_file=request.cert_file,
        seal_key_file=request.seal_key_file,
        allow_expired=request.allow_expired,
        namespace=request.namespace,
        output=request.output,
        allow_empty=request.allow_empty,
        environ=os.environ,
        limits=defaults._replace(size=request.size or defaults.size, documents=request.documents or defaults.documents),
        allow_ciphertext=request.allow_ciphertext,
        is_hook=True,
    )


def keys(operator: HookConfiguration | None, environ: Mapping[str, str]) -> MasterKeys:
    """Return the master keys: those the operator names, read now, else those of `environ`. Plugins are off.

    Raises:
        FileAccessError, FormatError: an identity file the operator names cannot be read.
    """
    if operator is None:
        return MasterKeys(environ, plugins=False)
    return _GovernedKeys(operator)


class _GovernedKeys(MasterKeys):
    """Only the identities the operator names; every other kind is answered without asking anybody."""

    def __init__(self, operator: HookConfiguration) -> None:
        identities = _identities(operator)
        environ = {"GNUPGHOME": operator.gnupg_home} if operator.gnupg_home else {}
        super().__init__(environ, plugins=False, extra_age_identities=identities)
        self._kinds = {kind for kind, given in (("age", identities), ("pgp", environ)) if given}

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap as `MasterKeys.unwrap`. Raises: IncorrectIdentityError also for a kind the operator does not name."""
        if kind not in self._kinds:
            raise IncorrectIdentityError("the hook's configuration names no identity of this kind")
        return super().unwrap(kind, fields)


def _identities(operator: HookConfiguration) -> list[Identity]:
    from secretsync.age.interaction import Interaction
    from secretsync.masterkeys import age_files

    interaction = Interaction(None, plugins=False, environ={})
    found: list[Identity] = []
    try:
        for path in operator.age_files:
            found += age_files.read(path, interaction)
        if operator.ssh_file:
            found += age_files.read_ssh(operator.ssh_file, interaction)
    except SecretsyncError as error:
        error.hint = error.hint or f"it is named in {operator.path}"
        raise
    return found


def _governed(request: Request, operator: HookConfiguration) -> Options:
    _refuse_contradictions(request, operator)
    limits = operator.limits
    return Options(
        mode=operator.mode or request.mode or "reveal",
        cert_file=operator.certificate or None,
        keys_from=None,
        allow_expired=operator.allow_expired,
        seal_key_file=operator.seal_key or None,
        pin_spki_sha256=operator.pin_spki_sha256 or None,
        namespace=request.namespace,
        output=request.output,
        allow_empty=request.allow_empty,
        limits=limits._replace(size=request.size or limits.size, documents=request.documents or limits.documents),
        max_files=operator.max_files,
        outputs=operator.outputs,
        scopes=operator.scopes,
        allow_ciphertext=operator.allow_ciphertext,
        is_hook=True,
    )


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
