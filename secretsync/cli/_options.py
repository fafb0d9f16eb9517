"""Options that several commands share, and the environment variables sops gives them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

from secretsync.sops.datakey import DEFAULT_ORDER

StoreName: TypeAlias = Literal["yaml", "json", "dotenv", "ini", "binary"]

AllowDemoKeys: TypeAlias = Annotated[
    bool, typer.Option("--allow-demo-keys", help="Accept the demo's keys, whose private halves are public.")
]
InputType: TypeAlias = Annotated[
    StoreName | None, typer.Option("--input-type", help="The format of the input; else its file name tells.")
]
OutputType: TypeAlias = Annotated[
    StoreName | None, typer.Option("--output-type", help="The format of the output; else the file name tells.")
]
Output: TypeAlias = Annotated[str | None, typer.Option("--output", help="Write to this file instead of stdout.")]
InPlace: TypeAlias = Annotated[bool, typer.Option("--in-place", "-i", help="Write the result back to the file.")]
FilenameOverride: TypeAlias = Annotated[
    str | None,
    typer.Option("--filename-override", help="Take this name for the file when choosing its format and rule."),
]
Config: TypeAlias = Annotated[
    str | None, typer.Option("--config", envvar="SOPS_CONFIG", help="Take this file instead of the nearest .sops.yaml.")
]
Indent: TypeAlias = Annotated[int | None, typer.Option("--indent", help="Columns of one level, in YAML and JSON.")]
IgnoreMac: TypeAlias = Annotated[
    bool, typer.Option("--ignore-mac", help="Do not verify the MAC: the content may have been tampered with.")
]
DecryptionOrder: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--decryption-order", envvar="SOPS_DECRYPTION_ORDER", help="Kinds of key to try first, as in age,pgp."
    ),
]


def order_of(text: str | None) -> tuple[str, ...]:
    """Return the kinds of key to try first; sops' own order unless given."""
    if text is None:
        return DEFAULT_ORDER
    return tuple(kind.strip() for kind in text.split(",") if kind.strip())
