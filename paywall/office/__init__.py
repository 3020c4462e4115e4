"""STAFF AT WORK: why a reader can or cannot read, and what an article will show to whom."""
