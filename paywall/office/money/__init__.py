"""MONEY: what of the books staff see: the tie-out, reports that need billing's tables, the monthly mail."""
