"""Primitives over pyca/cryptography: each module is one construction, with sizes checked and randomness drawn inside."""
