"""`secretsync exec-env`: a command with the values of an encrypted file as its environment."""

from __future__ import annotations

import os
from typing import Annotated, TypeAlias

import typer

from secretsync import files, programs
from secretsync.cli._options import InputType, Opening, grouped
from secretsync.cli._shell import SHELL, Command, User, kind_of, require_shell, run_shell
from secretsync.cli.set_value import File
from secretsync.documents.flat.values import text_of
from secretsync.documents.tree import Mapping, Scalar
from secretsync.errors import ConflictingOptionsError, EnvironmentValueError
from secretsync.sops import operations

Pristine: TypeAlias = Annotated[bool, typer.Option("--pristine", help="Pass on nothing but the values.")]
SameProcess: TypeAlias = Annotated[
    bool, typer.Option("--same-process", help="Become the command, in place of starting it.")
]


@grouped
def exec_env(
    path: File,
    command: Command,
    formats: InputType,
    opening: Opening,
    pristine: Pristine = False,
    same_process: SameProcess = False,
    user: User = None,
) -> int:
    """Run a command with the values of an encrypted file as environment.

    The top-level values of the first document become variables; exits with the command's code.
    """
    require_shell()
    target = formats.target(path)
    data = files.read(path)
    opened = target.placing(lambda: operations.open_file(data, opening.options(target)))
    values = target.placing(lambda: _variables(opened.plain.documents[0]))
    if same_process and user is not None:
        raise ConflictingOptionsError("--same-process and --user exclude each other")
    if same_process:
        programs.become(kind_of(pristine=pristine), [SHELL, "-c", command], os.environ, values)
    return run_shell(command, values, pristine=pristine, user=user)


def _variables(document: Mapping) -> dict[str, str]:
    variables = {}
    for entry in document.entries():
        key = entry.key.value
        if not isinstance(key, str) or not key or "=" in key or "\0" in key:
            raise EnvironmentValueError(f"the key {key!r} cannot be the name of a variable")
        if not isinstance(entry.value, Scalar):
            raise EnvironmentValueError("a list or mapping cannot be a variable", location=key)
        text = text_of(entry.value)
        if "\0" in text:
            raise EnvironmentValueError("a value with a NUL byte cannot be a variable", location=key)
        variables[key] = text
    return variables
