"""kubeseal's arguments, as the vectors record them, carried out by our library: just enough to run every vector."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from secretsync.errors import ConfigError, ManifestError, MissingFileError
from secretsync.manifests.reading import read
from secretsync.sealed.certificate import SealingCertificate
from secretsync.sealed.merge import merge_text
from secretsync.sealed.output import Format, dump
from secretsync.sealed.privatekeys import UnsealingKey, load
from secretsync.sealed.raw import seal_raw
from secretsync.sealed.scope import scope_named
from secretsync.sealed.sealing import Sealer, seal
from secretsync.sealed.streams import seal_all, unseal_all

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


@dataclass
class Sealed:
    """What the sealing step printed, and its warnings."""

    data: bytes
    warnings: list[str] = field(default_factory=list)


def _parser() -> _Parser:
    parser = _Parser(add_help=False)
    for flag in ("--cert", "--scope", "--name", "--merge-into", "--kubeconfig", "--controller-name"):
        parser.add_argument(flag, default="")
    parser.add_argument("-o", "--format", default="json")
    parser.add_argument("-n", "--namespace", default="")
    parser.add_argument("-f", "--secret-file", default="")
    parser.add_argument("-w", "--sealed-secret-file", default="")
    parser.add_argument("--from-file", action="append", default=[])
    for flag in ("--raw", "--fetch-cert", "--allow-empty-data"):
        parser.add_argument(flag, action="store_true")
    return parser


def run_seal(folder: Path, args: list[str], stdin: str | None, env: dict[str, str]) -> Sealed:
    """Carry out a sealing step in the vector's folder."""
    defaults = {key.removeprefix("SEALED_SECRETS_").lower(): value for key, value in env.items()}
    parser = _parser()
    parser.set_defaults(**defaults)
    options = parser.parse_args(args)
    if options.from_file and not options.raw:
        raise ConfigError("--from-file requires --raw")
    certificate = SealingCertificate.load((folder / options.cert).read_bytes(), now=NOW)
    if options.fetch_cert:
        return Sealed((folder / options.cert).read_bytes())
    if options.scope:
        scope_named(options.scope)
    result = _seal(folder, options, stdin, certificate)
    result.warnings += certificate.warnings
    return result


def _seal(folder: Path, options: argparse.Namespace, stdin: str | None, certificate: SealingCertificate) -> Sealed:
    if options.raw:
        return Sealed(_raw(folder, options, stdin, certificate))
    data = (folder / (options.secret_file or stdin or "")).read_bytes()
    if options.merge_into:
        target = folder / "target.yaml"
        if not target.exists():
            raise MissingFileError("no such file")
        merged = merge_text(target.read_bytes(), read(data), Sealer(certificate), scope=options.scope or None)
        return Sealed(merged.data, merged.warnings)
    form = _format(options.format)
    sealed = seal_all(
        data,
        partial(
            seal,
            certificate=certificate,
            scope=options.scope or None,
            name=options.name or None,
            namespace=options.namespace or None,
            default_namespace="default" if options.kubeconfig else None,
            allow_empty_data=options.allow_empty_data,
        ),
    )
    return Sealed(dump(sealed, form))


def _format(name: str) -> Format:
    """Return what kubeseal takes the name for: in any case, and JSON for none."""
    match name.lower():
        case "" | "json":
            return "json"
        case "yaml":
            return "yaml"
        case _:
            raise ConfigError(f"unsupported output format {name!r}")


def _raw(folder: Path, options: argparse.Namespace, stdin: str | None, certificate: SealingCertificate) -> bytes:
    if len(options.from_file) > 1:
        raise ConfigError("only one --from-file")
    name = options.from_file[0] if options.from_file else stdin
    if name is None:
        raise ManifestError("nothing to seal")
    return seal_raw(
        (folder / name.rpartition("=")[2]).read_bytes(),
        Sealer(certificate),
        scope=options.scope or "strict",
        namespace=options.namespace,
        name=options.name,
    ).encode()


def run_unseal(folder: Path, args: list[str], data: bytes) -> list[dict[str, Any]]:
    """Carry out `--recovery-unseal` in the vector's folder."""
    files = [value for flag, value in pairwise(args) if flag == "--recovery-private-key"]
    keys: list[UnsealingKey] = [key for name in files for key in load((folder / name).read_bytes())]
    return unseal_all(data, keys)
