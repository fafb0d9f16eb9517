"""age plugins: programs named `age-plugin-NAME` that wrap and unwrap file keys over a line protocol on their pipes.

Source: C2SP age-plugin.md; limits and answers as age plugin/client.go at v1.3.2. Off unless the interaction says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from secretsync.age.header import Stanza
from secretsync.age.interaction import NOBODY, Interaction
from secretsync.age.pluginprocess import PluginProcess
from secretsync.age.protocol import Wrapped
from secretsync.crypto import bech32
from secretsync.errors import FormatError, IncorrectIdentityError, PolicyError

_RECIPIENT_PREFIX: Final = "age1"
_IDENTITY_PREFIX: Final = "AGE-PLUGIN-"
_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789+-._")


class PluginRecipient:
    """A recipient that only its plugin understands."""

    def __init__(self, text: str, name: str, interaction: Interaction) -> None:
        self._text = text
        self._name = name
        self._interaction = interaction

    @classmethod
    def parse(cls, text: str, interaction: Interaction = NOBODY) -> PluginRecipient:
        """Parse `age1NAME1…`.

        Raises:
            FormatError: it is malformed, or the name is not one of a plugin.
        """
        prefix, _ = bech32.decode(text)
        return cls(text, _checked_name(prefix.removeprefix(_RECIPIENT_PREFIX)), interaction)

    def wrap(self, file_key: bytes) -> Wrapped:
        """Let the plugin wrap the file key.

        Raises:
            PolicyError: plugins are off here.
            KeyServiceError: the plugin is missing, dies, hangs or reports an error.
        """
        if not self._interaction.plugins:
            raise PolicyError(f"{self._text[:24]!r} needs the plugin age-plugin-{self._name}, and plugins are off here")
        with PluginProcess(self._name, "recipient-v1", self._interaction) as plugin:
            plugin.send("add-recipient", self._text)
            plugin.send("wrap-file-key", body=file_key)
            plugin.send("extension-labels")
            plugin.send("done")
            return self._received(plugin)

    def _received(self, plugin: PluginProcess) -> Wrapped:
        stanzas: list[Stanza] = []
        labels: tuple[str, ...] = ()
        for answer in plugin.answers("recipient-stanza", "labels"):
            if answer.type == "labels":
                labels = answer.args
            elif len(answer.args) < 2 or answer.args[0] != "0":
                raise plugin.failure("sends a malformed recipient stanza")
            else:
                stanzas.append(Stanza(answer.args[1], answer.args[2:], answer.body))
        if not stanzas:
            raise plugin.failure("sends no recipient stanza")
        return Wrapped(tuple(stanzas), frozenset(labels))

    def __str__(self) -> str:
        return self._text


class PluginIdentity:
    """An identity that only its plugin understands; the text may be no secret, yet is treated as one."""

    native: ClassVar[bool] = False

    def __init__(self, text: str, name: str, interaction: Interaction) -> None:
        self._text = text
        self._name = name
        self._interaction = interaction

    @classmethod
    def parse(cls, text: str, interaction: Interaction = NOBODY) -> PluginIdentity:
        """Parse `AGE-PLUGIN-NAME-1…`.

        Raises:
            FormatError: it is malformed, or the name is not one of a plugin.
        """
        prefix, _ = bech32.decode(text)
        if not prefix.startswith(_IDENTITY_PREFIX) or not prefix.endswith("-"):
            raise FormatError("the prefix is not that of a plugin identity")
        return cls(text, _checked_name(prefix[len(_IDENTITY_PREFIX) : -1].lower()), interaction)

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
        """Let the plugin unwrap the file key (see `protocol.Identity`).

        Raises:
            IncorrectIdentityError: the plugin opens none of the stanzas, or plugins are off here.
            KeyServiceError: the plugin is missing, dies, hangs or reports an error.
        """
        if not self._interaction.plugins:
            raise IncorrectIdentityError("plugins are off here")
        with PluginProcess(self._name, "identity-v1", self._interaction) as plugin:
            plugin.send("add-identity", self._text)
            for stanza in stanzas:
                plugin.send("recipient-stanza", "0", stanza.type, *stanza.args, body=stanza.body)
            plugin.send("done")
            keys: list[bytes] = []
            for answer in plugin.answers("file-key"):
                if answer.args != ("0",) or keys:
                    raise plugin.failure("sends a malformed file key")
                keys.append(answer.body)
        if not keys:
            raise IncorrectIdentityError("the plugin opens none of the stanzas")
        return keys[0]

    def __str__(self) -> str:
        return f"an identity of age-plugin-{self._name}"


def _checked_name(name: str) -> str:
    """Return the plugin's name; what could lead to another folder is refused."""
    if not name or not _NAME_CHARACTERS.issuperset(name):
        raise FormatError(f"{name[:24]!r} is not the name of an age plugin")
    return name
