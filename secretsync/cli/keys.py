"""`secretsync keys`: the key ring in `keys/`, from which `.sops.yaml` follows. The commands are in the modules below."""

from __future__ import annotations

import typer

from secretsync.cli._keys_changing import add, pin, remove, take_over
from secretsync.cli._keys_linting import lint
from secretsync.cli._keys_proving import prove
from secretsync.cli._keys_showing import diff, export, show

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Say who may read what: people, clusters and services with their public keys, and the policy, in keys/.

    .sops.yaml and keys/keyring.lock follow from it and are never edited. Nothing private is ever in keys/.
    """


app.command("list")(show)
app.command("add")(add)
app.command("remove")(remove)
app.command("import")(take_over)
app.command("pin")(pin)
app.command("prove")(prove)
app.command("lint")(lint)
app.command("diff")(diff)
app.command("export")(export)
