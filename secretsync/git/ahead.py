"""Reading blobs that are known beforehand: asked for many at a time, so that nobody waits for each answer."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from secretsync.errors import RepositoryError
from secretsync.git.objects import AHEAD, ObjectReader


class AheadReader:
    """An `ObjectReader` that is told what will be read; what is read besides, or in another order, comes as well.

    No more than `AHEAD` answers are out, and they wait in the pipe. Of those that are passed over as many are held
    here; what nobody read until then is asked for again.
    """

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._coming: deque[str] = deque()
        self._asked: deque[str] = deque()
        self._expected: Counter[str] = Counter()
        self._passed: dict[str, bytes | RepositoryError] = {}

    def expect(self, blobs: Iterable[str]) -> None:
        """Take these blobs for the next that are read, in this order; what was expected before is not any more."""
        self._pass_over(len(self._asked))
        self._passed.clear()
        self._coming = deque(blob for blob in blobs if blob)
        self._expected = Counter(self._coming)

    def read(self, blob: str) -> bytes:
        """Return a blob. Raises: as `ObjectReader.read`."""
        if blob not in self._passed:
            if not self._expected[blob]:
                self._pass_over(len(self._asked))
                return self._reader.read(blob)
            while blob not in self._passed:
                self._ask()
                self._pass_over(1)
        found = self._passed.pop(blob)
        if isinstance(found, RepositoryError):
            raise found
        return found

    def close(self) -> None:
        """End the process."""
        self._reader.close()

    def _ask(self) -> None:
        """Ask for more, once half of the answers are in."""
        if self._coming and len(self._asked) <= AHEAD // 2:
            some = [self._coming.popleft() for _ in range(min(len(self._coming), AHEAD - len(self._asked)))]
            self._reader.ask(some)
            self._asked += some

    def _pass_over(self, count: int) -> None:
        """Take the next answers, and hold them until somebody reads them."""
        for _ in range(count):
            blob = self._asked.popleft()
            self._expected[blob] -= 1
            try:
                self._passed[blob] = self._reader.answer(blob, "blob")
            except RepositoryError as error:
                self._passed[blob] = error
            if len(self._passed) > AHEAD:
                del self._passed[next(iter(self._passed))]
