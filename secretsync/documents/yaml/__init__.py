"""YAML: reading by libyaml events, writing afresh, and writing over a text that is kept."""
