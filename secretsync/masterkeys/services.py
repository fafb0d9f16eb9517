"""Every master key that this process can use: services loaded when first needed, and the data keys they unwrapped.

One unwrap is done per distinct wrapped key: documents of one file, and files copied from one another, share theirs.
Threads may share one `MasterKeys`: a kind is asked by one at a time, and what it answered is everybody's.
"""

from __future__ import annotations

from _thread import RLock  # what `threading` offers under the same name, without its eight modules
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Self

from secretsync.errors import KeyServiceError, SecretsyncError
from secretsync.late import load
from secretsync.masterkeys.context import KeyContext, KeySource, Prompt, Unwrapped
from secretsync.masterkeys.kinds import KINDS, in_rules, unattended, usable

if TYPE_CHECKING:
    from types import TracebackType

    from secretsync.age.protocol import Identity
    from secretsync.masterkeys.protocol import MasterKeyService
    from secretsync.secrecy import SecretBytes

_UNSUPPORTED: Final = "secretsync.masterkeys.unsupported:UnsupportedService"

CACHED: Final = 16_384
"""Data keys that are kept at most, about ten megabytes; beyond that the one that was not used for longest goes."""


class MasterKeys:
    """All master keys that this process can use, lazily; `close` ends their life, at the latest the process does."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        prompt: Prompt | None = None,
        plugins: bool = True,
        extra_age_identities: Iterable[Identity] = (),
        allow_demo_keys: bool = False,
        cached: int = CACHED,
    ) -> None:
        self._context = KeyContext(environ, prompt, plugins, tuple(extra_age_identities), allow_demo_keys)
        self._services: dict[str, MasterKeyService] = {}
        self._locks: dict[str, RLock] = {}
        self._unwrapped = _DataKeys(cached)

    @classmethod
    def of(cls, context: KeyContext) -> MasterKeys:
        """Return the master keys that a context gives."""
        return cls(
            context.environ,
            prompt=context.prompt,
            plugins=context.plugins,
            extra_age_identities=context.extra_age_identities,
            allow_demo_keys=context.allow_demo_keys,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget every data key and let go of the services. Whoever unwraps or wraps afterwards gets an error."""
        self._unwrapped.close()
        self._services.clear()

    def service(self, kind: str) -> MasterKeyService:
        """Return the service of this kind, the same one each time; only within `_lock(kind)` if threads share these."""
        service = self._services.get(kind)
        if service is None:
            place = KINDS[kind].service if kind in KINDS else ""
            service = self._services[kind] = load(place or _UNSUPPORTED)(kind, self._context)
        return service

    def recipient(self, kind: str, fields: Mapping[str, object]) -> str:
        """Return what names a key, as the file spells it. Raises: MetadataError where a field is missing."""
        return KINDS[kind].name_of(fields) if kind in KINDS else "unknown"

    def canonical(self, kind: str, name: str) -> str:
        """Return a key's name in the one spelling that all names of that key have; see `MasterKeyService.canonical`."""
        with self._lock(kind):
            return self.service(kind).canonical(name)

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap a data key (32 bytes, 33 for a share) and return the fields to store; see `MasterKeyService.wrap`."""
        with self._lock(kind):
            self._unwrapped.require_open()
            return self.service(kind).wrap(recipient, data_key)

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap a data key, once per distinct envelope; see `MasterKeyService.unwrap` for what it raises."""
        name = self._envelope(kind, fields)
        data_key = self._unwrapped.get(name)
        if data_key is None:
            with self._lock(kind):
                data_key = self._unwrapped.get(name)  # another thread may have asked meanwhile
                if data_key is None:
                    data_key = self._unwrapped.put(name, self.service(kind).unwrap(fields))
        return data_key

    def unwrap_many(self, kind: str, envelopes: Sequence[Mapping[str, object]]) -> list[Unwrapped]:
        """Unwrap many data keys with one question to the service; of each the data key, or the error that it raised.

        Raises:
            KeyServiceError: the keys were closed.
        """
        names = [self._envelope(kind, fields) for fields in envelopes]
        with self._lock(kind):
            found: dict[tuple[str, str, str], Unwrapped | None] = {name: self._unwrapped.get(name) for name in names}
            asked = {name: one for name, one in zip(names, envelopes, strict=True) if found[name] is None}
            answers = self.service(kind).unwrap_many([*asked.values()]) if asked else []
            for name, answer in zip(asked, answers, strict=True):
                found[name] = answer if isinstance(answer, SecretsyncError) else self._unwrapped.put(name, answer)
        return [one for name in names if (one := found[name]) is not None]

    def known(self, kind: str, fields: Mapping[str, object]) -> SecretBytes | None:
        """Return the data key of an envelope that was unwrapped already; asks nobody."""
        return self._unwrapped.get(self._envelope(kind, fields))

    def matches(self, kind: str, fields: Mapping[str, object]) -> bool | None:
        """Return whether an envelope is for the key it names; see `MasterKeyService.matches`."""
        with self._lock(kind):
            return self.service(kind).matches(fields)

    def alone(self) -> dict[str, MasterKeys]:
        """Return each identity that lies here ready to use as keys that hold it alone, by its recipient."""
        return {
            recipient: MasterKeys.of(context)
            for kind in unattended()
            for recipient, context in self.service(kind.name).alone().items()
        }

    def silent(self) -> set[tuple[str, str]]:
        """Return the kind and name of every recipient whose envelopes open here without asking anybody."""
        return {
            (kind.name, name)
            for kind in unattended()
            for source in self.service(kind.name).sources()
            for name in source.recipients
        }

    def sources(self) -> list[KeySource]:
        """Return every place that keys are looked for in, with what is there; reads them all, asks nobody."""
        return [source for kind in usable(in_rules()) for source in self.service(kind.name).sources()]

    def _lock(self, kind: str) -> RLock:
        return self._locks.get(kind) or self._locks.setdefault(kind, RLock())

    def _envelope(self, kind: str, fields: Mapping[str, object]) -> tuple[str, str, str]:
        """Return what tells an envelope from others: a file cannot take an answer that another key gave."""
        enc = fields.get("enc")
        return kind, self.recipient(kind, fields), enc if isinstance(enc, str) else repr(enc)


class _DataKeys:
    """Unwrapped data keys by their envelopes, at most `limit` of them, until they are closed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = RLock()
        self._keys: dict[tuple[str, str, str], SecretBytes] | None = {}

    def get(self, envelope: tuple[str, str, str]) -> SecretBytes | None:
        """Return a data key, which is then the one used last."""
        with self._lock:
            keys = self.require_open()
            data_key = keys.pop(envelope, None)
            if data_key is not None:
                keys[envelope] = data_key
            return data_key

    def put(self, envelope: tuple[str, str, str], data_key: SecretBytes) -> SecretBytes:
        """Keep a data key and return it."""
        with self._lock:
            keys = self.require_open()
            keys[envelope] = data_key
            if len(keys) > self._limit:
                del keys[next(iter(keys))]
            return data_key

    def require_open(self) -> dict[tuple[str, str, str], SecretBytes]:
        """Return what is kept. Raises: KeyServiceError once it was closed."""
        if self._keys is None:
            raise KeyServiceError("the master keys were closed")
        return self._keys

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._keys = None
