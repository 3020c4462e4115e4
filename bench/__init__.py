"""Figures of the product: each measured here and now, beside a yardstick where one makes sense."""
