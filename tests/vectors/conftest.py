"""Keys for the vectors: a GnuPG home per set of identities, and one with everything."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretsync.masterkeys.services import MasterKeys
from tests.vectors.sops_vectors import FOLDER, master_keys


@pytest.fixture(scope="session")
def gnupg_home(peer: Callable[[str], Path]) -> Iterator[Callable[[list[str]], Path]]:
    """Return a function from identity files to a private GNUPGHOME that holds the PGP keys among them."""
    homes: dict[tuple[str, ...], Path] = {}

    def home(identity: list[str]) -> Path:
        files = tuple(sorted(name for name in identity if name.endswith(".asc")))
        if files not in homes:
            folder = Path(tempfile.mkdtemp(prefix="gpg-"))  # short: the agent's socket has 108 bytes
            homes[files] = folder
            for name in files:
                command = [str(peer("gpg")), "--batch", "--quiet", "--import", str(FOLDER / "keys" / name)]
                subprocess.run(command, env=os.environ | {"GNUPGHOME": str(folder)}, check=True, capture_output=True)
        return homes[files]

    yield home
    for folder in homes.values():
        environ = os.environ | {"GNUPGHOME": str(folder)}
        if shutil.which("gpgconf"):
            subprocess.run(["gpgconf", "--kill", "all"], env=environ, check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def all_keys(gnupg_home: Callable[[list[str]], Path]) -> MasterKeys:
    """Return master keys that can open and wrap everything in the vectors."""
    names = [file.name for file in sorted((FOLDER / "keys").iterdir()) if file.suffix != ".json"]
    names = [name for name in names if not name.endswith(".pub") and "outsider" not in name]
    return master_keys(names, gnupg_home(names))
