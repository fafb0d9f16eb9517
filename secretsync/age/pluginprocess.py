"""One running age plugin: stanzas to and fro, with a limit on its silence, in a stated environment.

What a plugin asks of a person goes through the interaction; it never has the terminal's input.
"""

from __future__ import annotations

import logging
import os
import select
import tempfile
import time
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Final, Self

from secretsync import programs
from secretsync.age.header import Stanza, decode_base64, read_stanza
from secretsync.age.interaction import Interaction
from secretsync.errors import AgeHeaderError, KeyServiceError

_LOG: Final = logging.getLogger(__name__)
_MAX_LINE: Final = 1 << 20
_GRACE_SECONDS: Final = 1.0
_READ_SIZE: Final = 65536


class PluginProcess:
    """A plugin that runs as long as the `with` block."""

    def __init__(self, name: str, protocol: str, interaction: Interaction) -> None:
        self._program = f"age-plugin-{name}"
        self._interaction = interaction
        self._timeout = interaction.plugin_timeout_seconds
        self._received = b""
        if not hasattr(os, "set_blocking") or os.name == "nt":
            raise KeyServiceError("age plugins talk through pipes that this system cannot wait for")
        path = programs.find(self._program, interaction.environ, hint=f"install {self._program}")
        try:
            self._process = programs.start(
                programs.AGE_PLUGIN,
                [path, f"--age-plugin={protocol}"],
                interaction.environ,
                stdin=programs.PIPE,
                stdout=programs.PIPE,
                stderr=programs.DEVNULL,
                bufsize=0,
                cwd=tempfile.gettempdir(),
            )
        except OSError as error:
            raise self.failure(f"cannot be started: {error.strerror}") from None
        self._stdin, self._stdout = (pipe.fileno() for pipe in self._pipes())
        os.set_blocking(self._stdin, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pipes, and end the program if it does not end by itself."""
        for pipe in self._pipes():
            pipe.close()
        if error is not None:
            self._process.kill()
        try:
            self._process.wait(_GRACE_SECONDS)
        except programs.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        return stdin, stdout

    def failure(self, problem: str) -> KeyServiceError:
        """Return the error that names this plugin."""
        return KeyServiceError(f"{self._program} {problem}")

    def send(self, kind: str, *args: str, body: bytes = b"") -> None:
        """Send one stanza.

        Raises:
            KeyServiceError: the plugin has ended, or does not read in time.
        """
        rest = memoryview(Stanza(kind, args, body).encode())
        deadline = time.monotonic() + self._timeout
        while rest:
            if not select.select([], [self._stdin], [], max(0.0, deadline - time.monotonic()))[1]:
                raise self.failure(f"does not read within {self._timeout:g} seconds")
            try:
                rest = rest[os.write(self._stdin, rest) :]
            except BlockingIOError:  # pragma: no cover  # a pipe that is ready takes a page at least, on Linux
                continue
            except BrokenPipeError:
                raise self._death() from None

    def answers(self, *wanted: str) -> Iterator[Stanza]:
        """Yield the stanzas of the wanted types, each confirmed once it was taken; serve the plugin's other requests.

        Raises:
            KeyServiceError: the plugin reports an error, dies, hangs, or breaks the protocol.
        """
        while (stanza := self._receive()).type != "done":
            if stanza.type in wanted:
                yield stanza
                self.send("ok")
            elif stanza.type == "error":
                self.send("ok")
                raise self.failure(f"reports: {_one_line(stanza.body)}")
            else:
                self._serve(stanza)

    def _serve(self, stanza: Stanza) -> None:
        """Answer a request for a person; Source: C2SP age-plugin.md, "Commands"."""
        text = _one_line(stanza.body)
        if stanza.type == "msg":
            _LOG.warning("%s: %s", self._program, text)
            self.send("ok")
        elif stanza.type in {"request-secret", "request-public"}:
            answer = self._asked(f"{self._program}: {text}: ")
            self.send("fail") if answer is None else self.send("ok", body=answer.encode("utf-8"))
        elif stanza.type == "confirm" and stanza.args:
            answer = self._asked(f"{self._program}: {text} ({self._option(stanza)}? y/n): ")
            self.send("fail") if answer is None else self.send("ok", "yes" if answer[:1] in {"y", "Y"} else "no")
        else:
            self.send("unsupported")

    def _option(self, stanza: Stanza) -> str:
        try:
            return _one_line(decode_base64(stanza.args[0].encode("ascii")))
        except AgeHeaderError:
            raise self.failure("breaks the plugin protocol") from None

    def _asked(self, question: str) -> str | None:
        try:
            return self._interaction.ask(question)
        except KeyServiceError:
            return None

    def _receive(self) -> Stanza:
        try:
            return read_stanza(self._line(), self._line)
        except AgeHeaderError:
            raise self.failure("breaks the plugin protocol") from None

    def _line(self) -> bytes:
        deadline = time.monotonic() + self._timeout
        while b"\n" not in self._received:
            if not select.select([self._stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise self.failure(f"has been silent for {self._timeout:g} seconds")
            part = os.read(self._stdout, _READ_SIZE)
            if not part:
                raise self._death()
            self._received += part
            if len(self._received) > _MAX_LINE:
                raise self.failure("sends a line without end")
        line, _, self._received = self._received.partition(b"\n")
        return line + b"\n"

    def _death(self) -> KeyServiceError:
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except programs.TimeoutExpired:
            return self.failure("closes its pipes before it is done")
        return self.failure(f"dies with exit code {code}" if code >= 0 else f"is killed by signal {-code}")


def _one_line(body: bytes) -> str:
    """Return a plugin's text on one line, without control characters."""
    text = body.decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)[:500].strip()
