"""Ids that look like Stripe's: a prefix that tells the kind, then letters and digits."""

import random
import secrets
import string
from collections.abc import Callable, Sequence

PREFIX = {
    "balance_transaction": "txn_",
    "billing_portal.configuration": "bpc_",
    "billing_portal.session": "bps_",
    "charge": "ch_",
    "checkout.session": "cs_test_",
    "customer": "cus_",
    "discount": "di_",
    "dispute": "du_",
    "event": "evt_",
    "invoice": "in_",
    "invoice_payment": "inpay_",
    "invoiceitem": "ii_",
    "item": "li_",
    "line_item": "il_",
    "payment_intent": "pi_",
    "payment_method": "pm_",
    "payout": "po_",
    "price": "price_",
    "product": "prod_",
    "promotion_code": "promo_",
    "refund": "re_",
    "request": "req_",
    "setup_intent": "seti_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "test_helpers.test_clock": "clock_",
    "v2.core.event": "evt_test_",
    "v2.core.event_destination": "ed_test_",
    "webhook_endpoint": "we_",
    "webhook_secret": "whsec_",
}
_LETTERS = string.ascii_letters + string.digits
_LENGTH = {
    "checkout.session": 58,
    "customer": 14,
    "product": 14,
    "request": 14,
    "v2.core.event": 46,
    "v2.core.event_destination": 44,
    "webhook_secret": 32,
}


class Ids:
    """A source of ids; with a seed, the same ids in the same order (one process only)."""

    def __init__(self, seed: int | None = None) -> None:
        chance = random.Random(seed)  # noqa: S311 - only for reproducible tests
        self._choice: Callable[[Sequence[str]], str] = secrets.choice if seed is None else chance.choice

    def new(self, kind: str) -> str:
        """A fresh id of that kind."""
        return PREFIX.get(kind, "") + self.text(_LENGTH.get(kind, 24))

    def text(self, length: int) -> str:
        """So many letters and digits."""
        return "".join(self._choice(_LETTERS) for _ in range(length))
