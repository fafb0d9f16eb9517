"""The validator: nothing encrypted is left among the objects of a build, and unless allowed no Secret in the clear."""

from __future__ import annotations

from typing import Final, Literal

from secretsync.configuration import Fields
from secretsync.documents.tree import Mapping, Scalar
from secretsync.hooks.krm.resource_list import leaves, plain, result
from secretsync.rendering.objects import describe, kind_of, may_hold_ciphertext, text_of
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops import is_encrypted

KIND: Final = "SecretValidator"
_Plaintext = Literal["refuse", "allow"]
_CHOICES: Final[tuple[_Plaintext, ...]] = ("refuse", "allow")


def findings(items: list[Mapping], config: Mapping) -> list[dict[str, object]]:
    """Return a result for each object that must not leave.

    Raises:
        ConfigError: the configuration is wrong.
    """
    fields = Fields(plain(config), KIND)
    fields.only("apiVersion", "kind", "metadata", "plaintext")
    allowed = fields.one_of("plaintext", _CHOICES, "refuse") == "allow"
    found = []
    for item in items:
        if is_encrypted(item) or may_hold_ciphertext(item) or any(map(_is_ciphertext, leaves(item))):
            found.append(result(f"{describe(item)}: is encrypted still; nothing has decrypted it", item))
        elif not allowed and kind_of(item) == "Secret" and _holds_values(item):
            found.append(result(f"{describe(item)}: is a Secret in the clear", item))
    return found


def _holds_values(secret: Mapping) -> bool:
    values = (secret.get(field) for field in ("data", "stringData"))
    return any(type(value) is Mapping and any(True for _ in value.entries()) for value in values)


def _is_ciphertext(leaf: Scalar) -> bool:
    return text_of(leaf).startswith(CIPHERTEXT)
