"""Whether an envelope is for the key it names, as far as it can be seen from outside.

An X25519 or post-quantum envelope is anonymous by design, and so is what a key service returns: only their holder knows.
Source: C2SP age.md (stanza types, SSH tag), RFC 9580 5.1 (key id of a PKESK packet), Vault's `vault:vN:` prefix.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from io import BytesIO
from typing import Final

from secretsync.age import armor, header
from secretsync.errors import SecretsyncError
from secretsync.letters import DIGITS, consists_of
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.pgp_packets import key_id
from secretsync.sops.metadata import Envelope

_STANZAS: Final = {"age1pq1": "mlkem768x25519", "age1tag1": "p256tag", "age1tagpq1": "mlkem768p256tag"}
_VAULT: Final = "vault:v"
_TAG_SIZE: Final = 4  # bytes of SHA-256 over the SSH key blob
_NATIVE_LENGTH: Final = 62  # letters of an X25519 recipient


def is_honest(envelope: Envelope, keys: MasterKeys) -> bool | None:
    """Return whether the envelope is for the key it names, None where that cannot be seen."""
    enc = str(envelope.fields.get("enc", ""))
    if envelope.kind == "age":
        return _age(str(envelope.fields.get("recipient", "")), enc)
    if envelope.kind == "hc_vault":
        version = enc.removeprefix(_VAULT).partition(":")
        return enc.startswith(_VAULT) and consists_of(version[0], DIGITS) and version[0][0] != "0" and version[1] == ":"
    if envelope.kind == "pgp":
        return _pgp(str(envelope.fields.get("fp", "")), enc, keys)
    return None


def _age(recipient: str, enc: str) -> bool | None:
    try:
        stanzas = header.parse(BytesIO(armor.decode(enc.encode("ascii", "replace"))).readline).stanzas
        types = [stanza.type for stanza in stanzas]
        if recipient.startswith("ssh-"):
            kind, blob, *_ = recipient.split()
            tag = header.encode_base64(sha256(base64.b64decode(blob)).digest()[:_TAG_SIZE])
            return any(stanza.type == kind and tag in stanza.args for stanza in stanzas)
    except (SecretsyncError, binascii.Error, ValueError):
        return False
    for prefix, kind in _STANZAS.items():
        if recipient.startswith(prefix):
            return None if types == [kind] else False
    if len(recipient) == _NATIVE_LENGTH:
        return None if types == ["X25519"] else False
    return None


def _pgp(fingerprint: str, enc: str, keys: MasterKeys) -> bool | None:
    found = key_id(enc)
    known = keys.service("pgp").key_ids(fingerprint)  # type: ignore[attr-defined]  # of the pgp service alone
    return found in known if found and known else None
