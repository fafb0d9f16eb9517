"""Comments of a YAML text that no reader of SOPS files finds: they would stay readable in an encrypted file.

sops loses them when it reads a file to encrypt; we take them out where the selector says so, and tell.
"""

from __future__ import annotations

from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits, Source, Span
from secretsync.documents.yaml.comments import unread
from secretsync.errors import ConversionError
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops.selectors import Selector


def without_strays(source: Source, selector: Selector, warnings: list[str]) -> Source:
    """Return `source` without the unread comments that the selector covers; each is a warning.

    Raises:
        ConversionError: taking one out makes others unreadable.
    """
    for _ in range(3):
        spans = strays(source, selector)
        if not spans:
            return source
        for span in spans:
            line = source.text.count("\n", 0, span.start) + 1
            warnings.append(f"line {line}: a comment that sops does not read is left out")
        again = store_named(source.store).load(unread.without(source.text, spans).encode(), limits=Limits.unbounded())
        source = Source(source.store, again.text, again.documents, again.spans, source.encoding, source.bom)
    raise ConversionError(  # pragma: no cover  # no text is known that gets here
        "the comments of the file cannot be told apart", hint="move them to lines of their own"
    )


def refuse_strays(source: Source, selector: Selector) -> None:
    """Check that an encrypted text holds no readable comment where the selector wants none. Raises: ConversionError."""
    for span in strays(source, selector):
        line = source.text.count("\n", 0, span.start) + 1
        raise ConversionError(f"line {line}: a comment would stay readable", hint="move it to a line of its own")


def strays(source: Source, selector: Selector) -> list[Span]:
    """Return the unread comments of a YAML source that the selector covers."""
    if not store_named(source.store).SKIPS_COMMENTS or "#" not in source.text:
        return []
    return [span for span in unread.unread_comments(source) if _is_covered(source, span, selector)]


def _is_covered(source: Source, span: Span, selector: Selector) -> bool:
    text = source.text[span.start + 1 : span.end]
    if text.startswith(CIPHERTEXT):
        return False
    if selector.by_comment:
        return not selector.matches(text)
    hit = any(isinstance(key, str) and selector.matches(key) for key in unread.enclosing_keys(source, span.start))
    return hit == selector.encrypting
