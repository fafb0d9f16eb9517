"""`secretsync-hook krm`: a KRM function for kustomize and kpt."""
