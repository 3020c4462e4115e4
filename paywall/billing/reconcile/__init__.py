"""RECONCILE: our books held against the whole of Stripe's, and each difference mended."""
