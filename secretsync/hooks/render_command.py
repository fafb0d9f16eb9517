"""`secretsync-hook render`: the arguments and the output of `secretsync render`, without its option parser.

The demo's keys are refused here whatever the command line says: hooks work on something real.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, cast

from secretsync.documents.tree import Limits
from secretsync.hooks import _boundary
from secretsync.hooks.argv import HELP, Option, Parsed, UsageError, parse
from secretsync.render import FORMATS, MODES, Format, Mode, Options, render

USAGE: Final = """\
usage: secretsync-hook render [OPTION]... PATH...

Print manifests decrypted, sealed or redacted, ready to apply. A PATH is a file, a folder, or - for standard input.

  --mode reveal|seal|redact  what becomes of the secrets (reveal)
  --cert FILE                certificate to seal for (the only one in keys/)
  --seal-key FILE            what sealing a Secret in the clear derives from: at least 32 random bytes
  --allow-expired            seal for a certificate that has expired
  -n, --namespace NAME       namespace of Secrets that name none
  -o, --output yaml|json     write every document in this format
  --output-dir FOLDER        write a file for each file read, instead of one stream
  --allow-empty              accept input without a single object
  --max-size BYTES           limit for one file (16 MiB)
  --max-documents NUMBER     limit for one file (10000)
"""

_MODE: Final = Option("mode", choices=MODES)
_OUTPUT: Final = Option("output", choices=FORMATS)
_NAMESPACE: Final = Option("namespace")
TABLE: Final = {
    "--mode": _MODE,
    "--cert": Option("cert"),
    "--seal-key": Option("seal_key"),
    "--allow-expired": Option("allow_expired", takes_value=False),
    "--namespace": _NAMESPACE,
    "-n": _NAMESPACE,
    "--output": _OUTPUT,
    "-o": _OUTPUT,
    "--output-dir": Option("output_dir"),
    "--allow-empty": Option("allow_empty", takes_value=False),
    "--max-size": Option("max_size"),
    "--max-documents": Option("max_documents"),
    "--help": HELP,
    "-h": HELP,
}


def run(arguments: Sequence[str]) -> bytes:
    """Render and return what goes to standard output: nothing where a folder was written.

    Raises:
        UsageError: the command line is wrong.
        SecretsyncError: something does not render.
    """
    parsed = parse(arguments, TABLE)
    if parsed.flag("help"):
        return USAGE.encode()
    if not parsed.operands:
        raise UsageError("no PATH given")
    rendered = render(parsed.operands, _options(parsed))
    for warning in rendered.warnings:
        _boundary.say("warning", warning)
    folder = parsed.text("output_dir")
    if folder is None:
        return rendered.stream()

    from secretsync.render.output import write_folder

    write_folder(folder, rendered, private=parsed.text("mode") in {None, "reveal"}, inputs=parsed.operands)
    return b""


def _options(parsed: Parsed) -> Options:
    return Options(
        mode=cast("Mode", parsed.text("mode") or "reveal"),
        cert_file=parsed.text("cert"),
        seal_key_file=parsed.text("seal_key"),
        allow_expired=parsed.flag("allow_expired"),
        namespace=parsed.text("namespace"),
        output=cast("Format | None", parsed.text("output")),
        allow_empty=parsed.flag("allow_empty"),
        environ=os.environ,
        limits=Limits(
            size=_number(parsed, "max_size", Limits().size),
            documents=_number(parsed, "max_documents", Limits().documents),
        ),
    )


def _number(parsed: Parsed, name: str, default: int) -> int:
    text = parsed.text(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise UsageError(f"--{name.replace('_', '-')} takes a number, not {text!r}")
    return int(text)
