"""The values of a Secret as the server stores them: `stringData` becomes `data` before it is sent.

Server-side apply owns fields as they were written. Of `stringData` the server keeps the owner and moves the value: a
key that is left out later stays in `data`, where nobody owns it, and a value of somebody else is overwritten without
a conflict. Flux converts Secrets for the same reason before it applies them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from secretsync.errors import ManifestError
from secretsync.manifests.objects import is_secret
from secretsync.manifests.secret import decode_base64, text

_WRITTEN: Final = "f:stringData"
_STORED: Final = "f:data"


def with_data(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Secret whose values all stand in `data`, where those of `stringData` win; any other object as it is.

    Raises:
        ManifestError: a value is no text, or one of `data` no base64, of which the server does not say the key.
    """
    converted = dict(manifest)
    if not is_secret(manifest):
        return converted
    written = {
        **_encoded(manifest, "data", lambda text: text),
        **_encoded(manifest, "stringData", lambda text: base64.b64encode(text.encode()).decode()),
    }
    converted.pop("stringData", None)
    if written or "data" in manifest:
        converted["data"] = written
    return converted


def taken_over(live: Mapping[str, Any], manifest: Mapping[str, Any], manager: str) -> Iterator[tuple[str, str]]:
    """Yield the keys whose live value another manager wrote by `stringData`, and that applying would change; with it.

    The server sees no conflict there. One that `manager` has written after the other, it may change.
    """
    if not is_secret(manifest):
        return
    stored, wanted = live.get("data") or {}, manifest.get("data") or {}
    entries = live.get("metadata", {}).get("managedFields") or []
    own = [each for each in entries if each.get("manager") == manager and each.get("operation") == "Apply"]
    for entry in entries:
        if entry in own:
            continue
        for field in (entry.get("fieldsV1") or {}).get(_WRITTEN) or {}:
            key = field.removeprefix("f:")
            differs = key in wanted and key in stored and stored[key] != wanted[key]
            if differs and not any(_is_newer(each, entry, field) for each in own):
                yield key, str(entry.get("manager", ""))


def _is_newer(own: Mapping[str, Any], other: Mapping[str, Any], field: str) -> bool:
    """Whether we own a key and wrote after the other did; times are in seconds, and a draw is the other's."""
    holds = field in ((own.get("fieldsV1") or {}).get(_STORED) or {})
    return holds and str(own.get("time", "")) > str(other.get("time", ""))


def _encoded(manifest: Mapping[str, Any], field: str, encode: Callable[[str], str]) -> dict[str, str]:
    values = manifest.get(field)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ManifestError("must be a mapping", location=field)
    found = {}
    for key, value in values.items():
        found[key] = encode(text(value, f"{field}.{key}"))
        try:
            decode_base64(found[key])
        except ManifestError as error:
            raise error.at(f"{field}.{key}") from None
    return found
