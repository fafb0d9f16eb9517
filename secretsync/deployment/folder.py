"""The files that install us in other tools: package data of a wheel, the folder `deploy` of a checkout.

Another tool runs them, so they are read from nowhere else.
"""

from __future__ import annotations

import os
from typing import Final

import secretsync
from secretsync import files, listing
from secretsync.errors import FileAccessError, MissingFileError

_PACKAGE: Final = os.path.dirname(os.path.abspath(secretsync.__file__))
_PLAIN, _PROGRAM = 0o644, 0o755


def folder() -> str:
    """Return where the files lie.

    Raises:
        MissingFileError: whoever packed this installation left them out.
    """
    packed, checkout = os.path.join(_PACKAGE, "deploy"), os.path.dirname(_PACKAGE)
    if os.path.isdir(packed):
        return packed
    if not os.path.isfile(os.path.join(checkout, "pyproject.toml")):  # what lies in site-packages is not ours
        raise MissingFileError(
            "is missing from this installation",
            location=packed,
            hint="pip install --force-reinstall --no-deps gitops-secretsync",
        )
    return os.path.join(checkout, "deploy")


def read(name: str) -> bytes:
    """Return one file, by its path below the folder."""
    return files.read(os.path.join(folder(), name))


def install(name: str, target: str) -> list[str]:
    """Copy the folders below `name` into the folder `target`, which is made where it is missing; return the paths.

    What starts with `#!` may be run, however this installation was unpacked.

    Raises:
        FileAccessError: the folder cannot be made, or may not be written.
    """
    source = os.path.join(folder(), name)
    written = []
    for path in listing.walk(source):
        data = files.read(os.path.join(source, path))
        destination = os.path.join(target, path)
        _make_folder(os.path.dirname(destination))
        files.write_atomic(destination, data, _PROGRAM if data.startswith(b"#!") else _PLAIN)
        written.append(destination)
    return written


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise FileAccessError((error.strerror or "cannot be made").lower(), location=path) from None
