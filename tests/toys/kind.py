"""A toy kind of master key: whoever is called so in the environment's TOY_IDENTITIES opens what is wrapped for `toy:NAME`.

Nothing is secret about it. `ASKED` counts how often the service was asked, and for how many data keys.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha512
from typing import Final

from secretsync.errors import ConfigError, FormatError, IncorrectIdentityError, IntegrityError
from secretsync.masterkeys.context import KeyContext, KeySource, Unwrapped, one_by_one
from secretsync.masterkeys.kinds import IdentityField, Kind, canonical
from secretsync.masterkeys.spelling import one_field
from secretsync.secrecy import SecretBytes

ASKED: Final[list[int]] = []
_TAG: Final = 4

KIND: Final = Kind(
    "toy", "toy keys", "toys", "toy_group", "toy-key", "TOY_RECIPIENTS", ("toy-plain", "toy-fine"),
    *one_field("toy_name", "toy"), service="tests.toys.kind:ToyService", canonical=str.lower,
    starts=("toy:",), pattern="toy:[a-z]+", group_fields=(("called", "toy_name"),), together=True,
    identity_fields=(IdentityField("toy", variable="TOY_IDENTITIES"),),
)  # fmt: skip


class ToyService:
    """Wraps for anybody, and unwraps for who is here."""

    def __init__(self, kind: str, context: KeyContext) -> None:
        self.kind = kind
        named = context.environ.get("TOY_IDENTITIES", "")
        self._here = {f"toy:{name}" for name in named.rpartition("/")[2].split(",") if name}

    def canonical(self, name: str) -> str:
        """Return the name in lower case."""
        return canonical(self.kind, name)

    def wrap(self, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap a data key."""
        if not recipient.startswith("toy:"):
            raise ConfigError(f"toy key {recipient!r} cannot be used")
        plain = data_key.expose()
        masked = _masked(plain, recipient) + sha512(plain).digest()[:_TAG]
        return {"enc": f"{recipient} {b64encode(masked).decode()}", "toy_name": recipient}

    def unwrap(self, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap a data key."""
        return self._unwrap(fields, 1)

    def unwrap_many(self, envelopes: Sequence[Mapping[str, object]]) -> list[Unwrapped]:
        """Unwrap data keys together."""
        ASKED.append(len(envelopes))
        return one_by_one(lambda fields: self._unwrap(fields, 0), envelopes)

    def _unwrap(self, fields: Mapping[str, object], questions: int) -> SecretBytes:
        ASKED.extend([1] * questions)
        name, space, masked = str(fields["enc"]).partition(" ")
        if not space:
            raise FormatError("the envelope is not a toy's")
        if name not in self._here:
            raise IncorrectIdentityError(f"{name} is not here")
        raw = b64decode(masked)
        plain = _masked(raw[:-_TAG], name)
        if sha512(plain).digest()[:_TAG] != raw[-_TAG:]:
            raise IntegrityError("the envelope was changed")
        return SecretBytes(plain)

    def matches(self, fields: Mapping[str, object]) -> bool | None:
        """Whether the envelope says the name of its key."""
        return str(fields["enc"]).startswith(f"{fields['toy_name']} ")

    def alone(self) -> dict[str, KeyContext]:
        """Return each name that is here alone."""
        return {name: KeyContext({"TOY_IDENTITIES": name.removeprefix("toy:")}) for name in sorted(self._here)}

    def sources(self) -> list[KeySource]:
        """Return the variable."""
        return [KeySource("TOY_IDENTITIES", "ok" if self._here else "is empty", tuple(sorted(self._here)))]


def _masked(data: bytes, name: str) -> bytes:
    return bytes(one ^ other for one, other in zip(data, sha512(name.encode()).digest(), strict=False))
