"""`secretsync-hook helm`: post-renderer for Helm 3 and 4, and decrypted value files."""
