"""What the SOPS file commands share: which stores a file goes through, reading it, and placing errors at its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from secretsync import files
from secretsync.documents.stores import FALLBACK, Store, store_named
from secretsync.documents.tree import Limits, Source
from secretsync.errors import ConflictMarkersError, FileAccessError, MacMismatchError, ParseError, SecretsyncError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import secretsync.git.unfinished as unfinished
else:
    unfinished = LateModule("secretsync.git.unfinished")  # only where a MAC does not hold

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FileTarget:
    """One file a command works on: where it is, the name that decides format and rule, and its two stores."""

    path: str
    name: str
    input_store: str
    output_store: str

    @property
    def shown(self) -> str:
        """The name in messages."""
        return "stdin" if self.path == files.STDIN else self.path

    @property
    def store(self) -> Store:
        """The store the input is read with."""
        return store_named(self.input_store)

    def load(self, data: bytes, *, encrypted: bool) -> Source:
        """Read the documents of a user's own file, whose size is not limited."""
        return self.store.load(data, limits=Limits.unbounded(), encrypted=encrypted)

    def result(self, data: bytes) -> Source:
        """Read the documents of an encrypted file that was made of this one."""
        return store_named(self.output_store).load(data, limits=Limits.unbounded(), encrypted=True)

    def placing(self, action: Callable[[], Result]) -> Result:
        """Run `action`; what it raises is placed at this file."""
        try:
            return action()
        except FileAccessError:
            raise
        except SecretsyncError as error:
            if isinstance(error, ParseError) and error.hint is None and self._is_nameless:
                error.hint = "standard input is taken for binary; say what it is: --input-type yaml"
            self._name_remedy(error)
            raise error.at(self.shown) from None

    def _name_remedy(self, error: SecretsyncError) -> None:
        """Put this file into the hint of what a merge leaves; one that is not finished is merged again."""
        if self.path == files.STDIN or not isinstance(error, (MacMismatchError, ConflictMarkersError)):
            return
        if isinstance(error, MacMismatchError) and unfinished.is_unfinished(self.path):
            error.hint = f"a merge is not finished: secretsync resolve FILE; {error.hint}"
        error.naming(self.path)

    @property
    def _is_nameless(self) -> bool:
        """Whether nothing said what standard input holds, so that sops' default was taken."""
        return self.path == files.STDIN and not self.name and self.input_store == FALLBACK
