"""WHAT THEY HOLD: plans, subscriptions from any source, and until when each gives access."""
