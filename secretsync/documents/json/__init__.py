"""JSON: reading with spans, writing afresh and in place; and binary, which sops keeps in JSON once encrypted."""
