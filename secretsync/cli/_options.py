"""Options that several commands share, in groups: a command takes a group as one parameter (`grouped`).

Names, short forms and environment variables are those of sops 3.13.3 where sops has the option.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar, get_type_hints

import typer

from secretsync.cli._files import FileTarget
from secretsync.cli._terminal import ask_secret
from secretsync.documents.stores import FALLBACK, STORES, store_for_path
from secretsync.errors import ConflictingOptionsError, DuplicateKeyTypeError
from secretsync.files import STDIN
from secretsync.masterkeys import MasterKeys
from secretsync.sops.datakey import DEFAULT_ORDER
from secretsync.sops.mac import MacPolicy
from secretsync.sops.operations import OpenOptions
from secretsync.sops.recognition import store_of_content

Result = TypeVar("Result")
if TYPE_CHECKING:
    StoreName: TypeAlias = str
else:
    StoreName = Literal[*STORES]  # typer makes the choices of it

AllowDemoKeys: TypeAlias = Annotated[
    bool, typer.Option("--allow-demo-keys", help="Accept the demo's keys, whose private halves are public.")
]
Config: TypeAlias = Annotated[
    str | None, typer.Option("--config", envvar="SOPS_CONFIG", help="Take this file instead of the nearest .sops.yaml.")
]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]
Indent: TypeAlias = Annotated[int | None, typer.Option("--indent", help="Columns of one level, in YAML and JSON.")]


def grouped(command: Callable[..., Result]) -> Callable[..., Result]:
    """Let each parameter that is a dataclass of options stand on the command line for that dataclass's fields."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: each.annotation for name, each in signature.parameters.items() if is_dataclass(each.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        parameters += _fields_of(groups[name]) if name in groups else [parameter.replace(kind=parameter.KEYWORD_ONLY)]

    @wraps(command)
    def call(**values: Any) -> Result:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return command(**values)

    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # inspect's own hook
    return call


def _fields_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(each.name, kind, default=each.default, annotation=hints[each.name]) for each in fields(group)
    ]


@dataclass(frozen=True, slots=True)
class InputType:
    """Which format a file is read in."""

    input_type: Annotated[
        StoreName | None, typer.Option("--input-type", help="Format of the input; else the file name tells.")
    ] = None

    def target(self, path: str, name: str | None = None) -> FileTarget:
        """Return what to work on: types given, else by `name`, which is the path unless given.

        Standard input without a name is binary. Source: sops cmd/sops/main.go, inputStore and outputStore at v3.13.3.
        """
        name = name or ("" if path == STDIN else path)
        by_name = store_for_path(name)
        return FileTarget(path, name, self.input_type or by_name, self._output_type() or by_name)

    def target_of(self, path: str, data: bytes, name: str | None = None) -> FileTarget:
        """Return what to work on, as `target`; where neither type nor name tell, what an encrypted file holds does."""
        target = self.target(path, name)
        if self.input_type or target.input_store != FALLBACK or path == STDIN:
            return target
        store = store_of_content(data) or FALLBACK
        return replace(target, input_store=store, output_store=self._output_type() or store)

    def _output_type(self) -> StoreName | None:
        return None


@dataclass(frozen=True, slots=True)
class Formats(InputType):
    """Which formats a file goes through."""

    output_type: Annotated[
        StoreName | None, typer.Option("--output-type", help="Format of the output; else the file name tells.")
    ] = None

    def _output_type(self) -> StoreName | None:
        return self.output_type


FilenameOverride: TypeAlias = Annotated[
    str | None,
    typer.Option("--filename-override", help="Take this for the file's name when choosing formats and rule."),
]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the result goes."""

    in_place: Annotated[bool, typer.Option("--in-place", "-i", help="Write the result back to the file.")] = False
    output: Annotated[str | None, typer.Option("--output", help="Write to this file instead of stdout.")] = None

    def path(self, source: str) -> str | None:
        """Return the file to write, or None for standard output.

        Raises:
            ConflictingOptionsError: both were asked for, or standard input was to be replaced.
        """
        if not self.in_place:
            return self.output
        if self.output is not None:
            raise ConflictingOptionsError("--in-place and --output exclude each other")
        if source == STDIN:
            raise ConflictingOptionsError("--in-place needs a file, not standard input")
        return source


@dataclass(frozen=True, slots=True)
class Opening:
    """How an encrypted file is opened."""

    ignore_mac: Annotated[
        bool, typer.Option("--ignore-mac", help="Do not verify the MAC: the content may have been tampered with.")
    ] = False
    decryption_order: Annotated[
        str | None,
        typer.Option(
            "--decryption-order", envvar="SOPS_DECRYPTION_ORDER", help="Kinds of key to try first, as in age,pgp."
        ),
    ] = None
    allow_demo_keys: AllowDemoKeys = False

    def keys(self) -> MasterKeys:
        """Return the keys of this environment; each is read once, when it is first needed."""
        return MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=self.allow_demo_keys)

    def options(self, target: FileTarget, keys: MasterKeys | None = None) -> OpenOptions:
        """Return how to open the file `target`; several files share `keys`.

        Raises:
            DuplicateKeyTypeError: the decryption order names a kind twice.
        """
        order: tuple[str, ...] = DEFAULT_ORDER
        if self.decryption_order is not None:
            order = tuple(kind.strip() for kind in self.decryption_order.split(",") if kind.strip())
            if len(set(order)) < len(order):
                raise DuplicateKeyTypeError(f"the decryption order names a kind twice: {self.decryption_order!r}")
        return OpenOptions(
            store=target.input_store,
            output_store=target.output_store,
            keys=keys or self.keys(),
            mac_policy=MacPolicy.IGNORE_UNSAFE if self.ignore_mac else MacPolicy.VERIFY,
            decryption_order=order,
        )
