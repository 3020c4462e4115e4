"""How Stripe's amounts, intervals, dates and states read on the stand-in's pages."""

from dataclasses import dataclass
from datetime import UTC, datetime

import flask_babel

from paywall.money import Money
from paywall.sandbox.errors import Doc


@dataclass(frozen=True)
class Label:
    """A state in words, with the tone in which it is shown: good, warn, bad, or empty for plain."""

    text: str
    tone: str = ""


def gettext(message: str, **values: object) -> str:
    """The message in the reader's language."""
    text: str = flask_babel.gettext(message, **values)
    return text


def ngettext(one: str, many: str, num: int) -> str:
    """The message that fits the number."""
    text: str = flask_babel.ngettext(one, many, num)
    return text


def money(amount: int, currency: str) -> str:
    """Minor units as people write them: "€5" or "€5.50"."""
    return Money(amount, currency).text(str(flask_babel.get_locale()))


def rhythm(price: Doc) -> str:
    """How often a price is paid: "per month", "every 3 months"; empty when it is paid once."""
    recurring = price["recurring"]
    if not recurring:
        return ""
    count = recurring["interval_count"]
    match recurring["interval"]:
        case "day":
            return ngettext("per day", "every %(num)d days", count)
        case "week":
            return ngettext("per week", "every %(num)d weeks", count)
        case "month":
            return ngettext("per month", "every %(num)d months", count)
        case _:
            return ngettext("per year", "every %(num)d years", count)


def price_text(price: Doc) -> str:
    """ "€5 per month"."""
    return f"{money(price['unit_amount'], price['currency'])} {rhythm(price)}".strip()


def instant(seconds: int) -> datetime:
    """Stripe's Unix seconds as an aware UTC datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def day(when: datetime) -> str:
    """A date for a person, in the paper's time zone."""
    text: str = flask_babel.format_datetime(when, "d MMM y")
    return text


def minute(when: datetime) -> str:
    """A date and time for a person, in the paper's time zone."""
    text: str = flask_babel.format_datetime(when, "EEE d MMM y, HH:mm")
    return text


def card_text(card: Doc) -> str:
    """ "Visa •••• 4242"."""
    return f"{brand(card['brand'])} •••• {card['last4']}"


def brand(word: str) -> str:
    """A card brand as its owner writes it."""
    names = {"amex": "American Express", "jcb": "JCB", "unionpay": "UnionPay", "mastercard": "Mastercard"}
    return names.get(word, word.capitalize())


def subscription_label(subscription: Doc) -> Label:
    """The state of a subscription; a coming end is told before all else."""
    status = subscription["status"]
    if status in ("active", "trialing") and ends_at(subscription):
        return Label(gettext("Ends soon"), "warn")
    known = {
        "active": Label(gettext("Active"), "good"),
        "trialing": Label(gettext("Trial"), "good"),
        "past_due": Label(gettext("Payment overdue"), "bad"),
        "unpaid": Label(gettext("Unpaid"), "bad"),
        "incomplete": Label(gettext("Payment incomplete"), "warn"),
        "paused": Label(gettext("Paused")),
        "canceled": Label(gettext("Ended")),
    }
    return known.get(status, Label(gettext("Expired")))


def ends_at(subscription: Doc) -> int | None:
    """When a running subscription will end, if that is decided (Unix seconds)."""
    at: int | None = subscription["cancel_at"]
    if at is None and subscription["cancel_at_period_end"]:
        at = paid_through(subscription)
    return at


def paid_through(subscription: Doc) -> int:
    """The end of the running period (Unix seconds)."""
    return max(int(item["current_period_end"]) for item in subscription["items"]["data"])


def invoice_label(invoice: Doc) -> Label:
    """The state of an invoice."""
    known = {
        "draft": Label(gettext("Draft")),
        "open": Label(gettext("Open"), "warn"),
        "paid": Label(gettext("Paid"), "good"),
        "void": Label(gettext("Void")),
    }
    return known.get(invoice["status"], Label(gettext("Given up"), "bad"))
