"""`secretsync git`, a module for each of its commands."""
