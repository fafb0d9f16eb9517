"""One value sealed on its own, to be pasted into a SealedSecret by hand (kubeseal's `--raw`)."""

from __future__ import annotations

from secretsync.errors import ManifestError
from secretsync.manifests.names import check_key, check_name, check_namespace
from secretsync.sealed.scope import scope_named
from secretsync.sealed.sealing import Sealer


def seal_raw(
    value: bytes, sealer: Sealer, *, scope: str = "strict", namespace: str = "", name: str = "", key: str = ""
) -> str:
    """Return the item's text, without a newline. `key` matters to deterministic sealing alone.

    Raises:
        ManifestError: the scope binds to a name or namespace that is missing, or one is illegal.
    """
    chosen = scope_named(scope)
    for field, given, check, needed in (
        ("namespace", namespace, check_namespace, chosen != "cluster-wide"),
        ("name", name, check_name, chosen == "strict"),
    ):
        if given:
            check(given)
        elif needed:
            raise ManifestError(
                f"no {field}, which scope {chosen} binds to", hint=f"seal with --{field} {field.upper()}"
            )
    if key:
        check_key(key, "key")
    return sealer.item(value, scope=chosen, namespace=namespace, name=name, key=key)
