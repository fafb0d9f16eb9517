"""`secretsync encrypt`: a plain file encrypted for recipients, with sops' flags, variables and creation rules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from secretsync import files, sops
from secretsync.cli._creation import Creation, Selection
from secretsync.cli._files import FileTarget
from secretsync.cli._key_options import CreationKeys
from secretsync.cli._options import AllowDemoKeys, Destination, FilenameOverride, Formats, grouped
from secretsync.cli._output import write_result
from secretsync.cli._terminal import ask_secret
from secretsync.errors import ConflictingOptionsError
from secretsync.late import LateModule
from secretsync.masterkeys import MasterKeys

if TYPE_CHECKING:
    from secretsync import git
else:
    git = LateModule("secretsync.git")  # only for --reuse

File: TypeAlias = Annotated[str, typer.Argument(metavar="[FILE]", help="The plain file, or - for stdin.")]
Reuse: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--reuse", help="Keep data key and ciphertext of unchanged values from this Git revision of the file."
    ),
]


@grouped
def encrypt(
    recipients: CreationKeys,
    selection: Selection,
    creation: Creation,
    formats: Formats,
    destination: Destination,
    path: File = files.STDIN,
    filename_override: FilenameOverride = None,
    reuse: Reuse = None,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Encrypt a file.

    Recipients come from --age and the like, else from the first rule of .sops.yaml that matches the file.
    The result is decrypted again in memory before it is written.
    """
    if path == files.STDIN and not filename_override:
        raise ConflictingOptionsError("standard input needs a name: --filename-override secret.yaml")
    where = destination.path(path)
    target = formats.target(path, filename_override)
    data = files.read(path)
    keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=allow_demo_keys)
    chosen = creation.choice(target, recipients, selection)
    earlier = _earlier(target, reuse, keys) if reuse else None
    result = creation.encrypt(target, data, chosen, keys, earlier)
    write_result(result, where, replaces=data if destination.in_place else None)


def _earlier(target: FileTarget, revision: str, keys: MasterKeys) -> sops.Decrypted:
    """Return the file as it was encrypted at a revision of its repository.

    Raises:
        RepositoryError: there is no repository, revision, or such a file in it.
    """
    folder, name = os.path.split(os.path.realpath(target.name))
    repository = git.Repository.containing(folder)
    place = os.path.join(os.path.relpath(folder, os.path.realpath(repository.root)), name)
    data = repository.read(repository.resolve(revision), os.path.normpath(place).replace(os.sep, "/"))
    source = target.placing(lambda: target.load(data, encrypted=True))
    return target.placing(lambda: sops.decrypt(source, keys))
