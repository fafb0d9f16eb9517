"""One module per runbook; each holds a `SCENARIO` and nothing that the engine could do."""
