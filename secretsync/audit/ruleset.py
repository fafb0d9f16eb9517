"""The rules that `check` has of its own, with what each means."""

from __future__ import annotations

from typing import Final

DEMO_KEY: Final = "demo-key"
FLUX_AMBIGUOUS: Final = "flux-ambiguous"
FLUX_DECRYPTS: Final = "flux-decrypts"
FLUX_FAILS: Final = "flux-fails"
FLUX_MISSED: Final = "flux-missed"
FLUX_RENAMED: Final = "flux-renamed"
FLUX_UNREACHED: Final = "flux-unreached"
FLUX_UNVERIFIED: Final = "flux-unverified"

RULES: Final[dict[str, str]] = {
    "plaintext-secret": "A Secret lies in the clear.",
    "clear-value": "An encrypted file holds a Secret's value in the clear.",
    DEMO_KEY: "A file is encrypted for a key whose private half is public.",
    "suspect": "A file opens, and something about it deserves a look.",
    FLUX_AMBIGUOUS: "Flux may read a value in one format or in another.",
    FLUX_DECRYPTS: "Flux decrypts this, with the key named.",
    FLUX_FAILS: "Flux refuses this, and applies nothing.",
    FLUX_MISSED: "Flux does not decrypt this, and applies ciphertext.",
    FLUX_RENAMED: "A SealedSecret arrives under a name or namespace it was not sealed for.",
    FLUX_UNREACHED: "No Kustomization of Flux reaches an encrypted file.",
    FLUX_UNVERIFIED: "Flux does not verify what it decrypts.",
    "unsealable": "A SealedSecret cannot be what the controller expects.",
}
