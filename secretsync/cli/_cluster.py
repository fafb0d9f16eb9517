"""What `apply` and `diff` share: which cluster, who owns the fields, and the rendered objects to send there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli._terminal import say, warn
from secretsync.cluster.connection import FIELD_MANAGER, Cluster
from secretsync.cluster.differing import Place, places_that_differ
from secretsync.cluster.trying import RefusedError
from secretsync.errors import SecretsyncError
from secretsync.manifests.objects import Object
from secretsync.manifests.reading import read
from secretsync.rendering import Input, Options, Rendered
from secretsync.rendering import render as render_all
from secretsync.rendering.discover import named_inputs

Paths: TypeAlias = Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders, or - for stdin.")]


@dataclass(frozen=True, slots=True)
class Connection:
    """Which cluster, and as whose fields."""

    kubeconfig: Annotated[
        str | None, typer.Option("--kubeconfig", help="Kubeconfig file; else $KUBECONFIG or ~/.kube/config.")
    ] = None
    context: Annotated[str | None, typer.Option("--context", help="Context of the kubeconfig.")] = None
    field_manager: Annotated[str, typer.Option("--field-manager", help="Owner of the fields that are set.")] = (
        FIELD_MANAGER
    )
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="Take over fields that another manager owns.")
    ] = False

    def cluster(self, namespace: str | None) -> Cluster:
        """Return the connection; `namespace` is where objects go that name none."""
        return Cluster.connect(kubeconfig=self.kubeconfig, context=self.context, namespace=namespace)


def rendered_objects(paths: Sequence[str | Input], options: Options) -> list[Object]:
    """Render `paths` in memory and return their objects in order, Lists flattened; warnings are printed."""
    rendered: Rendered = render_all(named_inputs(paths, files.read_stdin, options.limits), options)
    for warning in rendered.warnings:
        warn(warning)
    if not any(piece.objects for piece in rendered.pieces):
        return []
    return [located.object for located in read(rendered.stream(), limits=options.limits)]


def objects_with_hidden(paths: Sequence[str], options: Options) -> tuple[list[Object], list[list[Place]]]:
    """Return the rendered objects, and for each the places that hold what was encrypted: where redacting changes it."""
    inputs = named_inputs(paths, files.read_stdin, options.limits)
    objects = rendered_objects(inputs, options)
    if options.mode != "reveal":
        return objects, [[] for _ in objects]
    if not objects:
        return [], []
    redacted = read(render_all(inputs, options._replace(mode="redact")).stream(), limits=options.limits)
    return objects, [
        list(places_that_differ(*pair)) for pair in zip(objects, [each.object for each in redacted], strict=True)
    ]


def tell_refused(error: RefusedError) -> SecretsyncError:
    """Tell of each object that the server does not take, and return the error for the whole; of a single one, its own."""
    if len(error.errors) == 1 == error.total:
        return error.errors[0]
    hints = []
    for each in error.errors:
        say(str(each), kind="error")
        hints.append(each.hint)
    for hint in dict.fromkeys(filter(None, hints)):
        say(hint, kind="hint")
    return error
