"""THE DOOR: one decision for every output, and the middleware that asks it."""
