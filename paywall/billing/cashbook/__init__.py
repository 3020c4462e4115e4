"""CASH BOOK: what money moved: payments, refunds, disputes, Stripe's fees, payouts."""
