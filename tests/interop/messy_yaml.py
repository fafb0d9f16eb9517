"""YAML as it should not be written: comments at every place and indentation, odd blank lines, every kind of line break.

A seed gives the same text each time. Most texts are valid; what is not must be refused by sops and by us alike. No
anchor contains an alias to itself, on which sops dies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

_SCALARS: Final = (
    *("a", "b", "foo", "x y", "1", "true", "null", "~", "0x1F", "08", "1e3", "2024-01-02", ".5", "-", "1_0", "é"),
    *('"q"', "'s'", '"a # b"', "http://x#y", "<<", "", '"\\u00e9"'),
)
_FLOW_SCALARS: Final = ("a", "b c", "1", '"q"', "'s'", "true", "é")
_COMMENTS: Final = ("", " c", " x y", " c:", " - d", "#", "  ", "é", " ENC[x]")
_BLOCK_LINES: Final = ("", "text", "  more", "# no comment", "a: b", " x # y", "tr  ")
_NOISE: Final = tuple("#:-?[]{},&*!|>'\"% \t\n\n  ab")


class MessyAuthor:
    """Writes one stream."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._pick = random.choice
        self._lines: list[str] = []
        self._number = 0
        self._anchors: list[str] = []
        self._open_anchors: list[str] = []

    def stream(self) -> str:
        """Return one to three documents, sometimes with CRLF or other line breaks, sometimes with some noise."""
        for index in range(self._pick((1, 1, 1, 1, 2, 3))):
            if self._chance(50):
                self._gap(0)
            if index or self._chance(20):
                if self._chance(5):
                    self._lines.append("%YAML 1.1" + self._tail())
                self._lines.append("---" + self._tail())
                self._gap(0)
            if self._chance(93):
                self._mapping(0, 0)
            self._gap(0)
            if self._chance(10):
                self._lines.append("..." + self._tail())
        return self._noise(self._breaks("\n".join(self._lines) + ("\n" if self._chance(85) else "")))

    def _breaks(self, text: str) -> str:
        if self._chance(10):
            return text.replace("\n", "\r\n")
        if self._chance(5):
            odd = self._pick("\r\x85\u2028")
            return "".join(odd if sign == "\n" and self._chance(15) else sign for sign in text)
        return text

    def _noise(self, text: str) -> str:
        signs = list(text)
        if signs and self._chance(30):
            for _ in range(self._pick((1, 1, 2, 3))):
                place = self._random.randrange(len(signs))
                if self._chance(40):
                    signs[place] = ""
                else:
                    signs.insert(place, self._pick(_NOISE))
        return "".join(signs)

    def _chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def _comment(self) -> str:
        return f"#{self._pick(_COMMENTS)}{self._random.randrange(100)}"

    def _tail(self) -> str:
        """Return what may follow on a line."""
        return self._pick(("", "", "", "", " ", f" {self._comment()}", f"  {self._comment()}", f"\t{self._comment()}"))

    def _gap(self, indent: int) -> None:
        """Write blank lines and comments between two entries."""
        for _ in range(self._pick((0, 0, 0, 0, 1, 1, 2, 3))):
            if self._chance(40):
                self._lines.append(self._pick(("", "", "", " " * self._random.randrange(6))))
            else:
                column = max(0, indent + self._pick((0, 0, 0, 0, -2, 2, -1, 1, -4, 4)))
                self._lines.append(" " * column + self._comment())

    def _properties(self) -> str:
        anchor, tag = "", self._pick(("",) * 12 + ("!!str ", "!foo ", "! "))
        if self._chance(10):
            self._number += 1
            self._open_anchors.append(f"n{self._number}")
            anchor = f"&n{self._number} "
        return tag + anchor if self._chance(50) else anchor + tag

    def _finish_anchors(self, count: int) -> None:
        """Let what has been written since there were `count` open anchors be the target of aliases."""
        self._anchors += self._open_anchors[count:]
        del self._open_anchors[count:]

    def _key(self) -> str:
        self._number += 1
        key = f"k{self._number}"
        return self._pick((key,) * 16 + (f'"{key}"', f"'{key}'", f"&{key} {key}", f"!!str {key}", str(self._number)))

    def _scalar(self) -> str:
        if self._anchors and self._chance(12):
            return "*" + self._pick(self._anchors)
        return self._properties() + self._pick(_SCALARS)

    def _block_scalar(self, indent: int) -> str:
        lines = [self._pick(_BLOCK_LINES) for _ in range(self._pick((1, 2, 3)))]
        lines[0] = lines[0].strip() or "t"
        indented = (" " * indent + line if line else " " * self._random.randrange(indent) for line in lines)
        header = self._pick("|>") + self._pick(("", "", "-", "+")) + self._pick(("", "", f" {self._comment()}"))
        return "\n".join((header, *indented))

    def _flow_space(self) -> str:
        below = "\n" + " " * self._pick((0, 2, 4, 6))
        return self._pick(
            ("", " ", "", " ", below, f" {self._comment()}{below}", f" {self._comment()}{below}{self._comment()}\n ")
        )

    def _flow(self, depth: int) -> str:
        if depth > 2 or self._chance(40):
            return (
                "*" + self._pick(self._anchors) + " "
                if self._anchors and self._chance(10)
                else self._pick(_FLOW_SCALARS)
            )
        items = []
        in_list = self._chance(50)
        for _ in range(self._pick((0, 1, 2, 3))):
            head = "" if in_list else self._key() + self._pick((": ", ": ", ":  "))
            value = self._flow(depth + 1) if in_list or self._chance(90) else ""
            items.append(self._flow_space() + (head + value if value else head.rstrip(": ")) + self._flow_space())
        body = self._flow_space() + ",".join(items) + self._flow_space()
        return f"[{body}]" if in_list else f"{{{body}}}"

    def _value(self, head: str, indent: int, depth: int) -> None:
        """Write the value of an entry whose first line begins with `head`."""
        count = len(self._open_anchors)
        self._any_value(head, indent, depth)
        self._finish_anchors(count)

    def _any_value(self, head: str, indent: int, depth: int) -> None:
        roll = self._random.randrange(100)
        if depth > 4 or roll < 45:
            self._lines.append(f"{head} {self._scalar()}".rstrip(" ") + self._tail())
        elif roll < 52:
            self._lines.append(f"{head} {self._properties()}{self._block_scalar(indent + self._pick((1, 2, 2, 4)))}")
        elif roll < 64:
            flow = self._flow(0).replace("\n", "\n" + " " * (indent + 2))
            self._lines.append(f"{head} {self._properties()}{flow}{self._tail()}")
        elif roll < 67:
            quote, gap = self._pick(("", '"', "'")), "\n" * self._pick((1, 1, 2))
            self._lines.append(f"{head} {quote}one{gap}{' ' * (indent + 2)}two{quote}{self._tail()}")
        else:
            self._lines.append(f"{head} {self._properties()}".rstrip(" ") + self._tail())
            self._block(head, indent, depth, as_mapping=roll < 84)

    def _block(self, head: str, indent: int, depth: int, *, as_mapping: bool) -> None:
        behind_dash = head.strip().endswith("-")
        deeper = indent + (
            self._pick((1, 2, 2, 2, 4)) if as_mapping else 2 if behind_dash else self._pick((0, 2, 2, 4))
        )
        self._gap(deeper)
        (self._mapping if as_mapping else self._sequence)(deeper, depth + 1)

    def _mapping(self, indent: int, depth: int, first: str | None = None) -> None:
        for index in range(self._pick((1, 1, 2, 3))):
            if index:
                self._gap(indent)
            head = " " * indent if index or first is None else first
            roll = self._random.randrange(100)
            if roll < 4:
                self._lines.append(f"{head}? {self._key()}{self._tail()}")
                self._gap(indent)
                if self._chance(80):
                    self._value(" " * indent + ":", indent, depth)
            elif roll < 8 and self._anchors:
                merged = self._pick((f"*{self._pick(self._anchors)}", "{m: 1}", "[{m: 1}]"))
                self._lines.append(f"{head}{self._pick(('<<', '!!merge <<'))}: {merged}{self._tail()}")
            else:
                self._value(head + self._key() + self._pick((":", ":", " :")), indent, depth)

    def _sequence(self, indent: int, depth: int, first: str | None = None) -> None:
        for index in range(self._pick((1, 2, 3))):
            if index:
                self._gap(indent)
            head = " " * indent if index or first is None else first
            roll = self._random.randrange(100)
            if roll < 5 and depth < 5:
                self._lines.append(f"{head}-{self._tail()}")
                self._gap(indent + 2)
                self._mapping(indent + 2, depth + 1)
            elif roll < 35 and depth < 5:
                (self._mapping if roll < 25 else self._sequence)(indent + 2, depth + 1, f"{head}- ")
            else:
                self._value(head + "-", indent, depth)
