"""Changing a running subscription: its end, its trial, its items with prorations, its discounts."""

from fractions import Fraction

from paywall.sandbox import catalogue, collection, discounts, pending, renewal, standing, updates
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, ErrorType, SandboxError, invalid, resource_missing
from paywall.sandbox.invoicing import Line
from paywall.sandbox.payments import Presence

_PLAIN = ("cancellation_details", "default_payment_method", "description", "trial_settings")

_PERIOD_ENDS = ("max_billed_until", "max_period_end", "min_period_end")


def set_facts(books: Books, subscription: Doc, params: Doc) -> None:
    """Fields that are simply written or merged."""
    facts = merge({name: subscription.get(name) for name in (*_PLAIN, "metadata")}, params, _PLAIN)
    if "pause_collection" in params:
        _pause_collection(books, subscription, facts, params["pause_collection"])
    standing.change(books, subscription, **facts)


def plan_end(books: Books, subscription: Doc, params: Doc) -> None:
    """`cancel_at_period_end` and `cancel_at`, set or taken back."""
    at = params.get("cancel_at")
    if params.get("cancel_at_period_end"):
        standing.end_with_period(books, subscription)
    elif at in _PERIOD_ENDS:
        standing.schedule_end(books, subscription, standing.period_end(books, subscription))
    elif at:
        _end_at(books, subscription, int(at))
    elif at == "" or params.get("cancel_at_period_end") is False:
        standing.keep(books, subscription)


def move_trial_end(books: Books, subscription: Doc, wanted: int | str) -> None:
    """End the trial now, or at another instant."""
    if wanted == "now":
        standing.change(books, subscription, trial_end=books.now, billing_cycle_anchor=books.now)
        books.stop(subscription["id"], "trial_will_end")
        renewal.begin_period(books, subscription)
        invoice = books.find("invoice", subscription["latest_invoice"])
        renewal.finalize_and_collect(books, invoice)
        return
    at = int(wanted)
    if at <= books.now:
        raise invalid("The `trial_end` date has to be in the future.", "trial_end")
    for item in books.all("subscription_item", parent=subscription["id"]):
        books.save({**item, "current_period_end": at})
    started = subscription["trial_start"] or books.now
    standing.change(
        books, subscription, status="trialing", trial_start=started, trial_end=at, billing_cycle_anchor=at
    )
    books.timer("renew", subscription["id"], at)
    books.timer("trial_will_end", subscription["id"], max(books.now, at - 3 * collection.DAY))


def resume(books: Books, subscription: Doc, params: Doc) -> Doc:
    """A paused subscription runs again: a new period starts now and is paid for, or the old one goes on.

    With `resume_on_payment_success` it stays paused until that bill is paid.
    """
    if params.get("billing_cycle_anchor", {}).get("type") == "unchanged":
        _go_on(books, subscription, params)
    elif params.get("payment_behavior") == "resume_on_payment_success":
        _resume_if_paid(books, subscription)
    else:
        _run_again(books, subscription, billing_cycle_anchor=books.now)
        renewal.begin_period(books, subscription)
        renewal.finalize_and_collect(books, books.find("invoice", subscription["latest_invoice"]))
    return books.find("subscription", subscription["id"])


def credit_unused(books: Books, subscription: Doc, since: int) -> None:
    """What was paid for the time from an instant to the period's end waits as credit for the next bill."""
    for item in books.all("subscription_item", parent=subscription["id"]):
        _prorate(books, subscription, item, books.find("price", item["price"]), sign=-1, at=since)


def set_discounts(books: Books, subscription: Doc, wanted: list[Doc]) -> None:
    """Replace the discounts; `{discount: id}` keeps one that is there."""
    kept = [_kept(subscription, given) or discounts.grant(books, subscription, given) for given in wanted]
    standing.change(books, subscription, discounts=kept)


def change_items(books: Books, subscription: Doc, params: Doc) -> None:
    """Other prices or quantities. Changes are prorated; another rhythm starts a new period, billed now.

    With `error_if_incomplete` nothing changes unless that bill is paid, with `pending_if_incomplete` not
    before it is. A change that waited for its bill gives way to the next.
    """
    updates.drop(books, subscription)
    before, kept = books.render(subscription), updates.remember(books, subscription)
    anchored = apply_items(books, subscription, params["items"], params)
    at_once = params.get("proration_behavior") == "always_invoice"
    is_billed = subscription["status"] != "trialing" and (anchored or at_once)
    if is_billed and params.get("payment_behavior") == "pending_if_incomplete":
        _bill_first(books, subscription, kept, "subscription_update", period=anchored)
        books.emit("customer.subscription.updated", books.find("subscription", subscription["id"]), before)
        return
    books.emit("customer.subscription.updated", subscription, before)
    if is_billed:
        invoice = renewal.bill_now(books, subscription, "subscription_update", period=anchored)
        if invoice["status"] != "paid" and params.get("payment_behavior") == "error_if_incomplete":
            raise SandboxError(
                "Your card was declined.", status=402, type=ErrorType.CARD, code="card_declined"
            )


def apply_items(books: Books, subscription: Doc, wanted: list[Doc], how: Doc) -> bool:
    """Write the items and their prorations, as `how` says. True if a new period started."""
    anchored = _change_each(books, subscription, wanted, how)
    if anchored:
        subscription["billing_cycle_anchor"] = books.now
        books.save(subscription)
        renewal.set_periods(books, subscription)
    return anchored


def _bill_first(books: Books, subscription: Doc, kept: updates.Before, reason: str, *, period: bool) -> bool:
    """Bill a change that is already written; unless it is paid, undo it and let it wait."""
    invoice = renewal.bill_now(books, subscription, reason, period=period, presence=Presence())
    if invoice["status"] != "paid":
        updates.hold(books, subscription, kept, invoice)
    return bool(invoice["status"] == "paid")


def _run_again(books: Books, subscription: Doc, **facts: int) -> None:
    before = books.render(subscription)
    subscription.update(status="active", status_details=None, **facts)
    books.save(subscription)
    books.emit("customer.subscription.resumed", subscription)
    books.emit("customer.subscription.updated", subscription, before)


def _go_on(books: Books, subscription: Doc, params: Doc) -> None:
    ends = standing.period_end(books, subscription)
    if params.get("proration_behavior") != "none" or ends <= books.now:
        raise invalid(
            "The sandbox resumes an unchanged period without prorations, and before its end.",
            "billing_cycle_anchor",
        )
    _run_again(books, subscription)
    books.timer("renew", subscription["id"], ends)


def _resume_if_paid(books: Books, subscription: Doc) -> None:
    updates.drop(books, subscription)
    before, kept = books.render(subscription), updates.remember(books, subscription)
    subscription.update(status="active", billing_cycle_anchor=books.now)
    books.save(subscription)
    renewal.set_periods(books, subscription)
    if _bill_first(books, subscription, kept, "subscription_cycle", period=True):
        subscription["status_details"] = None
        books.save(subscription)
        books.emit("customer.subscription.resumed", subscription)
    books.emit("customer.subscription.updated", subscription, before)


def _kept(subscription: Doc, given: Doc) -> str | None:
    id: str | None = given.get("discount")
    if id and id not in subscription["discounts"]:
        raise resource_missing("discount", id, "discounts")
    return id


def _end_at(books: Books, subscription: Doc, at: int) -> None:
    if at <= books.now:
        raise invalid("The `cancel_at` date has to be in the future.", "cancel_at")
    standing.schedule_end(books, subscription, at)


def _pause_collection(books: Books, subscription: Doc, facts: Doc, wanted: Doc | str) -> None:
    facts["pause_collection"] = wanted or None
    books.stop(subscription["id"], "resume_collection")
    if isinstance(wanted, dict) and wanted.get("resumes_at"):
        books.timer("resume_collection", subscription["id"], wanted["resumes_at"])


def _change_each(books: Books, subscription: Doc, wanted: list[Doc], how: Doc) -> bool:
    anchored, at = False, how.get("proration_date", books.now)
    prorates = how.get("proration_behavior") != "none" and subscription["status"] != "trialing"
    for index, given in enumerate(wanted):
        item = _known_item(books, subscription, given, index)
        if prorates:
            _check_date(item, at)
        old = books.find("price", item["price"])
        new = catalogue.sellable(books, given.get("price") or old["id"], f"items[{index}][price]")
        quantity = given.get("quantity", item["quantity"])
        rhythm = ("interval", "interval_count")
        anchored = anchored or any(old["recurring"][name] != new["recurring"][name] for name in rhythm)
        if prorates and (new["id"] != old["id"] or quantity != item["quantity"]):
            _prorate(books, subscription, item, old, sign=-1, at=at)
            if not anchored:
                _prorate(books, subscription, {**item, "quantity": quantity}, new, sign=1, at=at)
        merged = metadata(given.get("metadata"), item["metadata"])
        books.save({**item, "price": new["id"], "quantity": quantity, "metadata": merged})
    return anchored and subscription["status"] != "trialing"


def _known_item(books: Books, subscription: Doc, given: Doc, index: int) -> Doc:
    if given.get("deleted") or "id" not in given:
        raise invalid(
            "The sandbox changes the items that a subscription has; name one by `id`.", f"items[{index}]"
        )
    item = books.find("subscription_item", given["id"], f"items[{index}][id]")
    if item["subscription"] != subscription["id"]:
        raise invalid("That item belongs to another subscription.", f"items[{index}][id]")
    return item


def _check_date(item: Doc, at: int) -> None:
    if not item["current_period_start"] <= at <= item["current_period_end"]:
        message = "Cannot specify proration date outside of current subscription period."
        raise invalid(message, "proration_date")


def _prorate(books: Books, subscription: Doc, item: Doc, price: Doc, *, sign: int, at: int) -> None:
    start, end = item["current_period_start"], item["current_period_end"]
    left = Fraction(end - at, end - start)
    name = books.find("product", price["product"])["name"]
    line = Line(
        price=price,
        quantity=item["quantity"],
        amount=sign * round(price["unit_amount"] * item["quantity"] * left),
        start=at,
        end=end,
        item=item["id"],
        proration=True,
        description=f"{'Unused' if sign < 0 else 'Remaining'} time on {name}",
    )
    pending.add(books, subscription, line)
