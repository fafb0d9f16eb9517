"""Text to tree and back, for the five formats sops knows; no key and no ciphertext is understood here."""
