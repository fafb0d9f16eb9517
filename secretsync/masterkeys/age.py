"""age master keys: one armored age file per recipient, holding the data key.

The recipient written in the file is not authenticated: it names the key to people and orders nothing that decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, ClassVar

from secretsync.age import armor, encrypt, envelope, header, parse_recipient
from secretsync.age.filekey import verify_header
from secretsync.age.interaction import Interaction
from secretsync.age.protocol import Identity, Recipient
from secretsync.errors import (
    ConfigError,
    DemoKeyError,
    FormatError,
    IncorrectIdentityError,
    KeyServiceError,
    MetadataError,
    SecretsyncError,
    beginning,
    shortened,
)
from secretsync.late import LateModule
from secretsync.masterkeys.age_sources import SILENT, SSH, FoundIdentities, IdentitySource, places
from secretsync.masterkeys.context import KeyContext, KeySource, Unwrapped, one_by_one
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS, KINDS, canonical
from secretsync.secrecy import SecretBytes

if TYPE_CHECKING:
    from secretsync.masterkeys import age_stanzas
else:
    age_stanzas = LateModule("secretsync.masterkeys.age_stanzas")  # only a proof looks at stanzas without opening them


class AgeService:
    """Wraps for age recipients and unwraps with the identities of this process (see `age_sources`)."""

    kind: ClassVar[str] = "age"

    def __init__(self, kind: str, context: KeyContext) -> None:
        del kind
        self._context = context
        self._interaction = Interaction(context.prompt, context.plugins, context.environ)
        self._places = places(context, self._interaction)
        self._found: dict[tuple[str, str], FoundIdentities] = {}
        self._recipients: dict[str, Recipient] = {}
        self._names: dict[int, str] = {}
        self._recent: tuple[str, Identity] | None = None

    def canonical(self, name: str) -> str:
        """Return the recipient in lower case, an SSH key without its comment."""
        return canonical(self.kind, name)

    def wrap(self, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap the data key for one recipient; raises as `MasterKeyService.wrap`, and DemoKeyError."""
        text = recipient.strip()
        self._refuse_demo(text)
        parsed = self._recipients.get(text)
        if parsed is None:
            try:
                parsed = self._recipients[text] = parse_recipient(text, self._interaction)
            except FormatError as error:
                shown = shortened(text) if text.startswith(("age1", "ssh-")) else beginning(text)
                raise ConfigError(f"age recipient {shown!r} cannot be used: {error}") from None
        return {"enc": encrypt(data_key.expose(), [parsed], armored=True).decode("ascii"), "recipient": text}

    def unwrap(self, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap with the first identity that opens the envelope; raises as `MasterKeyService.unwrap`."""
        recipient = KINDS[self.kind].name_of(fields)
        source = BytesIO(armor.decode(_text_of(fields, "enc").encode("ascii", "replace")))
        head = header.parse(source.readline)
        causes: list[str] = []
        refusal: type[SecretsyncError] = IncorrectIdentityError
        for name, identity in self._candidates(recipient, head):
            try:
                file_key = identity.unwrap(head.stanzas)
            except (IncorrectIdentityError, KeyServiceError) as error:
                causes.append(f"{shortened(self._name_of(identity))} ({name}): {error}")
                if isinstance(error, KeyServiceError):
                    refusal = KeyServiceError
                continue
            verify_header(file_key, head)
            self._recent = (name, identity) if identity.native else self._recent
            self._refuse_demo(self._name_of(identity))
            return SecretBytes(envelope.read_payload(file_key, source))
        raise refusal(self._explanation(recipient, causes))

    def unwrap_many(self, envelopes: Sequence[Mapping[str, object]]) -> list[Unwrapped]:
        """Unwrap one after the other."""
        return one_by_one(self.unwrap, envelopes)

    def matches(self, fields: Mapping[str, object]) -> bool | None:
        """Return whether the stanzas are of the recipient's kind, and for SSH bear its tag; others name nobody."""
        return age_stanzas.match(str(fields.get("recipient", "")), str(fields.get("enc", "")))

    def sources(self) -> list[KeySource]:
        """Return every place with its state, in sops' order."""
        listed = []
        for place in self._places:
            found = self._look(place, "")
            names = tuple(self._name_of(identity) for identity in found.identities)
            listed.append(KeySource(place.name, found.problem or "ok", names))
        return listed

    def alone(self) -> dict[str, KeyContext]:
        """Return the native identities of this process that need no program to be found, by recipient."""
        return {
            self._name_of(identity): KeyContext.holding(identity)
            for place in self._places
            if place.rank == SILENT
            for identity in self._look(place, "").identities
            if identity.native
        }

    def _candidates(self, recipient: str, head: header.Header) -> Iterator[tuple[str, Identity]]:
        """Yield the identity that opened last, then all others in sops' order.

        That is: the native ones of every place, SSH keys, those that ask a person or start a plugin.
        """
        recent = self._recent
        if recent is not None:
            yield recent
        later: list[tuple[str, Identity]] = []
        for place in sorted(self._places, key=lambda place: place.rank):
            if place.rank == SSH and not any(stanza.type.startswith("ssh-") for stanza in head.stanzas):
                continue
            for identity in self._look(place, recipient).identities:
                if recent is not None and identity is recent[1]:
                    continue
                if identity.native or place.rank == SSH:
                    yield place.name, identity
                else:
                    later.append((place.name, identity))
        yield from later

    def _look(self, place: IdentitySource, recipient: str) -> FoundIdentities:
        key = self._key_of(place, recipient)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = place.look(recipient)
        return found

    @staticmethod
    def _key_of(place: IdentitySource, recipient: str) -> tuple[str, str]:
        return place.name, recipient if place.asks_for_recipient else ""

    def _name_of(self, identity: Identity) -> str:
        name = self._names.get(id(identity))
        if name is None:
            name = self._names[id(identity)] = str(identity)
        return name

    def _refuse_demo(self, recipient: str) -> None:
        if recipient in DEMO_RECIPIENTS and not self._context.allow_demo_keys:
            raise DemoKeyError(
                f"{shortened(recipient)} is a demo key, whose private half is public",
                hint="use a key of your own, or --allow-demo-keys to play with the demo",
            )

    def _explanation(self, recipient: str, causes: list[str]) -> str:
        """Return every cause, every place with a problem, and every place without keys, on one line."""
        states = {
            place.name: self._found.get(self._key_of(place, recipient), FoundIdentities()) for place in self._places
        }
        parts = causes + [f"{name}: {found.problem}" for name, found in states.items() if _is_broken(found)]
        absent = [name for name, found in states.items() if found.absent]
        if absent:
            parts.append(f"no keys in {', '.join(absent)}")
        return "; ".join(parts)


def _is_broken(found: FoundIdentities) -> bool:
    return bool(found.problem) and not found.absent


def _text_of(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise MetadataError(f"age key lacks field {name!r}")
    return value
