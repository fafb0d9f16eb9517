"""Streams that readers of Kubernetes may understand in different ways, from a grammar and a seed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import random

_SEPARATORS = [
    "---", "--- ", "---\t", "--- # c", "---\t#c", "---#c", "---#c:", "---\u00a0", "---\u2003#c", "---\u00a0#x:", "----", "---x: y",
    "--- {}", "--- {a: b}", "--- &a", "--- !!map", "--- |", " ---", "...", "... # c", "...\n---", "---\n...\n---", "---\n---",
    "--- # c\r", "---\r", "--- \r", "%YAML 1.1\n---", "...\n%YAML 1.1\n---", "...\n%TAG ! tag:yaml.org,2002:\n---",
    "---\x0b", "---\x85", "---\u2028", "\ufeff---", "---\ufeff", "--- #\u2028kind: Role", "--- #\x85kind: Role", "# ---", "'---': x",
    '"---": x', "? ---", "---\x00",
]  # fmt: skip
_BREAKS = ["\n"] * 40 + ["\r\n"] * 4 + ["\r", "\x85", "\u2028"]
_TEXTS = [
    "a", "'a'", '"a"', "b-c", "null", "~", "''", "5", "true", "yes", "n", "on", "0x1", "1_000", "[a]", "{a: b}", "!!str 5",
    "!!str a", "! a", "!!binary YQ==", "&x a", "a #c", "'a' # c", ">-\n  a", "|\n  a", '"\\x61"', '"\\u0061"', ".5", "12:30",
]  # fmt: skip


class Streams:
    """One stream of a seed. Most pieces are honest, so that what is hostile is met with what leaves."""

    KINDS: ClassVar = ["ConfigMap", "Secret", "Role", "List", "ConfigMapList", "SecretList", "Basket", "a", "b-c"]

    def __init__(self, seed: random.Random) -> None:
        self._seed = seed

    def stream(self) -> bytes:
        """Return the text of one stream."""
        seed = self._seed
        if seed.random() < 0.08:
            joint = seed.choice(["", "\n", " ", "\n---\n", "\n# c\n", ",", "\n...\n", "\n--- # c\n"])
            return joint.join(self._json() for _ in range(seed.randint(1, 3))).encode()
        parts = [self.document()]
        for _ in range(seed.randint(0, 3)):
            hostile = seed.random() < 0.2
            parts += [seed.choice(_SEPARATORS) if hostile else seed.choice(["---", "---", "--- # c"]), self.document()]
        if seed.random() < 0.3:
            parts.insert(0, seed.choice(["---", "# c", "%YAML 1.1\n---", "--- # c", "", "---#c"]))
        text = "\n".join(part.rstrip("\n") for part in parts) + seed.choice(["\n", "\n", "", "\n---\n", "\n...\n"])
        text = text.replace("\n", "\0").replace("\0", "\n") if seed.random() < 0.85 else self._rebroken(text)
        if seed.random() < 0.06:
            return self._mutated(text).encode()
        return self._encoded(text)

    def _encoded(self, text: str) -> bytes:
        chance = self._seed.random()
        if chance < 0.03:
            return text.encode("utf-16")
        return ("\ufeff" + text if chance < 0.06 else text).encode()

    def _rebroken(self, text: str) -> str:
        if self._seed.random() < 0.5:
            return text.replace("\n", "\r\n")
        return "".join(self._seed.choice(_BREAKS) if sign == "\n" else sign for sign in text)

    def _mutated(self, text: str) -> str:
        at = self._seed.randrange(len(text) or 1)
        return (
            text[:at]
            + self._seed.choice(["\n---", "---", "\t", "\r", "#", ":", '"', "\x85", "{", "\n---#x:\n"])
            + text[at:]
        )

    def _name(self) -> str:
        return self._seed.choice(_TEXTS) if self._seed.random() < 0.06 else self._seed.choice(["a", "b", "c", "d-e"])

    def _kind(self) -> str:
        return self._seed.choice(_TEXTS) if self._seed.random() < 0.05 else self._seed.choice(self.KINDS)

    def document(self) -> str:
        """Return the text of one document."""
        seed = self._seed
        if seed.random() < 0.12:
            return seed.choice(
                ["", "# only a comment", "{}", "--- {}", "null", "[]", "a: b", "# ---\n# x", "kind: Role"]
            )
        if seed.random() < 0.12:
            return self._json()
        return self._block(seed.randint(0, 2), "")

    def _block(self, depth: int, indent: str) -> str:
        """Return an object in block style."""
        seed = self._seed
        metadata = f"{{name: {self._flow(self._name())}, namespace: {self._flow(self._name())}}}"
        lines = ["apiVersion: v1", f"kind: {self._kind()}", f"metadata: {metadata}"]
        if seed.random() < 0.3:
            lines[2] = f"metadata:\n  name: {self._name()}\n  namespace: {self._name()}".replace("\n  a", "\n    a")
        extras = {extra.split(":")[0]: extra for extra in (self._extra() for _ in range(seed.randint(0, 2)))}
        lines += extras.values()
        if depth and seed.random() < 0.45:
            lines.append(self._items(depth - 1))
        if seed.random() < 0.15:
            seed.shuffle(lines)
        if seed.random() < 0.1:
            lines.pop(seed.randrange(len(lines)))
        return "\n".join(indent + line.replace("\n", "\n" + indent) for line in lines)

    @staticmethod
    def _flow(text: str) -> str:
        return "a" if "\n" in text or "#" in text else text

    def _items(self, depth: int) -> str:
        seed = self._seed
        if seed.random() < 0.12:
            return "items: " + seed.choice(["[]", "null", "{a: b}", "[x]", "[x, {kind: Role}]", "5", "[null]", "[[]]"])
        blocks = [self._block(depth, "  ") for _ in range(seed.randint(1, 2))]
        return "items:\n" + "\n".join("-" + block[1:] for block in blocks)

    def _extra(self) -> str:
        encoded = base64.b64encode(self._seed.choice([b"kind", b"items", b"metadata"])).decode()
        honest = [
            "data: {a: b}", "data:\n  a: |\n    ---\n    ---#x:\n    kind: Role", 'text: "a --- b"', "spec: {items: [{kind: Role}]}",
            "data:\n  a: b # --- c", "# a comment", "other: {a: &y {a: b}, b: *y}", 'data: {a: "x\\n---\\nkind: Role"}',
        ]  # fmt: skip
        hostile = [
            'text: "a\n---#\nkind: Role"', "text: 'a\n---\u00a0\nkind: Role'", "text: a\n---#b:", "---#x:\n  kind: Role",
            "<<: {kind: Role}", "other: {<<: {kind: Role}}", f"!!binary {encoded}: Role", f"!!str {encoded}: Role", "true: Role", '"kind": Role',
            "? kind\n: Role", "? |\n  kind\n: Role", "Kind: Role", "KIND: Role", "items: []", "text: >\n---\n", "\tx: y",
            "# \x85kind: Role", "# \u2028kind: Role", '"\\x6bind": Role', "metadata: {name: x}", "...", "\ufeffkind: Role",
        ]  # fmt: skip
        return self._seed.choice(hostile if self._seed.random() < 0.12 else honest)

    def _json(self) -> str:
        seed = self._seed
        obj: dict[str, object] = {
            "apiVersion": "v1", "kind": seed.choice(self.KINDS), "metadata": {"name": seed.choice("abc"), "namespace": seed.choice("abc")},
        }  # fmt: skip
        if seed.random() < 0.3:
            obj["items"] = [{"kind": seed.choice([None, "", "Role"]), "metadata": {"name": "x"}}, {"apiVersion": "v1"}]
        text = json.dumps(obj, indent=seed.choice([None, None, 2]))
        if seed.random() < 0.15:
            text = text.replace(
                '"kind"', seed.choice(['"kind": "Role", "kind"', '"Kind": "Role", "kind"', '"\\u006bind"', "kind"]), 1
            )
        return text
