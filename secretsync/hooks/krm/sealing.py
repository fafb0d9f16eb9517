"""Sealing inside kustomize, which may give an object another name or namespace after it was sealed.

A strict seal holds for one name and one namespace. Where kustomize will add a hash, or may still rename, only a wider
scope that the user has asked for can hold; anything else would be a Secret that never appears.
"""

from __future__ import annotations

from typing import Final

from secretsync.documents.tree import Mapping
from secretsync.errors import PolicyError
from secretsync.hooks.krm import annotations as krm_annotations
from secretsync.rendering.objects import describe, is_sealed_secret, replaced, text_of
from secretsync.sealed.scope import scope_of

_WIDEN: Final = "opt in to a wider scope in the function's config: scope: namespace-wide"


def with_own_options(obj: Mapping, *, final: bool, hashed: bool = False) -> Mapping:
    """Return a new SealedSecret with kustomize's options on itself and not on the Secret it will become.

    `final` says that nothing renames it any more, or that the user has said which scope is right. `hashed` announces a
    suffix to its name. Any other object is returned as it is.

    Raises:
        PolicyError: the seal is strict and would be broken, or the object is to be merged with another.
    """
    if not is_sealed_secret(obj):
        return obj
    spec = obj.get("spec")
    template = spec.get("template") if type(spec) is Mapping else None
    if type(spec) is not Mapping or type(template) is not Mapping:
        return obj
    bare, options = krm_annotations.split(template, krm_annotations.is_option)
    own = {str(entry.key.value): text_of(entry.value) for entry in krm_annotations.entries_of(obj)}
    if krm_annotations.value_of(options, krm_annotations.BEHAVIOR) == "merge":
        raise PolicyError(f"{describe(obj)}: ciphertext cannot be merged: behavior merge", hint="use behavior: replace")
    if scope_of(own) == "strict" and (hashed or krm_annotations.is_hashed(options)):
        raise PolicyError(f"{describe(obj)}: a hash will be added to the name that it is sealed for", hint=_WIDEN)
    if scope_of(own) == "strict" and not final:
        raise PolicyError(
            f"{describe(obj)}: kustomize may still rename what a generator has sealed",
            hint=f"{_WIDEN}; or scope: strict where nothing renames it; or seal last, with a SecretTransformer",
        )
    return krm_annotations.joined(replaced(obj, "spec", replaced(spec, "template", bare)), options)
