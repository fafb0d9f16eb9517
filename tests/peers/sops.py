"""The real sops, of any version, with one age identity: encrypt and decrypt bytes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tests.peers.processes import Completed, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Sops:
    """One version of sops; `recipient` is the age recipient it encrypts to, `environ` opens it again."""

    def __init__(self, binary: Path, *, identity: Path, folder: Path) -> None:
        self.identity = identity
        self.recipient = recipient_of(identity)
        self.environ = {"SOPS_AGE_KEY_FILE": str(identity)}
        self._binary = binary
        self._folder = folder
        self._numbers = itertools.count()

    def encrypt(self, plain: bytes, suffix: str, *flags: str) -> bytes:
        """Encrypt the bytes of a file called `*.{suffix}` to the recipient.

        Raises:
            AssertionError: sops refuses.
        """
        return self._run(plain, suffix, "--encrypt", "--age", self.recipient, *flags).stdout

    def decrypt(self, encrypted: bytes, suffix: str, *flags: str) -> bytes:
        """Decrypt the bytes of a file called `*.{suffix}`.

        Raises:
            AssertionError: sops refuses.
        """
        return self._run(encrypted, suffix, "--decrypt", *flags).stdout

    def refuses(self, encrypted: bytes, suffix: str) -> Completed:
        """Return how sops ended on a file that it must not decrypt."""
        ended = self._run(encrypted, suffix, "--decrypt", check=False)
        assert ended.code != 0, "sops decrypted what it should refuse"
        return ended

    def change(self, encrypted: bytes, suffix: str, *flags: str, after: Sequence[str] = ()) -> bytes:
        """Return the bytes of a file called `*.{suffix}` after a verb that changes it; `after` stands behind its name.

        Raises:
            AssertionError: sops refuses.
        """
        file = self._folder / f"{next(self._numbers)}.{suffix}"
        file.write_bytes(encrypted)
        run([self._binary, *flags, file, *after], env=self.environ, cwd=self._folder)
        changed = file.read_bytes()
        file.unlink()
        return changed

    def _run(self, content: bytes, suffix: str, *flags: str, check: bool = True) -> Completed:
        file = self._folder / f"{next(self._numbers)}.{suffix}"
        file.write_bytes(content)
        try:
            return run([self._binary, *flags, file], env=self.environ, cwd=self._folder, check=check)
        finally:
            file.unlink()


def recipient_of(identity: Path) -> str:
    """Return the recipient that age-keygen wrote into its identity file."""
    return next(line.split(": ")[1] for line in identity.read_text().splitlines() if "public key" in line)
