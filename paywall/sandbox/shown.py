"""What the payment, portal and invoice pages show, made from Stripe's documents."""

from dataclasses import dataclass
from datetime import datetime

from paywall.sandbox import wording
from paywall.sandbox.errors import Doc
from paywall.sandbox.wording import Label, gettext


@dataclass(frozen=True)
class Line:
    """One line of a bill; `per` says how often it comes."""

    name: str
    amount: str
    note: str = ""
    per: str = ""


@dataclass(frozen=True)
class Order:
    """What a Checkout Session sells."""

    session_id: str
    title: str
    headline: str
    per: str
    then: str
    lines: list[Line]
    due_today: str
    email: str
    cancel_url: str | None
    needs_card: bool
    takes_code: bool
    button: str
    terms: str


@dataclass(frozen=True)
class Invoice:
    """One invoice, as its row in the portal and as its own page show it."""

    id: str
    number: str
    date: datetime
    label: Label
    amount: str
    paid: str
    due: str
    lines: list[Line]
    open: bool
    settled: bool


@dataclass(frozen=True)
class Subscription:
    """One subscription of the portal."""

    id: str
    name: str
    price: str
    label: Label
    next: str
    may_change: bool
    may_cancel: bool
    may_undo: bool


@dataclass(frozen=True)
class Choice:
    """A price that a subscription may change to."""

    id: str
    name: str
    price: str
    description: str


@dataclass(frozen=True)
class CardOnFile:
    """The card that is charged."""

    text: str
    expiry: str


def order(session: Doc) -> Order:
    """`session` as `Checkout.open` gives it: line items with their products, and `trial_end`."""
    items = session["line_items"]["data"]
    free = session["trial_end"] is not None
    due = wording.money(0 if free else session["amount_total"] or 0, session["currency"] or "eur")
    return Order(
        session_id=session["id"],
        title=_title(session, items),
        headline=gettext("Free trial") if free else due,
        per="" if free or not items else wording.rhythm(items[0]["price"]),
        then=_then(session, items) if free else "",
        lines=[_order_line(item) for item in items] + _discount(session),
        due_today=due,
        email=(session["customer_details"] or {}).get("email") or "",
        cancel_url=session["cancel_url"],
        needs_card=session["mode"] == "setup"
        or session["payment_method_collection"] == "always"
        or bool(session["amount_total"]),
        takes_code=bool(session["allow_promotion_codes"]) and not _discount(session),
        button=_button(session, due),
        terms=_terms(session),
    )


def invoice(document: Doc) -> Invoice:
    """From a finalised invoice."""
    currency = document["currency"]
    return Invoice(
        id=document["id"],
        number=document["number"] or document["id"],
        date=wording.instant(document["effective_at"] or document["created"]),
        label=wording.invoice_label(document),
        amount=wording.money(document["total"], currency),
        paid=wording.money(document["amount_paid"], currency),
        due=wording.money(document["amount_remaining"], currency),
        lines=[_invoice_line(line) for line in document["lines"]["data"]],
        open=document["status"] in ("open", "uncollectible"),
        settled=document["status"] == "paid",
    )


def subscription(document: Doc, features: Doc) -> Subscription:
    """`document` with the products of its prices expanded; `features` of the portal's configuration."""
    price = document["items"]["data"][0]["price"]
    live = document["status"] in ("active", "trialing", "past_due")
    ending = live and wording.ends_at(document) is not None
    return Subscription(
        id=document["id"],
        name=price["product"]["name"],
        price=wording.price_text(price),
        label=wording.subscription_label(document),
        next=what_comes(document),
        may_change=live and not ending and features["subscription_update"]["enabled"],
        may_cancel=live and not ending and features["subscription_cancel"]["enabled"],
        may_undo=ending,
    )


def choice(price: Doc) -> Choice:
    """`price` with its product expanded."""
    product = price["product"]
    return Choice(price["id"], product["name"], wording.price_text(price), product["description"] or "")


def card_on_file(method: Doc) -> CardOnFile:
    """From a payment method of type card."""
    card = method["card"]
    return CardOnFile(wording.card_text(card), f"{card['exp_month']:02} / {card['exp_year'] % 100:02}")


def default_card(customer: Doc, subscriptions: list[Doc], methods: list[Doc]) -> CardOnFile | None:
    """The card to be charged next: the subscription's own, else the customer's, else the latest."""
    named = [s["default_payment_method"] for s in subscriptions if s["status"] != "canceled"]
    named.append(customer["invoice_settings"]["default_payment_method"])
    by_id = {method["id"]: method for method in methods}
    chosen = [by_id[id] for id in named if id in by_id] or methods[-1:]
    return card_on_file(chosen[0]) if chosen else None


def reasons(asked: Doc) -> list[tuple[str, str]]:
    """Stripe's feedback words with their text, as far as the portal's configuration asks for them."""
    texts = {
        "too_expensive": gettext("It is too expensive"),
        "missing_features": gettext("I miss something"),
        "switched_service": gettext("I read another paper instead"),
        "unused": gettext("I do not read it enough"),
        "customer_service": gettext("The service was poor"),
        "too_complex": gettext("It is too complicated"),
        "low_quality": gettext("The quality is less than I expected"),
        "other": gettext("Something else"),
    }
    return [(word, text) for word, text in texts.items() if asked["enabled"] and word in asked["options"]]


def settlement(proration_behavior: str) -> str:
    """What a change of price costs now."""
    match proration_behavior:
        case "always_invoice":
            return gettext("The difference for the rest of the period is settled at once.")
        case "create_prorations":
            return gettext("The difference for the rest of the period comes on the next invoice.")
        case _:
            return gettext("The new price counts from the next invoice.")


def what_comes(document: Doc) -> str:
    """When a subscription is charged next or ends, or why it stands still."""
    end = wording.ends_at(document)
    through = wording.day(wording.instant(end or wording.paid_through(document)))
    match document["status"]:
        case "active" | "trialing" if end is not None:
            return gettext("Ends on %(date)s and will not renew.", date=through)
        case "active":
            return gettext("Renews on %(date)s.", date=through)
        case "trialing":
            return gettext("Free until %(date)s, then it is charged.", date=through)
        case "past_due" | "unpaid" | "incomplete":
            return gettext("The last payment failed. Pay the open invoice, or change the card.")
        case "paused":
            return gettext("Paused: nothing is charged.")
        case _:
            ended = document["ended_at"] or document["canceled_at"] or document["created"]
            return gettext("Ended on %(date)s.", date=wording.day(wording.instant(ended)))


def _title(session: Doc, items: list[Doc]) -> str:
    if session["mode"] == "setup":
        return gettext("Save a card")
    name: str = items[0]["price"]["product"]["name"]
    return gettext("Subscribe to %(name)s", name=name) if session["mode"] == "subscription" else name


def _then(session: Doc, items: list[Doc]) -> str:
    start = wording.day(wording.instant(session["trial_end"]))
    return gettext("Then %(price)s, from %(date)s", price=wording.price_text(items[0]["price"]), date=start)


def _order_line(item: Doc) -> Line:
    price = item["price"]
    quantity = gettext("Quantity: %(n)s", n=item["quantity"]) if item["quantity"] != 1 else ""
    amount = wording.money(price["unit_amount"] * item["quantity"], price["currency"])
    note = price["product"]["description"] or quantity
    return Line(price["product"]["name"], amount, note, wording.rhythm(price))


def _discount(session: Doc) -> list[Line]:
    off = (session["total_details"] or {}).get("amount_discount", 0)
    return [Line(gettext("Discount"), f"−{wording.money(off, session['currency'])}")] if off else []


def _button(session: Doc, due: str) -> str:
    if session["trial_end"] is not None:
        return gettext("Start the trial")
    if session["mode"] == "setup":
        return gettext("Save card")
    if session["mode"] == "subscription":
        return gettext("Subscribe for %(amount)s", amount=due)
    return gettext("Pay %(amount)s", amount=due)


def _terms(session: Doc) -> str:
    if session["mode"] != "subscription":
        return ""
    return gettext("The card is charged again at each renewal, until you cancel.")


def _invoice_line(line: Doc) -> Line:
    span = (wording.day(wording.instant(line["period"][end])) for end in ("start", "end"))
    return Line(line["description"] or "", wording.money(line["amount"], line["currency"]), " – ".join(span))
