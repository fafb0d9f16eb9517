"""New values spliced into an existing YAML text: what did not change keeps every byte."""
