"""What secretsync costs, as ratios against the real tools measured in the same run. `make bench` prints the table."""
