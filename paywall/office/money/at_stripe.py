"""Where a thing is seen in Stripe's dashboard, by its id. Pure."""

from paywall.billing.remote import Mode

DASHBOARD = "https://dashboard.stripe.com"
PLACES = {
    "ch": "payments",
    "py": "payments",
    "pi": "payments",
    "in": "invoices",
    "po": "payouts",
    "du": "disputes",
    "dp": "disputes",
    "cus": "customers",
    "sub": "subscriptions",
}


def address(stripe_id: str, mode: Mode) -> str | None:
    """The page of a thing; what has none of its own is searched for. The stand-in has no dashboard."""
    if mode is Mode.SANDBOX:
        return None
    base = DASHBOARD if mode is Mode.LIVE else f"{DASHBOARD}/test"
    place = PLACES.get(stripe_id.partition("_")[0])
    return f"{base}/{place}/{stripe_id}" if place else f"{base}/search?query={stripe_id}"
