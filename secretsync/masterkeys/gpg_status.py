"""What gpg says on its status channel. Source: GnuPG doc/DETAILS."""

from __future__ import annotations

from typing import Final

_CODE_MASK: Final = 0xFFFF  # the rest of a code says which part of GnuPG it comes from


class GpgStatus:
    """What gpg said on its status channel, and its first complaint to people."""

    _MARK: Final = "[GNUPG:] "

    def __init__(self, stderr: str) -> None:
        lines = stderr.splitlines()
        self._lines = [line.removeprefix(self._MARK).split(" ") for line in lines if line.startswith(self._MARK)]
        talk = [line for line in lines if line.startswith("gpg: ") and "encrypted with" not in line]
        self.complaint = one_line_of(talk[0].removeprefix("gpg: ")) if talk else "no reason given"

    @property
    def spoke(self) -> bool:
        """Whether gpg got as far as saying anything on its status channel."""
        return bool(self._lines)

    def has(self, keyword: str) -> bool:
        """Whether a line of this keyword stands there."""
        return any(line[0] == keyword for line in self._lines)

    def words(self, keyword: str) -> list[str]:
        """Return what follows the keyword where it first stands, or nothing."""
        return next((line[1:] for line in self._lines if line[0] == keyword), [])

    def error_code(self, place: str) -> int | None:
        """Return libgpg-error's code for what failed at this place, or nothing."""
        words = self.words("ERROR")
        return int(words[1]) & _CODE_MASK if words[:1] == [place] and len(words) > 1 else None


def one_line_of(text: str) -> str:
    """Return the first 300 characters of a text, its blanks and line breaks as one blank each."""
    return " ".join(text.split())[:300]
