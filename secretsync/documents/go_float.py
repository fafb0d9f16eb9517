"""Floats as Go's strconv writes them: the shortest digits that read back to the same double."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.late import LateModule

if TYPE_CHECKING:
    import decimal
else:
    decimal = LateModule("decimal")  # most documents hold no float


def general(value: float, *, lowest: int = -4, highest: int = 6, width: int = 2, letter: str = "e") -> str:
    """Return a finite float, with an exponent of at least `width` digits below 10^lowest and from 10^highest on.

    The defaults are those of `strconv.FormatFloat(v, 'g', -1, 64)`. Source: Go strconv/ftoa.go.
    """
    number = decimal.Decimal(repr(value)).normalize()
    exponent = number.adjusted()
    if lowest <= exponent < highest:
        return format(number, "f")
    sign, digits, _ = number.as_tuple()
    text = "".join(map(str, digits))
    mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
    return f"{'-' * sign}{mantissa}{letter}{'-' if exponent < 0 else '+'}{abs(exponent):0{width}d}"
