"""`secretsync sealing-keys`: the keys of a cluster's Sealed Secrets controller, kept safe and put back."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, TypeAlias

import typer

from secretsync.cli._backups import key_secrets, keys_of, require_fuller
from secretsync.cli._key_options import BackupKeys
from secretsync.cli._manifests import placed
from secretsync.cli._options import AllowDemoKeys, grouped
from secretsync.cli._output import PRIVATE_MODE, write_result, write_stdout
from secretsync.cli._proofs import prove_files
from secretsync.cli._terminal import confirm, say, warn
from secretsync.cluster import sealing_keys as live
from secretsync.cluster.connection import Cluster
from secretsync.cluster.sealing_keys import SealingKey
from secretsync.documents.plain import from_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits, Mapping
from secretsync.errors import ConfigError, ConflictingOptionsError
from secretsync.letters import counted
from secretsync.masterkeys import MasterKeys
from secretsync.sealed import SealingCertificate
from secretsync.sops import encrypt
from secretsync.sops.creation import recipients_from
from secretsync.sops.selectors import Selector

_SELECTED: Final = "^(data|stringData)$"
_REFUSED: Final = 1
_RESTART: Final = "the controller reads its keys when it starts: restart it"

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True, help=__doc__
)


@dataclass(frozen=True, slots=True)
class Controller:
    """Which controller of which cluster."""

    kubeconfig: Annotated[
        str | None, typer.Option("--kubeconfig", help="Kubeconfig file; else $KUBECONFIG or ~/.kube/config.")
    ] = None
    context: Annotated[str | None, typer.Option("--context", help="Context of the kubeconfig.")] = None
    controller_namespace: Annotated[
        str,
        typer.Option(
            "--controller-namespace", envvar="SEALED_SECRETS_CONTROLLER_NAMESPACE", help="Where the controller runs."
        ),
    ] = live.CONTROLLER_NAMESPACE
    controller_name: Annotated[
        str, typer.Option("--controller-name", envvar="SEALED_SECRETS_CONTROLLER_NAME", help="Its Service.")
    ] = live.CONTROLLER_NAME

    def connect(self) -> Cluster:
        """Return a connection to the cluster."""
        return Cluster.connect(kubeconfig=self.kubeconfig, context=self.context)

    def all_keys(self) -> list[SealingKey]:
        """Return the controller's keys."""
        return live.list_keys(self.connect(), namespace=self.controller_namespace)


Output: TypeAlias = Annotated[str | None, typer.Option("--output", "-w", help="Write to this file instead of stdout.")]
Pin: TypeAlias = Annotated[
    str | None, typer.Option("--pin", help="Accept only this public key: the hex SHA-256 of its SPKI.")
]


@app.command("list")
@grouped
def list_keys(
    controller: Controller,
    form: Annotated[Literal["text", "json"], typer.Option("--format", "-o", help="How to write the keys.")] = "text",
) -> None:
    """List the controller's keys, the one it seals with first; no private part is shown."""
    rows = [
        {
            "name": key.name,
            "status": key.status,
            "fingerprint": key.certificate.fingerprint,
            "spki_sha256": key.certificate.spki_sha256,
            "not_before": key.certificate.not_before.isoformat(),
            "not_after": key.certificate.not_after.isoformat(),
        }
        for key in controller.all_keys()
    ]
    if form == "json":
        text = json.dumps({"version": 1, "keys": rows}, indent=2) + "\n"
    else:
        text = "".join(
            f"{row['name']}  {row['status']}  until {row['not_after'][:10]}  {row['spki_sha256']}\n" for row in rows
        )
    write_stdout(text.encode())


@app.command("fetch")
@grouped
def fetch(
    controller: Controller,
    source: Annotated[
        Literal["service", "secrets"],
        typer.Option("--from", help="Ask the controller's Service, or take the newest active key Secret."),
    ] = "service",
    url: Annotated[str | None, typer.Option("--url", help="Fetch from this https URL instead.")] = None,
    pin: Pin = None,
    output: Output = None,
) -> int:
    """Print the certificate to seal for; with --pin, only if it is the one you know.

    Of --url anybody on the way may have answered: without --pin the hash of the key is shown, and you are asked.
    """
    if url is not None:
        data = live.download_certificate(url)
    elif source == "secrets":
        data = _newest(controller.all_keys()).certificate_pem
    else:
        data = live.fetch_certificate(
            controller.connect(), namespace=controller.controller_namespace, name=controller.controller_name
        )
    now = datetime.now(UTC)
    certificate = live.check_pin(data, pin, now=now) if pin else SealingCertificate.load(data, now=now)
    for warning in certificate.warnings:
        warn(warning)
    if url is not None and not pin and not _is_known(certificate):
        say("nothing was written")
        return _REFUSED
    if not pin:
        say(f"pin it: --pin {certificate.spki_sha256}", kind="hint")
    write_result(data, output)
    return 0


@app.command("backup")
@grouped
def backup(
    output: Annotated[str, typer.Option("--output", "-w", help="Write the encrypted backup to this file.")],
    controller: Controller,
    keys: BackupKeys,
    allow_fewer_keys: Annotated[
        bool, typer.Option("--allow-fewer-keys", help="Replace a backup that holds keys which this one will not.")
    ] = False,
    *,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Back up every key of the controller into a SOPS file; no private key is written in the clear.

    A backup that holds keys which the controller does not have is never replaced. Do it again after every renewal. `secretsync sealing-keys prove` says whether a backup is good.
    """
    recipients = recipients_from(keys.flags(), {})
    if not recipients:
        raise ConfigError("nobody to encrypt the backup for", hint="name a recipient: --age age1…")
    found = controller.all_keys()
    master_keys = MasterKeys(os.environ, allow_demo_keys=allow_demo_keys)
    before = require_fuller(output, [key.secret for key in found], master_keys, loses=allow_fewer_keys)
    tree = from_plain(live.backup(found))
    assert isinstance(tree, Mapping)
    plain = store_named("yaml").load(store_named("yaml").dump([tree], indent=2), limits=Limits.unbounded())
    encrypted = encrypt(
        plain,
        groups=[recipients],
        selector=Selector("encrypted_regex", _SELECTED),
        keys=master_keys,
        now=datetime.now(UTC),
    )
    write_result(encrypted, output, mode=PRIVATE_MODE, replaces=before)
    say(f"backed up {counted(len(found), 'key')} to {output}: {', '.join(key.name for key in found)}")


@app.command("restore")
@grouped
def restore(
    path: Annotated[str, typer.Argument(metavar="FILE", help="The backup, or - for stdin.")],
    controller: Controller,
    *,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Put the keys of a backup back into the cluster; keys that are there stay as they are."""
    secrets = placed(path, lambda data: key_secrets(data, MasterKeys(os.environ, allow_demo_keys=allow_demo_keys)))
    names = live.restore(controller.connect(), secrets, namespace=controller.controller_namespace)
    for name in names:
        write_stdout(f"secret/{name} created\n".encode())
    say(_RESTART if names else "every key of the backup already exists", kind="hint" if names else None)


@app.command("prove")
@grouped
def prove(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders with SealedSecrets.")],
    controller: Controller,
    backup_file: Annotated[
        str | None, typer.Option("--backup", help="Try the keys of this backup, not the cluster's.")
    ] = None,
    only_newest: Annotated[
        bool, typer.Option("--only-newest", help="Try only the key that the controller seals with now.")
    ] = False,
    *,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Prove that every item of every SealedSecret opens with the controller's keys; nothing of it is shown.

    Nothing is rendered. Each item that does not open is named, and every file is tried.
    """
    if backup_file and only_newest:
        raise ConflictingOptionsError("--backup and --only-newest exclude each other")
    if backup_file:
        secrets = placed(
            backup_file, lambda data: key_secrets(data, MasterKeys(os.environ, allow_demo_keys=allow_demo_keys))
        )
    else:
        keys = controller.all_keys()
        secrets = [key.secret for key in ([_newest(keys)] if only_newest else keys)]
    tried = keys_of(secrets)
    proof = prove_files(paths, tried)
    things = f"{counted(proof.items, 'item')} of {counted(proof.secrets, 'SealedSecret')}"
    verb = "opens" if proof.items == 1 else "open"
    write_stdout(f"{things} {verb} with {counted(len(tried), 'key')}\n".encode())


def _is_known(certificate: SealingCertificate) -> bool:
    """Ask whether this is the controller's key. Raises: ConfigError where nobody can answer."""
    return confirm(
        f"the public key is {certificate.spki_sha256}: is that the controller's?",
        hint="compare it with `secretsync sealing-keys list`, and give it: --pin SPKI_SHA256",
    )


def _newest(keys: list[SealingKey]) -> SealingKey:
    if keys[0].status != live.ACTIVE:
        raise ConfigError("no key of the controller is active")
    return keys[0]
