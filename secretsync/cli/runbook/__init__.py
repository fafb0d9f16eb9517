"""`secretsync runbook`: its verbs, and what they share."""
