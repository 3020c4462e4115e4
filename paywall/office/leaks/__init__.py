"""The leak test: canaries in gated articles, and every way we know of asking for them."""
