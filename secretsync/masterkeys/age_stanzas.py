"""Whether an age envelope is for the recipient it names, as far as its header tells without being opened.

An X25519 or post-quantum stanza is anonymous by design; an SSH stanza bears a tag of its key.
Source: C2SP age.md (stanza types, SSH tag).
"""

from __future__ import annotations

import base64
from hashlib import sha256
from io import BytesIO
from typing import Final

from secretsync.age import armor, header
from secretsync.errors import SecretsyncError

_STANZAS: Final = {"age1pq1": "mlkem768x25519", "age1tag1": "p256tag", "age1tagpq1": "mlkem768p256tag"}
_TAG_SIZE: Final = 4  # bytes of SHA-256 over the SSH key blob
_NATIVE_LENGTH: Final = 62  # letters of an X25519 recipient


def match(recipient: str, envelope: str) -> bool | None:
    """Return whether an armored envelope is for a recipient, None where its stanzas do not say whose they are."""
    try:
        stanzas = header.parse(BytesIO(armor.decode(envelope.encode("ascii", "replace"))).readline).stanzas
        if recipient.startswith("ssh-"):
            kind, blob, *_ = recipient.split()
            tag = header.encode_base64(sha256(base64.b64decode(blob)).digest()[:_TAG_SIZE])
            return any(stanza.type == kind and tag in stanza.args for stanza in stanzas)
    except (SecretsyncError, ValueError):
        return False
    expected = next((kind for prefix, kind in _STANZAS.items() if recipient.startswith(prefix)), None)
    if expected is None and len(recipient) == _NATIVE_LENGTH:
        expected = "X25519"
    return None if expected is None or [stanza.type for stanza in stanzas] == [expected] else False
