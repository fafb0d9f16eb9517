"""The policy as data: who reads which files, for whom a cluster's items are sealed, what is left alone, what is live."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from secretsync.keyring.globs import IgnoredPaths, matches
from secretsync.sops.selectors import Selector


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule of the policy: which paths, who reads them, and what of a file is encrypted.

    `readers` holds one list of names, or several where each is a Shamir group of which `threshold` are needed. Paths are
    globs, or one RE2 pattern, `path_regex`, that was taken over from a `.sops.yaml` and is searched for as sops does.
    """

    number: int
    paths: tuple[str, ...]
    readers: tuple[tuple[str, ...], ...]
    selector: Selector | None = None
    mac_only_encrypted: bool = False
    threshold: int = 0
    path_regex: str = ""

    @property
    def place(self) -> str:
        """Which rule it is, in `policy.yaml`, as every path into a list is counted."""
        return f"rules[{self.number - 1}]"

    def matches(self, path: str) -> bool:
        """Whether the rule is for a path relative to the repository's root."""
        if self.path_regex:
            return _searching(self.path_regex).matches(path)
        return any(matches(glob, path) for glob in self.paths)


@dataclass(frozen=True, slots=True)
class SealingPin:
    """The certificate that a cluster's SealedSecrets are sealed for.

    `certificate` is its path below `keys/`; `spki_sha256` is 64 lower-case hex digits. `paths` are globs of the files
    that are for this cluster.
    """

    cluster: str
    certificate: str
    spki_sha256: str
    backup_group: str = ""
    paths: tuple[str, ...] = ()

    def matches(self, path: str) -> bool:
        """Whether a path relative to the repository's root is one of its own."""
        return any(matches(glob, path) for glob in self.paths)


@dataclass(frozen=True, slots=True)
class LiveRefs:
    """Which branches are live, by globs: all of them where there is none."""

    globs: tuple[str, ...] = ()

    def matches(self, ref: str, branch: str) -> bool:
        """Whether a full ref, of a branch called so without its remote, is one: `main`, `origin/main`, `refs/heads/main`.

        `main` is the branch here and in every remote repository.
        """
        short = ref.removeprefix("refs/").partition("/")[2]
        return not self.globs or any(matches(glob, name) for glob in self.globs for name in (ref, short, branch))

    def __str__(self) -> str:
        return ", ".join(self.globs)


@dataclass(frozen=True, slots=True)
class Policy:
    """What `policy.yaml` says. The first rule that matches a path decides.

    `allow_private_keys` are globs of files that hold keys for tests only; nothing in `keys/` is ever among them.
    `sops` holds what else the generated `.sops.yaml` carries: `stores` and `destination_rules`, as sops spells them.
    """

    rules: tuple[PolicyRule, ...] = ()
    sealing: tuple[SealingPin, ...] = ()
    max_datakey_age: timedelta | None = None
    min_recipients: int = 1
    require: tuple[str, ...] = ()
    forbid_mixed_pq: bool = False
    allow_private_keys: tuple[str, ...] = ()
    sops: dict[str, object] = field(default_factory=dict, hash=False)
    ignore: tuple[IgnoredPaths, ...] = ()
    live_refs: LiveRefs = LiveRefs()

    def ignored(self, path: str) -> IgnoredPaths | None:
        """Return why a file is not looked after here, None where it is."""
        return next((each for each in self.ignore if each.matches(path)), None)


@lru_cache(maxsize=1024)
def _searching(pattern: str) -> Selector:
    return Selector("encrypted_regex", pattern)
