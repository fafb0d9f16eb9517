"""`keys prove` and `keys answer`: a challenge for the owner of a key, and the check of their answer."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from secretsync import files
from secretsync.cli._options import AllowDemoKeys, DryRun, grouped
from secretsync.cli._output import PRIVATE_MODE, write_result
from secretsync.cli._terminal import ask_secret, say
from secretsync.cli.keys import ring
from secretsync.cli.keys.ring import RingLocation
from secretsync.errors import ConfigError, ConflictingOptionsError, MissingFileError
from secretsync.keyring import proving
from secretsync.masterkeys import MasterKeys


@grouped
def prove(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, as `keys list` shows it.")],
    place: RingLocation,
    response: Annotated[
        str | None, typer.Option("--response", "-r", help="The owner's answer; @FILE or - reads it.")
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Open the challenge with the identities of this machine.")
    ] = False,
    output: Annotated[str | None, typer.Option("--output", help="Write the challenge to this file.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who checked it; your login unless given.")] = None,
    allow_demo_keys: AllowDemoKeys = False,
    dry_run: DryRun = False,
) -> None:
    """Prove that somebody holds the private half of a key.

    Without --response, prints a challenge. Its owner opens it (secretsync keys answer, age -d or gpg -d) and sends back
    the answer within 7 days; with --response the answer is checked, and the proof recorded in the owner's file.
    """
    principal, key = proving.key_named(place.ring(), key_id)
    if here and response is not None:
        raise ConflictingOptionsError("--here and --response exclude each other")
    kept = place.state() / f"{key.id}.json"
    keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=allow_demo_keys)
    if response is None:
        challenge = proving.challenge(place.source, key, keys, now=ring.now())
        if not here:
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_atomic(kept, challenge.record, PRIVATE_MODE)
            write_result(challenge.text.encode(), output)
            say(
                f"{principal.name} opens this and sends the answer; then: secretsync keys prove {key.id} --response ANSWER"
            )
            return
        record, answer = challenge.record, proving.opened(challenge.text, key, keys)
    else:
        record, answer = _kept(kept, key.id), _text(response)
    proving.verify(key, record, answer, now=ring.now())
    changes = proving.recorded(
        place.source, principal, key, now=ring.now(), by=by or os.environ.get("USER") or "unknown"
    )
    place.write(changes, dry_run=dry_run)
    if not dry_run:
        kept.unlink(missing_ok=True)
    say(f"{principal.name} holds the private half of {key.id}")


def answer(
    challenge: Annotated[
        str, typer.Argument(metavar="[CHALLENGE]", help="The file you were sent, or - for stdin.")
    ] = "-",
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Answer a challenge of `keys prove` that you were sent, with the identities of this machine.

    Whatever is no such challenge is not shown, so that nobody can have a secret read to them.
    """
    keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=allow_demo_keys)
    text = files.read(challenge).decode("utf-8", "replace")
    write_result(f"{proving.answer(text, keys)}\n".encode(), None)


def _kept(path: os.PathLike[str], key_id: str) -> bytes:
    try:
        return files.read(path)
    except MissingFileError:
        raise ConfigError(f"no challenge for {key_id!r} is open here", hint=f"secretsync keys prove {key_id}") from None


def _text(response: str) -> str:
    if response == files.STDIN or response.startswith("@"):
        return files.read(response.removeprefix("@")).decode("utf-8", "replace")
    return response
