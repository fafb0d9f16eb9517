"""`secretsync hook`: what installs the render hook in a sync engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from secretsync import files
from secretsync.cli._output import write_lines, write_stdout
from secretsync.cli._terminal import warn
from secretsync.deployment import argocd as argocd_manifests
from secretsync.deployment import folder as deploy_folder
from secretsync.sealed import SealingCertificate

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True, help=__doc__
)
argocd = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
helm = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
kustomize = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(argocd, name="argocd")
app.add_typer(helm, name="helm")
app.add_typer(kustomize, name="kustomize")


@argocd.callback()
def _argocd_group() -> None:
    """Run beside Argo CD's repo-server, as a config management plugin."""


@helm.callback()
def _helm_group() -> None:
    """Run in Helm, as getter and post-renderer."""


@kustomize.callback()
def _kustomize_group() -> None:
    """Tell kustomize about SealedSecrets."""


@helm.command("install")
def install_helm(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A folder for HELM_PLUGINS; made if missing.")],
    version: Annotated[Literal["3", "4"], typer.Option("--helm", help="The major version of your Helm.")] = "4",
) -> int:
    """Write Helm's plug-ins into a folder, and print their paths.

    Helm finds them where HELM_PLUGINS names the folder, or in the folder that `helm env HELM_PLUGINS` prints.
    Running it again brings them up to this version.
    """
    write_lines(deploy_folder.install(f"helm{version}", folder))
    return 0


@kustomize.command("print")
def print_kustomize() -> int:
    """Print which fields name a Secret, for the `configurations` of a kustomization that seals.

    With it, references follow a SealedSecret that kustomize renames.
    """
    write_stdout(deploy_folder.read("kustomize/sealed-secrets-references.yaml"))
    return 0


@argocd.command("print")
def print_argocd(
    source: Annotated[argocd_manifests.Source, typer.Option("--source", help="What Applications hold.")] = "plain",
    cert: Annotated[
        str | None, typer.Option("--cert", help="Seal for this certificate; without it Secrets are revealed.")
    ] = None,
    image: Annotated[str, typer.Option("--image", help="What deploy/Containerfile builds.")] = argocd_manifests.IMAGE,
    keys: Annotated[str, typer.Option("--keys", help="The Secret that holds the identity.")] = argocd_manifests.KEYS,
    identity: Annotated[str, typer.Option("--identity", help="The identity's key in it.")] = argocd_manifests.IDENTITY,
    part: Annotated[argocd_manifests.Part, typer.Option("--part", help="Print only this part.")] = "all",
) -> int:
    """Print what installs the plugin: its configuration, the sidecar and a network policy.

    The sidecar is a patch of Argo CD's own Deployment; apply all of it with
    `kubectl apply --server-side --namespace argocd --filename -`.
    """
    pem, pin = None, ""
    if cert is not None:
        data = files.read(cert)
        certificate = SealingCertificate.load(data, now=datetime.now(UTC))
        for warning in certificate.warnings:
            warn(f"{cert}: {warning}")
        pem, pin = _first_block(data.decode("ascii", "replace")), certificate.spki_sha256
    documents = argocd_manifests.parts(
        source=source, image=image, keys=keys, identity=identity, certificate=pem, pin=pin
    )
    text = "---\n".join(documents.values()) if part == "all" else documents[part]
    write_stdout(text.encode())
    return 0


def _first_block(text: str) -> str:
    """Return the first certificate of a PEM file and nothing else: a private key may stand beside it."""
    begin, end = (f"-----{word} CERTIFICATE-----" for word in ("BEGIN", "END"))
    return begin + text.partition(begin)[2].partition(end)[0] + end
