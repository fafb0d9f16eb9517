"""The kinds of master key by their name in a file's metadata, and the front that loads each when it is first needed.

One unwrap is done per distinct wrapped key: documents of one file, and files copied from one another, share theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from secretsync.late import load
from secretsync.masterkeys.context import KeyContext, KeySource, Prompt
from secretsync.masterkeys.kinds import KINDS, in_rules, unattended, usable

if TYPE_CHECKING:
    from secretsync.age.protocol import Identity
    from secretsync.masterkeys.protocol import MasterKeyService
    from secretsync.secrecy import SecretBytes

_UNSUPPORTED: Final = "secretsync.masterkeys.unsupported:UnsupportedService"


class MasterKeys:
    """All master keys that this process can use, lazily; not to be shared between threads before the first unwrap."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        prompt: Prompt | None = None,
        plugins: bool = True,
        extra_age_identities: Iterable[Identity] = (),
        allow_demo_keys: bool = False,
    ) -> None:
        self._context = KeyContext(environ, prompt, plugins, tuple(extra_age_identities), allow_demo_keys)
        self._services: dict[str, MasterKeyService] = {}
        self._unwrapped: dict[tuple[str, str], SecretBytes] = {}

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

    def service(self, kind: str) -> MasterKeyService:
        """Return the service of this kind, the same one each time."""
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
        return self.service(kind).canonical(name)

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap a data key (32 bytes, 33 for a share) and return the fields to store; see `MasterKeyService.wrap`."""
        return self.service(kind).wrap(recipient, data_key)

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap a data key, once per distinct envelope; see `MasterKeyService.unwrap` for what it raises."""
        envelope = (kind, repr(fields.get("enc")))
        data_key = self._unwrapped.get(envelope)
        if data_key is None:
            data_key = self._unwrapped[envelope] = self.service(kind).unwrap(fields)
        return data_key

    def matches(self, kind: str, fields: Mapping[str, object]) -> bool | None:
        """Return whether an envelope is for the key it names; see `MasterKeyService.matches`."""
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
