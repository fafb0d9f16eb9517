"""What a hook works with: its configuration where there is one, else the environment of whoever calls it.

The configuration lies outside every checkout. Where it is there, identities, sealing material, mode, limits and outputs
come from it and from nowhere else. A start-up without one loads nothing that reads it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from secretsync import files
from secretsync.documents.tree import Limits
from secretsync.errors import PolicyError
from secretsync.hooks.argv import Request
from secretsync.late import LateModule
from secretsync.masterkeys import MasterKeys
from secretsync.rendering.options import OPERATOR_FILE, Options

if TYPE_CHECKING:
    from secretsync import ownership
    from secretsync.hooks import checkout, hook_configuration
    from secretsync.hooks.hook_configuration import HookConfiguration
else:
    checkout = LateModule("secretsync.hooks.checkout")
    hook_configuration = LateModule("secretsync.hooks.hook_configuration")
    ownership = LateModule("secretsync.ownership")

DEFAULT_PATH = OPERATOR_FILE


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
    if path == files.STDIN:
        return hook_configuration.parse(files.read(path), path)
    return hook_configuration.parse(files.read(ownership.trusted(path)), path)


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
    checkout.refuse_below(path)


def resolved_options(
    request: Request, configuration: HookConfiguration | None, environ: Mapping[str, str] = MappingProxyType({})
) -> Options:
    """Return how to render; identities come from `environ` where there is no configuration.

    Raises:
        PolicyError: the request contradicts the hook's configuration.
    """
    if configuration is not None:
        return configuration.options(request)
    defaults = Limits()
    return Options(
        mode=request.mode or "reveal",
        cert_file=request.cert_file,
        seal_key_file=request.seal_key_file,
        allow_expired=request.allow_expired,
        namespace=request.namespace,
        output=request.output,
        allow_empty=request.allow_empty,
        environ=environ,
        limits=defaults._replace(size=request.size or defaults.size, documents=request.documents or defaults.documents),
        allow_ciphertext=request.allow_ciphertext,
        is_hook=True,
    )


def keys(configuration: HookConfiguration | None, environ: Mapping[str, str]) -> MasterKeys:
    """Return the master keys: those that the configuration names, read now, else those of `environ`. Plugins are off.

    Raises:
        FileAccessError, FormatError: an identity file that it names cannot be read.
    """
    if configuration is None:
        return MasterKeys(environ, plugins=False)
    return configuration.keys()
