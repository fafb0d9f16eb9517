"""Which objects a patch is for: kustomize's targets, with patterns for names and selectors for labels.

Source: kustomize api/types Selector, api/resmap `Select` at 5.8; k8s.io/apimachinery labels.Parse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from secretsync.audit.flux.fields import annotations_of, labels_of, text
from secretsync.errors import ConfigError
from secretsync.manifests.objects import Object, identify
from secretsync.sops import patterns

_PATTERNS: Final = ("kind", "name", "namespace", "group", "version")


def is_selected(target: Object, obj: Object, born: Mapping[str, str]) -> bool:
    """Whether a target means an object; `born` has the name and namespace that it had before anything renamed it.

    Raises:
        ConfigError: a pattern or a selector is malformed.
    """
    own = identify(obj)
    group, _, version = own.api_version.rpartition("/")
    now = {"kind": own.kind, "name": own.name, "namespace": own.namespace, "group": group, "version": version}
    for field in _PATTERNS:
        wanted = text(target, field)
        if wanted and not any(_whole(wanted).found_in(value) for value in {now[field], born.get(field, now[field])}):
            return False
    return _meets(text(target, "labelSelector"), labels_of(obj)) and _meets(
        text(target, "annotationSelector"), annotations_of(obj)
    )


@lru_cache(maxsize=256)
def _whole(pattern: str) -> patterns.Pattern:
    try:
        return patterns.compiled(f"^(?:{pattern})$")
    except patterns.InvalidPatternError as error:
        raise ConfigError(f"the target of a patch has a pattern that is none: {error}") from None


def _meets(selector: str, values: Object) -> bool:
    return all(_holds(each, values) for each in _requirements(selector))


def _requirements(selector: str) -> Iterator[str]:
    """Yield the requirements of a selector: commas within brackets do not part them."""
    depth = start = 0
    for index, sign in enumerate(f"{selector},"):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth <= 0:
            if requirement := selector[start:index].strip():
                yield requirement
            start = index + 1
    if depth:
        raise ConfigError(f"the selector {selector!r} of a patch cannot be read")


def _holds(requirement: str, values: Object) -> bool:
    head, bracket, tail = requirement.partition("(")
    if bracket:
        words = head.split()
        if len(words) != 2 or words[1] not in {"in", "notin"} or not tail.endswith(")"):
            raise ConfigError(f"the selector {requirement!r} of a patch cannot be read")
        among = {each.strip() for each in tail[:-1].split(",")}
        return (values.get(words[0]) in among) == (words[1] == "in")
    for sign in ("!=", "==", "="):
        key, found, wanted = requirement.partition(sign)
        if found:
            return (values.get(key.strip()) == wanted.strip()) == (sign != "!=")
    return requirement[1:].strip() not in values if requirement.startswith("!") else requirement in values
