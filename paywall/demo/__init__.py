"""The demo: a small paper with plans, readers and articles, and the command that runs it."""
