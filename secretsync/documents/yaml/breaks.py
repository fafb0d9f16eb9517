"""Line breaks of YAML 1.1, which libyaml and go-yaml both read: LF, CR, CRLF, NEL, LS and PS."""

from __future__ import annotations

import re
from itertools import accumulate
from itertools import count as numbers
from operator import add
from typing import Final

SIGNS: Final = "\n\r\x85\u2028\u2029"
_OTHER_SIGNS: Final = SIGNS[1:]
_BREAK: Final = f"\r\n|[{SIGNS}]"  # text, until `re` compiles and keeps it at first use: the usual file needs none


def count(text: str) -> int:
    """Return how many line breaks a text holds."""
    return sum(map(text.count, SIGNS)) - text.count("\r\n")


def line_end(text: str, at: int) -> int:
    """Return where the line of `at` ends, before its line break."""
    found = re.compile(_BREAK).search(text, at)
    return found.start() if found else len(text)


def next_line(text: str, at: int) -> int:
    """Return where the line behind that of `at` starts, the end of the text if there is none."""
    found = re.compile(_BREAK).search(text, at)
    return found.end() if found else len(text)


def line_starts(text: str) -> list[int]:
    """Return where each line starts, the first included."""
    if any(sign in text for sign in _OTHER_SIGNS):
        return [0, *(found.end() for found in re.finditer(_BREAK, text))]
    lengths = map(len, text.split("\n")[:-1])  # of the usual file, and without a step of Python for each line
    return [0, *map(add, accumulate(lengths), numbers(1))]
