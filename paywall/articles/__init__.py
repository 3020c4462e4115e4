"""THE PAPER: articles, how they are rendered, imported and shown."""
