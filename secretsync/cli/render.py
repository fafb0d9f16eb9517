"""`secretsync render`: manifests in, the same manifests with their secrets revealed, sealed or redacted out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli._options import AllowDemoKeys, grouped
from secretsync.cli._output import write_stdout
from secretsync.cli._terminal import warn
from secretsync.documents.tree import Limits
from secretsync.interruption import end_in_order
from secretsync.rendering import Format, Mode, Options
from secretsync.rendering import render as render_all
from secretsync.rendering.discover import named_inputs
from secretsync.rendering.output import write_folder

Paths: TypeAlias = Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders, or - for stdin.")]
OutputFormat: TypeAlias = Annotated[
    Format | None, typer.Option("--output", "-o", help="Write every document in this format.")
]


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of the secrets."""

    mode: Annotated[Mode, typer.Option("--mode", help="What becomes of the secrets.")] = "reveal"
    cert: Annotated[str | None, typer.Option("--cert", help="Certificate to seal for; else the only one in keys/.")] = (
        None
    )
    seal_key: Annotated[
        str | None,
        typer.Option("--seal-key", help="What sealing a Secret in the clear derives from: at least 32 random bytes."),
    ] = None
    allow_expired: Annotated[bool, typer.Option("--allow-expired", help="Seal for a certificate that has expired.")] = (
        False
    )
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace of Secrets that name none.")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the input may be."""

    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Accept input without a single object.")] = False
    allow_ciphertext: Annotated[
        bool, typer.Option("--allow-ciphertext", help="Print values that are still ENC[…] of sops.")
    ] = False
    max_size: Annotated[int, typer.Option("--max-size", min=1, help="Limit for one file, in bytes.")] = Limits().size
    max_documents: Annotated[int, typer.Option("--max-documents", min=1, help="Limit for one file.")] = (
        Limits().documents
    )
    allow_demo_keys: AllowDemoKeys = False


@grouped
def render(
    paths: Paths,
    treatment: Treatment,
    output: OutputFormat = None,
    output_dir: Annotated[
        str | None, typer.Option("--output-dir", help="Write a file here for each file read, instead of one stream.")
    ] = None,
    *,
    bounds: Bounds,
) -> None:
    """Print manifests decrypted, sealed or redacted, ready to apply.

    Nothing is printed unless every document of every file has rendered. What is not secret comes out byte for byte.
    """
    options = options_of(treatment, bounds, output)
    rendered = render_all(named_inputs(paths, files.read_stdin, options.limits), options)
    for warning in rendered.warnings:
        warn(warning)
    if output_dir is None:
        write_stdout(rendered.stream())
    else:
        end_in_order()
        write_folder(output_dir, rendered, private=treatment.mode == "reveal", inputs=paths)


def options_of(treatment: Treatment, bounds: Bounds, output: Format | None) -> Options:
    """Return what the command line asks of the renderer."""
    return Options(
        mode=treatment.mode,
        cert_file=treatment.cert,
        seal_key_file=treatment.seal_key,
        allow_expired=treatment.allow_expired,
        namespace=treatment.namespace,
        output=output,
        allow_empty=bounds.allow_empty,
        allow_ciphertext=bounds.allow_ciphertext,
        allow_demo_keys=bounds.allow_demo_keys,
        environ=os.environ,
        limits=Limits(size=bounds.max_size, documents=bounds.max_documents),
    )
