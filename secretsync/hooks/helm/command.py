"""`secretsync-hook helm`: Helm's post-renderer, and the value files that Helm's getter asks for.

Helm 3 sends templates; Helm 4 sends hooks too, marks each document with its file, and loses what a post-renderer says:
there it is also kept in a file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from secretsync.errors import ManifestError, SecretsyncError
from secretsync.hooks import _boundary
from secretsync.hooks.argv import UsageError, parse
from secretsync.hooks.helm.errors import keep, path_for
from secretsync.hooks.helm.stream import MARK, named, put_back, taken_off
from secretsync.hooks.hook_configuration import HookConfiguration, find, keys, resolved_options
from secretsync.hooks.render_command import TABLE as RENDER_TABLE
from secretsync.hooks.render_command import request
from secretsync.rendering import Input, Options, render
from secretsync.rendering.discover import STDIN_NAME

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
_VALUES: Final = frozenset({"values", "get"})


def run(arguments: Sequence[str]) -> bytes:
    """Do what `arguments` say and return what goes to standard output; as post-renderer never nothing.

    Raises:
        UsageError: the command line is wrong.
        SecretsyncError: something does not render.
    """
    if arguments and arguments[0] in _VALUES:
        import secretsync.hooks.helm.values as values

        return getattr(values, arguments[0])(arguments[1:])  # type: ignore[no-any-return]  # both return bytes
    parsed = parse(arguments, TABLE)
    if parsed.flag("help"):
        return USAGE.encode()
    if parsed.operands:
        raise UsageError(f"a post-renderer does not take arguments: {parsed.operands[0]!r}")
    kept = path_for(os.environ)
    if kept:
        keep(kept)
    operator = find(parsed.text("operator_config"), tenants=True)
    return _post_rendered(resolved_options(request(parsed), operator), operator)


def _post_rendered(options: Options, operator: HookConfiguration | None) -> bytes:
    source = Input(STDIN_NAME, f"{STDIN_NAME}.yaml", "-")
    data = source.read(options.limits)
    try:
        marked = MARK.encode() in data
        bare, marks = taken_off(data, options.mode, options.limits) if marked else (data, {})
        rendered = render([source._replace(content=bare)], options, keys=keys(operator, options.environ))
        result = rendered.stream()
        if marks:
            result = _marked(result, marks)
    except SecretsyncError as error:
        raise named(error if error.location else error.at(STDIN_NAME), data, options.limits) from None
    for warning in rendered.warnings:
        _boundary.say("warning", warning)
    return result


def _marked(rendered: bytes, marks: dict[int, str]) -> bytes:
    """Return the stream with Helm's marks, which stand in annotations and change no object's name."""
    from secretsync.rendering.kubernetes_reader import parts

    result = put_back(rendered, marks)
    if len(parts(result)) != len(parts(rendered)):
        raise ManifestError("the names of templates changed the number of documents")
    return result
