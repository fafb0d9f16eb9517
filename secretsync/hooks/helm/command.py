"""`secretsync-hook helm`: Helm's post-renderer, and the value files that Helm's getter asks for.

Helm 3 sends templates; Helm 4 sends hooks too, marks each document with its file, and loses what a post-renderer says:
there it is also kept in a file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from secretsync.errors import ManifestError, SecretsyncError
from secretsync.hooks import Call
from secretsync.hooks.argv import UsageError, parse
from secretsync.hooks.context import find, keys, resolved_options
from secretsync.hooks.helm.stream import MARK, named, put_back, taken_off
from secretsync.hooks.render_command import TABLE as RENDER_TABLE
from secretsync.hooks.render_command import request
from secretsync.late import LateModule
from secretsync.rendering import Options, render
from secretsync.rendering.discover import from_stream

if TYPE_CHECKING:
    from secretsync.hooks.hook_configuration import HookConfiguration
    from secretsync.rendering import kubernetes_reader
else:
    kubernetes_reader = LateModule("secretsync.rendering.kubernetes_reader")

USAGE: Final = """\
usage: secretsync-hook helm [OPTION]...           as post-renderer: manifests in, manifests out
       secretsync-hook helm values FILE           print a value file decrypted
       secretsync-hook helm get CERT KEY CA URL   the same for secrets://FILE, as Helm calls a getter

  --mode reveal|seal|redact  what becomes of the secrets (reveal)
  --cert FILE                certificate to seal for (the only one in keys/)
  --seal-key FILE            what sealing a Secret in the clear derives from: at least 32 random bytes
  --allow-expired            seal for a certificate that has expired
  -n, --namespace NAME       namespace of Secrets that name none
  --allow-empty              accept a chart that renders no object
  --max-size BYTES           limit for the whole stream (16 MiB)
  --max-documents NUMBER     limit for the whole stream (10000)
  --operator-config FILE     what this hook may do (/etc/secretsync/hook.yaml, where it is there)
"""

_PERSONS: Final = frozenset({"output", "output_dir", "allow_ciphertext"})
"""Options of a person's command line, which a post-renderer's has not."""
TABLE: Final = {name: option for name, option in RENDER_TABLE.items() if option.name not in _PERSONS}

ERROR_FILE: Final = "SECRETSYNC_ERROR_FILE"


def run(call: Call) -> bytes:
    """Return the rendered stream; never nothing.

    Raises:
        UsageError: the command line is wrong.
        SecretsyncError: something does not render.
    """
    parsed = parse(call.arguments, TABLE)
    if parsed.flag("help"):
        return USAGE.encode()
    if parsed.operands:
        raise UsageError(f"a post-renderer does not take arguments: {parsed.operands[0]!r}")
    kept = error_file(call.environ)
    if kept:
        call.keep(kept)
    configuration = find(parsed.text("operator_config"), tenants=True)
    options = resolved_options(request(parsed, call.environ), configuration, call.environ)
    return _post_rendered(call, options, configuration)


def error_file(environ: Mapping[str, str]) -> str | None:
    """Return the file to keep messages in: the one that was named; under Helm 4 else one in the state directory."""
    named = environ.get(ERROR_FILE)
    if named or "HELM_PLUGIN_DIR" not in environ:
        return named or None
    home = environ.get("HOME")
    state = environ.get("XDG_STATE_HOME") or (os.path.join(home, ".local", "state") if home else "")
    return os.path.join(state, "secretsync", "last-error.txt") if os.path.isabs(state) else None


def _post_rendered(call: Call, options: Options, configuration: HookConfiguration | None) -> bytes:
    source = from_stream(call.read, options.limits)
    data = source.read(options.limits)
    try:
        marked = MARK.encode() in data
        bare, marks = taken_off(data, options.mode, options.limits) if marked else (data, {})
        rendered = render([source._replace(content=bare)], options, keys=keys(configuration, options.environ))
        result = rendered.stream()
        if marks:
            result = _marked(result, marks)
    except SecretsyncError as error:
        raise named(error if error.location else error.at(source.name), data, options.limits) from None
    for warning in rendered.warnings:
        call.warn(warning)
    return result


def _marked(rendered: bytes, marks: dict[int, str]) -> bytes:
    """Return the stream with Helm's marks, which stand in annotations and change no object's name."""
    result = put_back(rendered, marks)
    if len(kubernetes_reader.parts(result)) != len(kubernetes_reader.parts(rendered)):
        raise ManifestError("the names of templates changed the number of documents")
    return result
