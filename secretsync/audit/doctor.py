"""What this environment can decrypt, and why not more: key sources, sops' configuration, certificates, libraries.

Everything is looked at, nothing is asked, and no private key is shown.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec
from shutil import which
from typing import Literal, TypeAlias

from secretsync import distribution, files, ownership
from secretsync.audit.functions import kustomization_with_functions
from secretsync.errors import SecretsyncError
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS
from secretsync.rendering.options import OPERATOR_FILE

State: TypeAlias = Literal["ok", "none", "bad"]

_NOTHING_THERE = frozenset({"not set", "holds no keys", "holds no secret keys"})


@dataclass(frozen=True, slots=True)
class Observation:
    """One line of the examination: `none` is fine and absent, `bad` needs a look."""

    topic: str
    name: str
    state: State
    detail: str


def examine(environ: Mapping[str, str], folder: str = ".") -> list[Observation]:
    """Return what there is to see of keys, configuration and libraries, starting in `folder`."""
    return [
        *_installation(),
        *_identities(environ),
        *_configuration(environ, folder),
        *_operator(),
        *_functions(folder),
        *_libraries(),
        *_programs(environ),
    ]


def can_decrypt(observations: list[Observation]) -> bool:
    """Whether there is at least one usable source of keys."""
    return any(each.topic == "keys" and each.state == "ok" for each in observations)


def _installation() -> list[Observation]:
    detail = f"another project, which may have replaced files of this one; run: {distribution.REMEDY}"
    return [Observation("installation", path, "bad", detail) for path in distribution.strangers()]


def _identities(environ: Mapping[str, str]) -> list[Observation]:
    observed = []
    for source in MasterKeys(environ, allow_demo_keys=True).sources():
        recipients = [f"{each} (demo, UNSAFE)" if each in DEMO_RECIPIENTS else each for each in source.recipients]
        state: State = "ok" if recipients else "none" if source.status in _NOTHING_THERE else "bad"
        observed.append(Observation("keys", source.name, state, ", ".join(recipients) or source.status))
    return observed


def _configuration(environ: Mapping[str, str], folder: str) -> list[Observation]:
    given = environ.get("SOPS_CONFIG")
    path = given or _nearest(os.path.abspath(folder), ".sops.yaml")
    if path is None:
        return [Observation("configuration", ".sops.yaml", "none", "no such file here or above")]
    try:
        files.read(path)
    except SecretsyncError as error:
        return [Observation("configuration", path, "bad", error.message)]
    return [Observation("configuration", path, "ok", "from SOPS_CONFIG" if given else "the nearest one above")]


def _operator() -> list[Observation]:
    """Say what hooks on this machine obey, and who may write it; whether its fields are right is for the hook to say."""
    if not os.path.lexists(OPERATOR_FILE):
        detail = (
            "not there: hooks use the keys of their environment, keys/ of the checkout decides whom they seal for, "
            "and nothing separates tenants"
        )
        return [Observation("hooks", OPERATOR_FILE, "none", detail)]
    try:
        files.read(ownership.trusted(OPERATOR_FILE))
    except SecretsyncError as error:
        detail = f"{error.message}: hooks fail" + (f"; {error.hint}" if error.hint else "")
        return [Observation("hooks", OPERATOR_FILE, "bad", detail)]
    detail = "hooks take keys, certificate, scopes, mode, limits and outputs from it alone; nobody else may write it"
    return [Observation("hooks", OPERATOR_FILE, "ok", detail)]


def _functions(folder: str) -> list[Observation]:
    path = kustomization_with_functions(folder)
    if path is None:
        return []
    detail = "has functions: without --enable-alpha-plugins --enable-exec kustomize leaves Secrets out, and succeeds"
    return [Observation("hooks", os.path.normpath(path), "none", detail)]


def _nearest(folder: str, name: str) -> str | None:
    while True:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _libraries() -> list[Observation]:
    package = find_spec("yaml")
    fast = package is not None and PathFinder.find_spec("yaml._yaml", package.submodule_search_locations) is not None
    detail = "fast" if fast else "missing: install PyYAML from a wheel, or with libyaml's headers present"
    return [Observation("libraries", "libyaml", "ok" if fast else "bad", detail)]


def _programs(environ: Mapping[str, str]) -> list[Observation]:
    program = environ.get("SOPS_GPG_EXEC") or "gpg"
    found = which(program, path=environ.get("PATH"))
    return [Observation("programs", program, "ok" if found else "none", found or "not found; needed for PGP keys only")]
