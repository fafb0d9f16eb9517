"""What substitution makes of the objects of a build: it runs over decrypted values as well, and nobody sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from secretsync.audit.flux.fields import annotations_of, labels_of, mapping, text
from secretsync.audit.flux.kustomization import Kustomization
from secretsync.audit.flux.substitution import Variables, doubles_lost, is_disabled, leaves, troubles
from secretsync.audit.flux.verdicts import FluxVerdict
from secretsync.audit.ruleset import FLUX_CHANGES, FLUX_FAILS
from secretsync.manifests.objects import Object
from secretsync.secrecy import CIPHERTEXT

_OFF = "switch it off for the object: annotation kustomize.toolkit.fluxcd.io/substitute: disabled"


def variables(sync: Kustomization, find: Callable[[str, str, str], Object | None]) -> Variables | None:
    """Return the variables of a Kustomization; None where it substitutes nothing.

    `find` returns what the repository holds of a kind, namespace and name. Whatever else `substituteFrom` names is not
    known here.
    """
    found: dict[str, str] = {}
    is_complete = True
    for reference in sync.substitute_from:
        obj = find(text(reference, "kind"), sync.namespace, text(reference, "name"))
        found |= _flat(mapping(obj, "data")) if obj else {}
        is_complete &= obj is not None
    found |= _flat(sync.substitute)
    if not found and is_complete and not sync.always_substitutes:
        return None
    return Variables(found, is_complete)


def _flat(values: Object) -> dict[str, str]:
    return {name: str(value).replace("\n", "") for name, value in values.items()}


def of_object(sync: Kustomization, place: str, obj: Object, plain: Object, known: Variables) -> Iterator[FluxVerdict]:
    """Yield what substitution does to an object: `obj` is what was built, `plain` the same with its values decrypted.

    What stands in a decrypted value is never told, the name of a variable in it neither.
    """
    if is_disabled(labels_of(plain), annotations_of(plain)):
        return
    secret = {where for where, value in leaves(obj) if value.startswith(CIPHERTEXT)}
    for each in troubles(plain, known):
        where = f"{place} {each.place}".strip()
        what = "a variable that is not set" if each.is_unset else each.problem
        if each.place in secret:
            message = f"{sync} substitutes in the decrypted value, and fails: {what}"
            yield FluxVerdict(FLUX_FAILS, where, message, f"write $$ for $, or {_OFF}")
        else:
            message = f"{sync} substitutes, and fails: {each.problem}"
            yield FluxVerdict(
                FLUX_FAILS, where, message, "set it under postBuild.substitute, or give it a default: ${NAME:=…}"
            )
    for where, value in leaves(plain):
        if where in secret and doubles_lost(value):
            message = f"{sync} substitutes in the decrypted value, and makes $$ a single $: another value arrives"
            yield FluxVerdict(FLUX_CHANGES, f"{place} {where}".strip(), message, f"write $$ for each $, or {_OFF}")
