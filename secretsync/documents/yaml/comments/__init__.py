"""Comments of YAML as go-yaml sees them: which token, event and node each belongs to."""
