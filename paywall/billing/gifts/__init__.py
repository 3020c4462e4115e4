"""GIFTS: a membership paid once by one and redeemed by another."""
