"""What a sync engine starts: one small entry point without an option parser, and a module per command."""
