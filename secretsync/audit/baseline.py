"""A baseline: the findings that a repository had when its check was turned on, so that only new ones count.

A finding is known again by rule, file, object and path in it, and, where it is about somebody's key, by that key: never
by line or value. A baseline says how often it knows each; where there are more, all of them are shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from secretsync.audit.settings import unknown_rule
from secretsync.configuration import Fields
from secretsync.errors import ConfigError
from secretsync.findings import FindingIdentity

VERSION: Final = 1


def dump(findings: Iterable[FindingIdentity]) -> bytes:
    """Return the baseline that knows some findings, one a line, so that a difference can be read."""
    lines = [
        json.dumps(
            {**{name: text for name, text in one._asdict().items() if text}, **({"count": times} if times > 1 else {})},
            ensure_ascii=False,
        )
        for one, times in sorted(Counter(findings).items())
    ]
    rows = "".join(f"\n    {line}{',' if at < len(lines) else ''}" for at, line in enumerate(lines, 1))
    text = f'{{\n  "version": {VERSION},\n  "findings": [{rows}\n  ]\n}}\n'
    return text.encode("utf-8", "backslashreplace")


def parse(data: bytes, path: str) -> Mapping[FindingIdentity, int]:
    """Return how often a baseline, shown as `path`, knows each finding. Raises: ConfigError."""
    fields = Fields.parse(data, path, with_lines=True)
    fields.only("version", "findings")
    if fields.number("version") != VERSION:
        raise ConfigError(
            f"expected {VERSION}", location=fields.place("version"), hint="write it anew: --write-baseline"
        )
    if "findings" not in fields.names():
        raise ConfigError("is missing", location=fields.place("findings"))
    found: Counter[FindingIdentity] = Counter()
    for each in fields.mappings("findings"):
        each.only(*FindingIdentity._fields, "count")
        rule = each.required("rule")
        problem = unknown_rule(rule)
        if problem:
            raise ConfigError(problem.message, location=each.place("rule"), hint=problem.hint)
        one = FindingIdentity(rule, each.required("file"), *(each.text(name) for name in FindingIdentity._fields[2:]))
        found[one] += each.number("count") or 1
    return found
