"""Subscriptions as the API makes and changes them (https://docs.stripe.com/api/subscriptions)."""

from paywall.sandbox import (
    catalogue,
    changes,
    collection,
    invoicing,
    renewal,
    session_rules,
    standing,
    updates,
)
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge
from paywall.sandbox.errors import Doc, invalid, resource_missing
from paywall.sandbox.pages import Condition, equals, page
from paywall.sandbox.payments import Answer
from paywall.sandbox.renewal import Opening

_PLAIN = ("description", "trial_settings")
# https://docs.stripe.com/billing/subscriptions/pending-updates-reference
_MAY_WAIT = {
    "add_invoice_items",
    "billing_cycle_anchor",
    "expand",
    "items",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
    "trial_from_plan",
}
_STILL_OPEN = {"cancellation_details", "expand", "metadata"}
_LIVE = "json_extract(body, '$.status') NOT IN ('canceled', 'incomplete_expired')"
_OVER = "json_extract(body, '$.status') IN ('canceled', 'incomplete_expired')"


def create(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/subscriptions; the first invoice is charged at once unless `payment_behavior` differs."""
    customer = books.find("customer", params.get("customer", ""), "customer")
    session_rules.check_trial(books, params)
    trial_end = _trial_end(books, params)
    items = [_item(books, given, i) for i, given in enumerate(params.get("items", []))]
    if not items:
        raise invalid("Missing required param: items.", "items", "parameter_missing")
    opening = Opening(
        customer=customer["id"],
        items=items,
        status="trialing" if trial_end else "incomplete",
        trial_end=trial_end,
        anchor=params.get("billing_cycle_anchor"),
        method=_own_method(books, customer["id"], params.get("default_payment_method")),
        billing_mode=params.get("billing_mode", {}).get("type", "flexible"),
        discounts=params.get("discounts") or [],
        facts=merge({}, params, _PLAIN),
    )
    subscription, invoice = renewal.open_subscription(books, opening)
    _first_payment(books, subscription, invoice, params.get("payment_behavior", "allow_incomplete"))
    if params.get("cancel_at_period_end") or params.get("cancel_at"):
        changes.plan_end(books, books.find("subscription", subscription["id"]), params)
    return books.find("subscription", subscription["id"])


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/subscriptions/:id; ended ones stay."""
    return books.find("subscription", id)


def update(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/subscriptions/:id"""
    subscription = books.find("subscription", id)
    if subscription["status"] in standing.ENDED and params.keys() - _STILL_OPEN:
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    if params.get("payment_behavior") == "pending_if_incomplete" and params.keys() - _MAY_WAIT:
        raise invalid("`payment_behavior=pending_if_incomplete` takes no other changes.", "payment_behavior")
    _own_method(books, subscription["customer"], params.get("default_payment_method"))
    changes.set_facts(books, subscription, params)
    if "discounts" in params:
        changes.set_discounts(books, subscription, params["discounts"] or [])
    changes.plan_end(books, subscription, params)
    if "trial_end" in params:
        changes.move_trial_end(books, subscription, params["trial_end"])
    if "items" in params:
        changes.change_items(books, subscription, params)
    return books.find("subscription", id)


def cancel(books: Books, id: str, params: Doc) -> Doc:
    """DELETE /v1/subscriptions/:id: at once."""
    subscription = books.find("subscription", id)
    if subscription["status"] in standing.ENDED:
        raise resource_missing("subscription", id)
    said = {k: v for k, v in params.get("cancellation_details", {}).items() if v}
    return standing.end(books, subscription, "cancellation_requested", **said)


def pause(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/subscriptions/:id/pause; what is paid for and not used becomes credit, unless told not to."""
    subscription = books.find("subscription", id)
    if subscription["status"] not in ("active", "trialing", "past_due"):
        raise invalid("Only active, trialing or past_due subscriptions can be paused.")
    updates.drop(books, subscription)
    since = (params.get("bill_for", {}).get("unused_time_from") or {}).get("type", "now")
    if since != "none" and subscription["status"] == "active":
        item = books.all("subscription_item", parent=id)[0]
        changes.credit_unused(
            books, subscription, books.now if since == "now" else item["current_period_start"]
        )
        if params.get("invoicing_behavior") == "invoice":
            renewal.bill_now(books, subscription, "subscription_update", period=False)
    return standing.pause(books, books.find("subscription", id), "pause_requested")


def resume(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/subscriptions/:id/resume: a new period starts now, unless the anchor is left unchanged."""
    subscription = books.find("subscription", id)
    if subscription["status"] != "paused":
        raise invalid("You can only resume subscriptions with a status of `paused`.")
    return changes.resume(books, subscription, params)


def list_subscriptions(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/subscriptions; without `status` those that have ended are left out."""
    also = [*_with_status(params.get("status")), *_with_price(params.get("price"))]
    if "customer" in params:
        books.find("customer", params["customer"], "customer")
    where = {"collection_method": params.get("collection_method")}
    customer = params.get("customer")
    return page(books, "subscription", "/v1/subscriptions", params, customer=customer, where=where, also=also)


def list_items(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/subscription_items"""
    parent = params["subscription"]
    return page(books, "subscription_item", "/v1/subscription_items", params, parent=parent)


def retrieve_item(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/subscription_items/:id"""
    return books.find("subscription_item", id)


def update_item(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/subscription_items/:id"""
    item = books.find("subscription_item", id)
    subscription = books.find("subscription", item["subscription"])
    kept = {name: params[name] for name in ("price", "quantity", "metadata") if name in params}
    shared: Doc = {name: params[name] for name in ("proration_behavior", "proration_date") if name in params}
    changes.change_items(books, subscription, {"items": [{"id": id, **kept}], **shared})
    return books.find("subscription_item", id)


def _item(books: Books, given: Doc, index: int) -> Doc:
    if "price" not in given:
        raise invalid(
            "Missing required param: items[0][price].", f"items[{index}][price]", "parameter_missing"
        )
    price = catalogue.sellable(books, given["price"], f"items[{index}][price]")
    if price["type"] != "recurring":
        message = "The price specified is set to `type=one_time`; this field only takes `type=recurring`."
        raise invalid(message, f"items[{index}][price]")
    return given


def _trial_end(books: Books, params: Doc) -> int | None:
    if "trial_period_days" in params:
        return books.now + int(params["trial_period_days"]) * collection.DAY
    end = params.get("trial_end")
    return int(end) if end not in (None, "now") else None


def _own_method(books: Books, customer: str, id: str | None) -> str | None:
    if id and books.find("payment_method", id, "default_payment_method")["customer"] != customer:
        raise invalid(
            "The customer does not have a payment method with the ID given.", "default_payment_method"
        )
    return id or None


def _first_payment(books: Books, subscription: Doc, invoice: Doc, behavior: str) -> None:
    if invoice["amount_due"] == 0:
        collection.settle(books, invoice)
        return
    if behavior == "default_incomplete":
        invoicing.ask_for_payment(books, invoice)
        return
    attempt = collection.collect(books, invoice)
    if attempt.answer is not Answer.PAID and behavior == "error_if_incomplete":
        raise invalid(
            "This customer's card was not charged; the subscription was not made.", None, "card_declined"
        )


def _with_status(status: str | None) -> list[Condition]:
    match status:
        case None:
            return [(_LIVE, ())]
        case "all":
            return []
        case "ended":
            return [(_OVER, ())]
        case _:
            return [equals("status", status)]


def _with_price(price: str | None) -> list[Condition]:
    if price is None:
        return []
    sql = """EXISTS (SELECT 1 FROM objects AS item WHERE item.kind = 'subscription_item'
        AND item.parent = objects.id AND json_extract(item.body, '$.price') = ?)"""
    return [(sql, (price,))]
