"""Pages of paying: join, Checkout and back, the reader's account, and the door for Stripe's events."""

from collections.abc import Mapping
from typing import get_args

import structlog
from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from paywall import clock
from paywall.access.institutions import reading
from paywall.accounts.limits import by_reader, limiter
from paywall.accounts.models import Reader
from paywall.accounts.privacy import unshared
from paywall.accounts.returning import safe_next
from paywall.accounts.routes import may_enter
from paywall.articles import gift_pages, personal
from paywall.billing import checkout, customers, inbox, promotions
from paywall.billing.cashbook import bills
from paywall.billing.checkout import Outcome
from paywall.billing.gateway import gateway
from paywall.billing.gifts import redeeming
from paywall.billing.groups import seats
from paywall.billing.remote import Flow
from paywall.billing.selfcare import owned, waiting
from paywall.config import Settings
from paywall.db import db
from paywall.errors import BadInput, Unavailable
from paywall.membership import plans, record

EVENT_LIMIT = 1024 * 1024

billing = Blueprint("billing", __name__)
log = structlog.get_logger()


@billing.get("/join")
@may_enter("public")
@limiter.limit("60/hour", exempt_when=lambda: not _code(request.args))
def join() -> str | Response:
    """The plans on offer; a reader who holds one is shown it instead."""
    next_path = safe_next(request.args.get("next"))
    if current_user.is_authenticated and record.billed(current_user.id):
        return redirect(url_for("billing.account"))
    offered, code = plans.on_offer(request.args.get("plan")), _code(request.args)
    bargain, is_known = None, False
    if code:
        try:
            bargain, is_known = promotions.bargain(code, offered), True
        except Unavailable:
            log.warning("code_not_looked_up")
    return render_template(
        "billing/join.html",
        plans=offered,
        next=next_path,
        code=code,
        bargain=bargain,
        is_known=is_known,
        gifts=redeeming.of(current_user.id) if current_user.is_authenticated else [],
        free_until=redeeming.free_until,
    )


@billing.post("/join/checkout")
@may_enter("reader")
@limiter.limit("20/hour", key_func=by_reader)
def begin_checkout() -> Response:
    """Open Stripe's Checkout for the chosen price and go there."""
    price_id = request.form.get("price", 0, type=int)
    if not 0 < price_id < 2**31:
        abort(400)
    try:
        address = checkout.begin(
            _reader(),
            price_id,
            safe_next(request.form.get("next")),
            _code(request.form),
            seats=request.form.get("seats", type=int),
        )
    except checkout.AlreadyPatron as held:
        flash(held.message, "info")
        return redirect(url_for("billing.account"))
    except promotions.CodeRefused as refused:
        flash(refused.message, "warning")
        return redirect(url_for("billing.join", next=safe_next(request.form.get("next"))))
    return redirect(address, 303)


@billing.get("/join/return")
@may_enter("reader")
def checkout_return() -> Response:
    """Back from Checkout: sync at once, then on to the article that the reader came for."""
    try:
        outcome, next_path = checkout.finish(_reader(), request.args.get("session_id", ""))
    except Unavailable:
        flash(
            gettext("Your payment is safe. Stripe has not confirmed it to us yet; this takes a minute."),
            "info",
        )
        return redirect(url_for("billing.account"))
    match outcome:
        case Outcome.PAID:
            flash(gettext("Thank you. You are a patron now: read on."), "success")
        case Outcome.UNDER_WAY:
            flash(gettext("Thank you. Your bank is still moving the money; we write to you when it is here."))
        case Outcome.UNPAID:
            flash(
                gettext("The payment was not completed, and nothing was charged. You can try again."),
                "warning",
            )
            return redirect(url_for("billing.join", next=next_path))
    return redirect(next_path or url_for("billing.account"))


@billing.get("/account")
@may_enter("reader")
def account() -> Response:
    """What the reader holds, in words, with invoices and the way to change each thing."""
    held, now = record.current(current_user.id), clock.now()
    page = render_template(
        "billing/account.html",
        held=held,
        deeds=owned.deeds(held) if held else frozenset(),
        bill=waiting.bill(held) if held else None,
        others=[one for one in record.billed(current_user.id) if one is not held],
        gifts=redeeming.of(current_user.id),
        seats=seats.held(current_user.id),
        invoices=bills.of(current_user.id, most=36),
        institution=reading.through(_reader(), now),
        given=gift_pages.of(current_user.id, now),
        feed=personal.address(current_user.id),
        may_have_feed=personal.may_begin(_reader(), now),
        now=now,
        cheapest=plans.cheapest(),
    )
    return unshared(current_app.make_response(page))


@billing.post("/account/portal")
@may_enter("reader")
@limiter.limit("30/hour", key_func=by_reader)
def open_portal() -> Response:
    """Go to Stripe's own page for this reader: `flow` cancels or changes the card, empty shows all."""
    flow = request.form.get("flow") or None
    if flow is not None and flow not in get_args(Flow):
        abort(400)
    return redirect(checkout.portal(_reader(), flow), 303)  # type: ignore[arg-type]  # checked above


@billing.get("/account/back")
@may_enter("reader")
def portal_return() -> Response:
    """Back from Stripe's page: what was changed there shows at once."""
    reader_id = current_user.id
    try:
        customers.sync_reader(reader_id)
    except Unavailable:
        flash(gettext("Stripe does not answer just now. What you changed there will show here soon."), "info")
    return redirect(url_for("billing.account"))


@billing.post("/webhooks/stripe")
@may_enter("public")
@limiter.exempt
def webhook() -> tuple[str, int]:
    """Take in an event: verify the raw body, store it once, answer. What it means is a job's business."""
    if not gateway().hears:
        abort(404)
    request.max_content_length = EVENT_LIMIT
    raw = request.get_data()
    if len(raw) > EVENT_LIMIT:
        raise RequestEntityTooLarge
    try:
        event = gateway().event(raw, request.headers.get("Stripe-Signature"))
    except BadInput as wrong:
        return wrong.message, wrong.status
    settings: Settings = current_app.extensions["settings"]
    if event.livemode != settings.live:
        # Answered with 2xx: an error would make Stripe retry for days and then switch the endpoint off.
        log.warning("event_of_other_mode", event_id=event.id, livemode=event.livemode)
        return "", 200
    inbox.store(event, raw.decode())
    db.session.commit()
    return "", 200


def _code(given: Mapping[str, str]) -> str | None:
    """A promotion code, if one was given."""
    return given.get("code", "").strip()[: promotions.LONGEST] or None


def _reader() -> Reader:
    reader: Reader = current_user._get_current_object()
    return reader
