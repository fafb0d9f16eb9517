"""`secretsync keygen`: an age identity in a file of the form that age-keygen writes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from secretsync import age, files
from secretsync.cli._output import write_result, write_stdout
from secretsync.errors import ConflictingOptionsError, FormatError
from secretsync.masterkeys import new_identity


def keygen(
    source: Annotated[str, typer.Argument(metavar="[FILE]", help="With -y: the identity file, or - for stdin.")] = "-",
    output: Annotated[str | None, typer.Option("--output", "-o", help="Write to this new file, mode 0600.")] = None,
    post_quantum: Annotated[bool, typer.Option("--pq", "-pq", help="Make a post-quantum identity.")] = False,
    recipients: Annotated[bool, typer.Option("-y", help="Print the recipients of an identity file instead.")] = False,
) -> None:
    """Make an age identity.

    The identity goes to standard output or to a new file; its recipient, the public half, is printed for you to copy.
    """
    if recipients:
        if post_quantum:
            raise ConflictingOptionsError("-y and --pq exclude each other")
        write_result(_recipients_of(source), output)
    else:
        _generate(output, post_quantum=post_quantum)


def _generate(output: str | None, *, post_quantum: bool) -> None:
    identity = new_identity.make(post_quantum=post_quantum)
    if output is None:
        write_stdout(identity.text.expose())
        shown = sys.stdout.isatty()
    else:
        files.create(output, identity.text.expose())
        shown = False
    if not shown:
        sys.stderr.write(f"Public key: {identity.recipient}\n")


def _recipients_of(source: str) -> bytes:
    try:
        identities = age.parse_identities(files.read(source).decode("utf-8"))
    except UnicodeDecodeError:
        raise FormatError("is not valid UTF-8", location=source) from None
    except FormatError as error:
        raise error.at(source) from None
    if not identities:
        raise FormatError("holds no identity", location=source)
    return "".join(f"{identity}\n" for identity in identities).encode()
