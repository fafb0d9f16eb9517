"""`secretsync unseal`: SealedSecrets back into Secrets, with the controller's private keys (kubeseal --recovery-unseal)."""

from __future__ import annotations

import os
from functools import partial
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli._backups import unsealing_keys
from secretsync.cli._manifests import ManifestFormat, format_of, placed
from secretsync.cli._options import AllowDemoKeys
from secretsync.cli._output import PRIVATE_MODE, write_result
from secretsync.documents.tree import Limits
from secretsync.masterkeys import MasterKeys
from secretsync.sealed import output
from secretsync.sealed.streams import unseal_all

Files: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="[FILE]...", help="SealedSecrets in YAML or JSON, or - for stdin.")
]
PrivateKeys: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--recovery-private-key",
        help="PEM keys, or backups of the controller's key Secrets (encrypted or not); repeat the option or separate by commas.",
    ),
]
OutputFile: TypeAlias = Annotated[
    str | None, typer.Option("--output", "-w", help="Write to this file, mode 0600, instead of stdout.")
]


def unseal(
    recovery_private_key: PrivateKeys,
    paths: Files = None,
    form: ManifestFormat = None,
    output_file: OutputFile = None,
    *,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Turn SealedSecrets back into Secrets, with the private keys.

    Every document of every file must open, or nothing is printed.
    """
    names = [name for each in recovery_private_key for name in each.split(",") if name]
    master_keys = MasterKeys(os.environ, allow_demo_keys=allow_demo_keys)
    keys = [key for name in names for key in placed(name, lambda data: unsealing_keys(data, master_keys))]
    operation = partial(unseal_all, keys=keys, limits=Limits.unbounded())
    secrets = [each for path in paths or [files.STDIN] for each in placed(path, operation)]
    write_result(output.dump(secrets, format_of(form, output_file)), output_file, mode=PRIVATE_MODE)
