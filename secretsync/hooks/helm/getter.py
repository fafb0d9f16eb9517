"""`secretsync-hook helm get`: a value file by its URL, called as Helm calls a getter."""

from __future__ import annotations

from typing import Final

from secretsync.hooks import Call
from secretsync.hooks.argv import HELP, UsageError
from secretsync.hooks.helm.values import read

USAGE: Final = """\
usage: secretsync-hook helm get CERT KEY CA URL

Print the value file that URL names, decrypted: secrets://FILE. CERT, KEY and CA are for servers, and not read.
"""
TABLE: Final = {"--help": HELP, "-h": HELP}


def run(call: Call) -> bytes:
    """Return the value file of a URL; Helm gives certificate, key and CA file, which are for servers, and the URL.

    Raises:
        UsageError: this is no getter's command line.
        SecretsyncError: as `values.read`.
    """
    if len(call.arguments) == 1 and call.arguments[0] in TABLE:
        return USAGE.encode()
    if len(call.arguments) != 4:
        raise UsageError("Helm gives CERT KEY CA URL")
    return read(call, call.arguments[3])
