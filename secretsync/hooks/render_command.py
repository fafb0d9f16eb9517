"""`secretsync-hook render`: the arguments and the output of `secretsync render`, without its option parser.

The demo's keys are refused here whatever the command line says: hooks work on something real.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from secretsync.hooks import Call
from secretsync.hooks.argv import HELP, Option, Parsed, Request, UsageError, parse
from secretsync.hooks.context import find, keys, resolved_options
from secretsync.late import LateModule
from secretsync.rendering import FORMATS, MODES, Format, Mode, render
from secretsync.rendering.discover import named_inputs

if TYPE_CHECKING:
    from secretsync.rendering import output
else:
    output = LateModule("secretsync.rendering.output")  # most print

USAGE: Final = """\
usage: secretsync-hook render [OPTION]... PATH...

Print manifests decrypted, sealed or redacted, ready to apply. A PATH is a file, a folder, or - for standard input.

  --mode reveal|seal|redact  what becomes of the secrets (reveal)
  --cert FILE                certificate to seal for (the only one in keys/)
  --seal-key FILE            what sealing a Secret in the clear derives from: at least 32 random bytes
  --allow-expired            seal for a certificate that has expired
  -n, --namespace NAME       namespace of Secrets that name none (ARGOCD_APP_NAMESPACE, where Argo CD sets it)
  -o, --output yaml|json     write every document in this format
  --output-dir FOLDER        write a file for each file read, instead of one stream
  --allow-empty              accept input without a single object
  --allow-ciphertext         print values that are still ENC[…] (not where there is a hook's configuration)
  --max-size BYTES           limit for one file (16 MiB)
  --max-documents NUMBER     limit for one file (10000)
  --operator-config FILE     what this hook may do (/etc/secretsync/hook.yaml, where it is there)
"""

DESTINATION: Final = "ARGOCD_APP_NAMESPACE"
"""Argo CD's name for the namespace an Application is synced to. A tenant's own variables begin with `ARGOCD_ENV_`."""

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
    "--allow-ciphertext": Option("allow_ciphertext", takes_value=False),
    "--max-size": Option("max_size"),
    "--max-documents": Option("max_documents"),
    "--operator-config": Option("operator_config"),
    "--help": HELP,
    "-h": HELP,
}


def run(call: Call) -> bytes:
    """Render and return what goes to standard output: nothing where a folder was written.

    Raises:
        UsageError: the command line is wrong.
        SecretsyncError: something does not render.
    """
    parsed = parse(call.arguments, TABLE)
    if parsed.flag("help"):
        return USAGE.encode()
    if not parsed.operands:
        raise UsageError("no PATH given")
    configuration = find(parsed.text("operator_config"))
    options = resolved_options(request(parsed, call.environ), configuration, call.environ)
    inputs = named_inputs(parsed.operands, call.read, options.limits)
    rendered = render(inputs, options, keys=keys(configuration, options.environ))
    for warning in rendered.warnings:
        call.warn(warning)
    folder = parsed.text("output_dir")
    if folder is None:
        return rendered.stream()
    call.end_in_order()
    output.write_folder(folder, rendered, private=options.mode == "reveal", inputs=parsed.operands)
    return b""


def request(parsed: Parsed, environ: Mapping[str, str]) -> Request:
    """Return what a command line asks for. Raises: UsageError for a number that is none."""
    return Request(
        mode=cast("Mode | None", parsed.text("mode")),
        cert_file=parsed.text("cert"),
        seal_key_file=parsed.text("seal_key"),
        allow_expired=parsed.flag("allow_expired"),
        namespace=parsed.text("namespace") or environ.get(DESTINATION) or None,
        output=cast("Format | None", parsed.text("output")),
        allow_empty=parsed.flag("allow_empty"),
        size=_number(parsed, "max_size"),
        documents=_number(parsed, "max_documents"),
        allow_ciphertext=parsed.flag("allow_ciphertext"),
    )


def _number(parsed: Parsed, name: str) -> int | None:
    text = parsed.text(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 16 and int(text)):
        raise UsageError(f"--{name.replace('_', '-')} takes a number above zero, not {text!r}")
    return int(text)
