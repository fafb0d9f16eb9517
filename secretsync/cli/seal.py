"""`secretsync seal`: Secrets into SealedSecrets, with kubeseal's flags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from secretsync import files
from secretsync.cli._manifests import ManifestFormat, format_of, placed
from secretsync.cli._output import write_result
from secretsync.cli._terminal import warn
from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError, ConflictingOptionsError
from secretsync.late import LateModule
from secretsync.letters import argument
from secretsync.manifests.objects import Object
from secretsync.manifests.reading import read
from secretsync.sealed import Sealer, SealingCertificate, SealKey, output
from secretsync.sealed import seal as seal_one
from secretsync.sealed.streams import seal_all
from secretsync.secrecy import SecretBytes

if TYPE_CHECKING:
    from secretsync.rendering import sealing_inputs
    from secretsync.sealed import merge as merging
    from secretsync.sealed import raw as raw_value
else:
    sealing_inputs = LateModule("secretsync.rendering.sealing_inputs")  # loads the whole of rendering
    merging = LateModule("secretsync.sealed.merge")
    raw_value = LateModule("secretsync.sealed.raw")

Files: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="[FILE]...", help="Secrets in YAML or JSON, or - for stdin.")
]
Cert: TypeAlias = Annotated[
    str | None,
    typer.Option("--cert", envvar="SEALED_SECRETS_CERT", help="Certificate to seal for; else the only one in keys/."),
]
Scope: TypeAlias = Annotated[
    Literal["strict", "namespace-wide", "cluster-wide"] | None,
    typer.Option("--scope", help="What the ciphertext is bound to; else the Secret's annotation tells."),
]
Name: TypeAlias = Annotated[str | None, typer.Option("--name", help="Name, in place of the Secret's.")]
Namespace: TypeAlias = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace of Secrets that name none.")
]
SecretFile: TypeAlias = Annotated[str | None, typer.Option("--secret-file", "-f", help="The same as FILE.")]
SealedFile: TypeAlias = Annotated[
    str | None, typer.Option("--sealed-secret-file", "-w", help="Write to this file instead of stdout.")
]
SealKeyFile: TypeAlias = Annotated[
    str | None,
    typer.Option("--seal-key", help="Seal deterministically, derived from this file of at least 32 random bytes."),
]
AllowExpired: TypeAlias = Annotated[
    bool, typer.Option("--allow-expired", help="Seal for a certificate that has expired.")
]
AllowEmpty: TypeAlias = Annotated[bool, typer.Option("--allow-empty-data", help="Accept a Secret without any value.")]
MergeInto: TypeAlias = Annotated[
    str | None, typer.Option("--merge-into", help="Add the values to the SealedSecret in this file.")
]
Raw: TypeAlias = Annotated[bool, typer.Option("--raw", help="Seal the input itself as one value, and print it alone.")]


def seal(
    paths: Files = None,
    cert: Cert = None,
    scope: Scope = None,
    name: Name = None,
    namespace: Namespace = None,
    form: ManifestFormat = None,
    secret_file: SecretFile = None,
    sealed_file: SealedFile = None,
    seal_key: SealKeyFile = None,
    allow_expired: AllowExpired = False,
    allow_empty_data: AllowEmpty = False,
    merge_into: MergeInto = None,
    raw: Raw = False,
) -> None:
    """Turn Secrets into SealedSecrets.

    Sealing is random unless --seal-key is given: each run makes different ciphertext of the same values.
    """
    inputs = [*(paths or []), *([secret_file] if secret_file else [])] or [files.STDIN]
    if raw and (merge_into or len(inputs) > 1):
        raise ConflictingOptionsError("--raw seals the one value in one file or stdin")
    sealer = Sealer(_certificate(cert, allow_expired=allow_expired), _seal_key(seal_key))
    if raw:
        place = {"scope": scope or "strict", "namespace": namespace or "", "name": name or ""}
        write_result(raw_value.seal_raw(files.read(inputs[0]), sealer, **place).encode(), sealed_file)
    elif merge_into:
        _merge(inputs, merge_into, sealer, scope)
    else:
        bound = partial(
            seal_one,
            certificate=sealer.certificate,
            seal_key=sealer.seal_key,
            scope=scope,
            name=name,
            namespace=namespace,
            allow_empty_data=allow_empty_data,
        )
        _seal(inputs, bound, form, sealed_file)


def _seal(
    inputs: Sequence[str], bound: Callable[[Object], Object], form: output.Format | None, sealed_file: str | None
) -> None:
    operation = partial(seal_all, seal_one=bound, limits=Limits.unbounded())
    sealed = [each for path in inputs for each in placed(path, operation)]
    write_result(output.dump(sealed, format_of(form, sealed_file)), sealed_file)


def _certificate(path: str | None, *, allow_expired: bool) -> SealingCertificate:
    if path is None:
        path = sealing_inputs.only_certificate(".")
    elif path.startswith(("http://", "https://")):
        raise ConfigError("a certificate is not fetched from the network", hint=f"curl -fsSo cert.pem {argument(path)}")
    certificate = placed(
        path, lambda data: SealingCertificate.load(data, now=datetime.now(UTC), allow_expired=allow_expired)
    )
    for warning in certificate.warnings:
        warn(f"{path}: {warning}")
    return certificate


def _seal_key(path: str | None) -> SealKey | None:
    return None if path is None else placed(path, lambda data: SealKey.from_seal_key(SecretBytes(data)))


def _merge(inputs: Sequence[str], target: str, sealer: Sealer, scope: str | None) -> None:
    secrets = [each for path in inputs for each in placed(path, read)]
    before = files.read(target)
    merged = placed(target, lambda data: merging.merge_text(data, secrets, sealer, scope=scope), content=before)
    for warning in merged.warnings:
        warn(f"{target}: {warning}")
    write_result(merged.data, target, replaces=before)
