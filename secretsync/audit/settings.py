"""`.secretsync.yaml` at the root of a repository: what `check` leaves out, how grave each rule is, which findings are known.

Strict: whatever is not understood is an error with line and field, so that no check passes for a slip of the pen.
The section `hydrate` has another reader. The JSON Schema `secretsync/schemas/configuration.json` says the same, and a
test holds it against this reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync.audit.ignore_globs import IgnoreGlobs
from secretsync.audit.ruleset import UNRESOLVED_MERGE, every_rule
from secretsync.configuration import Fields
from secretsync.errors import ConfigError
from secretsync.findings import Level

FILE_NAME: Final = ".secretsync.yaml"
MISTAKEN_NAME: Final = ".secretsync.yml"
"""What nobody reads, while whoever wrote it believes that it is read."""

Setting: TypeAlias = Level | Literal["off"]
SETTINGS: Final[tuple[Setting, ...]] = ("error", "warning", "note", "off")

_CHECK: Final = "check"
_SECTIONS: Final = (_CHECK, "hydrate")


class CheckSettings(NamedTuple):
    """The section `check`. `baseline` is a path from the root, with `/`; empty where there is none."""

    ignore: IgnoreGlobs = IgnoreGlobs()
    rules: Mapping[str, Setting] = {}
    baseline: str = ""


def parse(data: bytes, path: str) -> CheckSettings:
    """Return what the file, shown as `path`, says of `check`. Raises: ConfigError."""
    fields = Fields.parse(data, path, with_lines=True)
    fields.only(*_SECTIONS)
    for section in _SECTIONS:
        fields.mapping(section)
    check = fields.mapping(_CHECK)
    check.only("ignore", "rules", "baseline")
    return CheckSettings(_globs(check), _rules(check.mapping("rules")), _baseline(check))


def _globs(check: Fields) -> IgnoreGlobs:
    globs = check.texts("ignore")
    for index, glob in enumerate(globs):
        try:
            IgnoreGlobs([glob])
        except ConfigError as error:
            raise ConfigError(error.message, location=check.place(f"ignore[{index}]"), hint=error.hint) from None
    return IgnoreGlobs(globs)


def _rules(rules: Fields) -> dict[str, Setting]:
    return {name: _setting(rules, name) for name in rules.names()}


def _setting(rules: Fields, name: str) -> Setting:
    problem = unknown_rule(name)
    if problem:
        raise ConfigError(problem.message, location=rules.place(name), hint=problem.hint)
    value = rules.text(name)
    if name == UNRESOLVED_MERGE.id:
        raise ConfigError(f"{name} always counts, as an error", location=rules.place(name))
    if value not in SETTINGS:
        raise ConfigError(f"{value!r} is none of {', '.join(SETTINGS)}", location=rules.place(name))
    return value


class UnknownRule(NamedTuple):
    """What is said of a rule that there is not."""

    message: str
    hint: str


def unknown_rule(name: str) -> UnknownRule | None:
    """Return what is wrong with the name of a rule, nothing where there is one of this name."""
    known = [rule.id for rule in every_rule()]
    if name in known:
        return None
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "secretsync check shows the rule of each finding in brackets"
    return UnknownRule(f"no rule is called {name!r}", hint)


def _baseline(check: Fields) -> str:
    path = check.text("baseline")
    if "baseline" in check.names() and not path:
        raise ConfigError("names no file", location=check.place("baseline"))
    if path.startswith("/") or "\\" in path or ".." in path.split("/"):
        raise ConfigError("expected a path from the root of the repository", location=check.place("baseline"))
    return path
