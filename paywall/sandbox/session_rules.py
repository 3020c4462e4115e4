"""What a Checkout Session may be asked to be; each refusal in Stripe's words."""

from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc, invalid

_HALF_HOUR, _DAY, _TRIAL_DAYS = 1800, 86_400, 730


def check(books: Books, params: Doc) -> None:
    """Mode, customer, addresses and trial fit together. Raises `SandboxError`."""
    _check_mode(params)
    if params.get("discounts") and "allow_promotion_codes" in params:
        message = "You may only specify one of these parameters: allow_promotion_codes, discounts."
        raise invalid(message, "allow_promotion_codes")
    _check_customer(books, params)
    _check_urls(params)
    data = params.get("subscription_data", {})
    if data.get("trial_end", books.now + 2 * _DAY) < books.now + 2 * _DAY:
        message = "The `trial_end` date has to be at least 2 days in the future."
        raise invalid(message, "subscription_data[trial_end]")
    check_trial(books, data, "subscription_data")


def check_trial(books: Books, data: Doc, at: str = "") -> None:
    """A trial lasts a day at least, and two years at most."""
    days, end = data.get("trial_period_days", 1), data.get("trial_end", books.now)
    if days < 1:
        name = f"{at}[trial_period_days]" if at else "trial_period_days"
        raise invalid("This value must be greater than or equal to 1.", name)
    if days > _TRIAL_DAYS or (end != "now" and end > books.now + _TRIAL_DAYS * _DAY):
        raise invalid("The maximum trial period is 2 years (730 days).", at or "trial_end")


def check_price(mode: str, price: Doc, *, first: bool) -> None:
    """A price fits the mode."""
    if mode == "payment" and price["type"] == "recurring":
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode "
            "or use only one-time prices.",
            "line_items",
        )
    if mode == "subscription" and first and price["type"] == "one_time":
        raise invalid(
            "You must provide at least one recurring price in `subscription` mode when using prices.",
            "line_items",
        )


def expiry(books: Books, params: Doc) -> int:
    """When the session expires: a day from now unless asked for sooner."""
    at = int(params.get("expires_at", books.now + _DAY))
    if at < books.now + _HALF_HOUR - 60:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            "expires_at",
        )
    if at > books.now + _DAY + 60:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            "expires_at",
        )
    return at


def _check_mode(params: Doc) -> None:
    mode = params.get("mode")
    if mode is None:
        raise invalid("Missing required param: mode.", "mode", "parameter_missing")
    if mode != "setup" and not params.get("line_items"):
        raise invalid("Missing required param: line_items.", "line_items", "parameter_missing")
    for name, owner in (("subscription_data", "subscription"), ("payment_intent_data", "payment")):
        if name in params and mode != owner:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", name)
    if "payment_method_collection" in params and mode != "subscription":
        raise invalid(
            "You can only set `payment_method_collection` in `subscription` mode.",
            "payment_method_collection",
        )


def _check_customer(books: Books, params: Doc) -> None:
    if "customer" in params and "customer_email" in params:
        raise invalid("You may only specify one of these parameters: customer, customer_email.", "customer")
    if "customer" in params:
        books.find("customer", params["customer"], "customer")
    if "customer_creation" in params and (params["mode"] == "subscription" or "customer" in params):
        raise invalid(
            "`customer_creation` can only be used in `payment` mode without a customer.", "customer_creation"
        )


def _check_urls(params: Doc) -> None:
    hosted = params.get("ui_mode", "hosted_page") == "hosted_page"
    needed, refused = ("success_url", "return_url") if hosted else ("return_url", "success_url")
    if needed not in params:
        raise invalid(f"Missing required param: {needed}.", needed, "parameter_missing")
    if refused in params:
        raise invalid(f"`{refused}` can not be used with this `ui_mode`.", refused)
    for name in ("success_url", "cancel_url", "return_url"):
        if name in params and not params[name].startswith(("http://", "https://")):
            raise invalid("Not a valid URL", name, "url_invalid")
