"""`secretsync keys`: the key ring in `keys/`, from which `.sops.yaml` follows. The commands are in the modules below."""

from __future__ import annotations

import typer

from secretsync.cli.keys.changing import add, pin, remove, rename, take_over
from secretsync.cli.keys.linting import lint
from secretsync.cli.keys.proving import answer, prove
from secretsync.cli.keys.showing import diff, export, show

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Say who may read what: people, clusters and services with their public keys, and the policy, in keys/.

    .sops.yaml and keys/keyring.lock follow from it and are never edited. Nothing private is ever in keys/.
    """


app.command("list", short_help="List the keys: whose they are, until when, what they may read.")(show)
app.command("add", short_help="Add a public key.")(add)
app.command("remove", short_help="Retire keys; they never come back.")(remove)
app.command("import", short_help="Adopt an existing .sops.yaml.")(take_over)
app.command("rename", short_help="Call a person, cluster or service otherwise.")(rename)
app.command("pin", short_help="Pin the sealing certificate of a cluster.")(pin)
app.command("prove", short_help="Prove that somebody holds the private half of a key.")(prove)
app.command("answer", short_help="Answer such a challenge.")(answer)
app.command("lint", short_help="Check the ring, and that every encrypted file obeys it.")(lint)
app.command("diff", short_help="Show who gains and who loses access to which file.")(diff)
app.command("export", short_help="Print public keys for other tools.")(export)
