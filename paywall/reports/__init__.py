"""FOR STAFF: figures, each with its definition, from the append-only ledger."""
