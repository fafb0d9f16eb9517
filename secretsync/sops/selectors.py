"""The six selectors: which leaves of a tree are encrypted, judged by the keys of their path or by active comments.

Patterns are RE2, searched anywhere. The engine is loaded only for patterns that are more than plain words.
Source: sops sops.go `shouldBeEncrypted` at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from secretsync.errors import ConfigError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import secretsync.sops.patterns as patterns
else:
    patterns = LateModule("secretsync.sops.patterns")  # most patterns are plain words

KINDS: Final = (
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
)
DEFAULT_SUFFIX: Final = "_unencrypted"
"""Source: sops.go `DefaultUnencryptedSuffix`."""

_PLAIN: Final = str.maketrans("", "", "_-/ ")


class Selector:
    """One selector: its kind, its pattern, and what a match means.

    `encrypting`: a match encrypts (else a match keeps clear). `by_comment`: comments are matched, not keys.
    `invalid` holds RE2's complaint; such a pattern matches nothing, as in sops.
    """

    __slots__ = ("_matches", "_seen", "by_comment", "encrypting", "invalid", "kind", "pattern")

    def __init__(self, kind: str, pattern: str) -> None:
        self.kind = kind
        self.pattern = pattern
        self.encrypting = kind.startswith("encrypted")
        self.by_comment = kind.endswith("comment_regex")
        self.invalid: str | None = None
        self._seen: dict[str, bool] = {}
        self._matches = self._matcher()

    @classmethod
    def default(cls) -> Selector:
        """Return the selector of files that store none."""
        return cls("unencrypted_suffix", DEFAULT_SUFFIX)

    def matches(self, text: str) -> bool:
        """Whether a key (or, by comment, a comment's text) matches."""
        found = self._seen.get(text)
        if found is None:
            found = self._seen[text] = self._matches(text)
        return found

    def require_valid(self) -> Selector:
        """Return this selector, to encrypt with.

        Raises:
            ConfigError: RE2 refuses the pattern; sops would encrypt nothing, or everything, without a word.
        """
        if self.invalid is not None:
            raise ConfigError(
                f"{self.kind} {self.pattern!r} is not a valid RE2 pattern: {self.invalid}",
                hint="RE2 has no lookaround or back-references; see https://github.com/google/re2/wiki/Syntax",
            )
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selector) and (self.kind, self.pattern) == (other.kind, other.pattern)

    def __hash__(self) -> int:
        return hash((self.kind, self.pattern))

    def __repr__(self) -> str:
        return f"Selector({self.kind}={self.pattern!r})"

    def _matcher(self) -> Callable[[str], bool]:
        pattern = self.pattern
        if self.kind.endswith("suffix"):
            return lambda text: text.endswith(pattern)
        return _plain_words(pattern) or self._re2(pattern)

    def _re2(self, pattern: str) -> Callable[[str], bool]:
        try:
            return patterns.compiled(pattern).found_in
        except patterns.InvalidPatternError as error:
            self.invalid = str(error)
            return lambda _: False


def _plain_words(pattern: str) -> Callable[[str], bool] | None:
    """Return a matcher for `^word$`, `^(one|two)$`, `(one|two)` and `one|two`, or None for anything more."""
    if pattern.startswith("^") and pattern.endswith("$"):
        inner = pattern[1:-1]
        words = inner[1:-1].split("|") if inner.startswith("(") and inner.endswith(")") else [inner]
        exact = frozenset(words)
        return exact.__contains__ if all(map(_is_plain, words)) else None
    words = (pattern[1:-1] if pattern.startswith("(") and pattern.endswith(")") else pattern).split("|")
    if all(map(_is_plain, words)):
        return lambda text: any(word in text for word in words)
    return None


def _is_plain(word: str) -> bool:
    letters = word.translate(_PLAIN)
    return letters.isascii() and letters.isalnum()
