"""A private GnuPG home: short enough a path for the agent's socket, its agent ended and the folder gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class GnupgHome:
    """A GnuPG home that holds the keys it was given."""

    def __init__(self, folder: Path, gpg: Path) -> None:
        self.folder = folder
        self.gpg = gpg

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which gpg, sops and we use this home and no other."""
        return {"GNUPGHOME": str(self.folder), "HOME": "/nonexistent", "PATH": os.environ["PATH"]}

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run gpg and return its standard output."""
        command = [str(self.gpg), "--batch", "--quiet", *arguments]
        return subprocess.run(
            command, input=stdin, env=self.environ, check=True, capture_output=True, timeout=60
        ).stdout

    def generate(self, name: str, *options: str, expires: str = "never", passphrase: str = "") -> str:
        """Make a key pair and return its fingerprint."""
        self.run(
            *options, "--passphrase", passphrase, "--pinentry-mode", "loopback", "--quick-gen-key", name, "future-default",
            "default", expires,
        )  # fmt: skip
        return next(self.fingerprints(name))

    def fingerprints(self, name: str = "") -> Iterator[str]:
        """Yield the fingerprints of a key and its subkeys."""
        listing = self.run("--list-keys", "--with-colons", *filter(None, [name])).decode()
        for line in listing.splitlines():
            if line.startswith("fpr:"):
                yield line.split(":")[9]

    def forget_passphrases(self) -> None:
        """End the agent, which remembers them."""
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=self.environ, check=False, timeout=30)


@contextmanager
def gnupg_home(gpg: Path, keys: Iterable[Path] = ()) -> Iterator[GnupgHome]:
    """Make a home, import the key files, and take everything down at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gpg-"))
    home = GnupgHome(folder, gpg)
    try:
        if files := [str(key) for key in keys]:
            home.run("--import", *files)
        yield home
    finally:
        home.forget_passphrases()
        shutil.rmtree(folder, ignore_errors=True)
