"""The `secretsync` command: one thin module per verb, which parses, calls one operation and prints one result."""
