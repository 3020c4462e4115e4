"""Opening Stripe's pages for a reader: one customer each, one open Checkout, never a second subscription."""

import contextlib
import enum
from dataclasses import replace

from flask import current_app, url_for
from flask_babel import gettext
from sqlalchemy import select, update

from paywall import clock
from paywall.access.journey import paying
from paywall.accounts.models import Reader
from paywall.billing import customers, promotions, twins
from paywall.billing.gateway import gateway
from paywall.billing.gifts import redeeming
from paywall.billing.groups import sizing
from paywall.billing.models import CheckoutTry, StripeCustomer, TwinKind
from paywall.billing.remote import Checkout, Flow, Gone, NotDiscounted, Terms
from paywall.billing.sync import sync
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Conflict, NotFound, Unavailable
from paywall.membership import record
from paywall.membership.models import PlanState, Price, Subscription
from paywall.membership.rules import Source


class AlreadyPatron(Conflict):
    """The reader has a live subscription: a second one is not sold."""


class Outcome(enum.StrEnum):
    """What came of a Checkout page: paid, paid with money still on its way, or not paid."""

    PAID = "paid"
    UNDER_WAY = "under_way"
    UNPAID = "unpaid"


def begin(
    reader: Reader,
    price_id: int,
    next_path: str | None,
    code: str | None = None,
    *,
    seats: int | None = None,
) -> str:
    """Open a Checkout page for a reader, with a promotion code if given, and return its address; commits.

    For a plan with seats so many are bought, or else the least that are sold.

    Our tables are asked first, then Stripe; then any page opened earlier is closed. Raises AlreadyPatron,
    NotFound for a price that is not sold, BadInput for a number of seats that is not, CodeRefused, Conflict
    if another tab was quicker, Unavailable.
    """
    price = _sold(price_id)
    bought = sizing.bought(price.plan, seats)
    _refuse_second(reader.id)
    customer = customers.ensure(reader)
    sync(customer.id)
    _refuse_second(reader.id)
    terms = replace(_terms(reader.id, price, code), seats=bought)
    turn = _take_turn(customer.id)
    close_open(reader.id)
    # Another tab's page may have been paid, and its return synced, since we asked above.
    _refuse_second(reader.id)
    known = customer.stripe_id
    try:
        return _open(reader, customer, price, terms, turn=turn, next_path=next_path)
    except NotDiscounted:
        raise promotions.refused(code or "") from None
    except Gone as gone:
        if gone.param != "customer":
            raise
        # Someone deleted the customer in Stripe's dashboard: the reader gets a new one, once.
        customers.forget(reader.id, known)
        customer = customers.ensure(reader)
        sync(customer.id)
        return _open(reader, customer, price, terms, turn=turn, next_path=next_path)


def finish(reader: Reader, session_id: str) -> tuple[Outcome, str | None]:
    """What came of a Checkout page, for the reader to whom it belongs, and where they want to be; commits.

    Whether they may read is never taken from here but from the sync that this runs.
    """
    held = db.session.scalar(
        select(CheckoutTry).where(CheckoutTry.session_id == session_id, CheckoutTry.reader_id == reader.id)
    )
    if held is None:
        raise NotFound(gettext("This payment page was not opened by this account."))
    try_id, reader_id, next_path = held.id, reader.id, held.next_path
    db.session.commit()
    session = gateway().checkout(session_id)
    if session.reader != str(reader_id) or session.status != "complete":
        return Outcome.UNPAID, next_path
    customers.sync_reader(reader_id)
    _closed(try_id)
    return Outcome.PAID if session.is_paid else Outcome.UNDER_WAY, next_path


def close_open(reader_id: int) -> None:
    """Close the pages that a reader opened earlier; what was paid on one shows in a sync; commits."""
    query = select(CheckoutTry.id, CheckoutTry.session_id).where(
        CheckoutTry.reader_id == reader_id,
        CheckoutTry.mode == gateway().mode,
        CheckoutTry.closed_at.is_(None),
    )
    opened = db.session.execute(query).all()
    db.session.commit()
    was_paid = False
    for try_id, session_id in opened:
        with contextlib.suppress(Gone):
            was_paid |= not gateway().expire_checkout(session_id) and _is_complete(session_id)
        _closed(try_id)
    if was_paid:
        customers.sync_reader(reader_id)


def portal(reader: Reader, flow: Flow | None) -> str:
    """The address of Stripe's page where this reader manages what they hold; for one click only; commits."""
    customer = db.session.scalar(customers.of(reader.id).with_only_columns(StripeCustomer.stripe_id))
    if customer is None:
        raise NotFound(gettext("There is nothing to manage yet: this account has never paid by card."))
    held = record.current(reader.id)
    subject = held.external_id if held and held.source is Source.STRIPE else ""
    settings: Settings = current_app.extensions["settings"]
    configuration = twins.stripe_id(TwinKind.PORTAL, 0)
    back = settings.site_url + url_for("billing.portal_return")
    db.session.commit()
    return gateway().portal(customer, configuration=configuration, back=back, flow=flow, subject=subject)


def _sold(price_id: int) -> Price:
    price = db.session.get(Price, price_id)
    if price is None or not price.active or price.plan.state is PlanState.CLOSED:
        raise NotFound(gettext("This price is no longer offered. Please choose again."))
    return price


def _terms(reader_id: int, price: Price, code: str | None) -> Terms:
    settings: Settings = current_app.extensions["settings"]
    trial_days = 0 if _had_one(reader_id) else price.plan.trial_days
    free_until = redeeming.free_until(reader_id, price.plan_id)
    db.session.commit()
    promotion = promotions.required(code).id if code else None
    return Terms(trial_days, free_until, promotion, takes_codes=settings.promotion_codes)


def _had_one(reader_id: int) -> bool:
    return (
        db.session.scalar(select(Subscription.id).where(Subscription.reader_id == reader_id).limit(1))
        is not None
    )


def _refuse_second(reader_id: int) -> None:
    if record.billed(reader_id):
        raise AlreadyPatron(gettext("You already have a membership. You can change it on your account page."))


def _take_turn(customer_id: int) -> int:
    turn = db.session.scalar(
        update(StripeCustomer)
        .where(StripeCustomer.id == customer_id)
        .values(turn=StripeCustomer.turn + 1)
        .returning(StripeCustomer.turn)
    )
    db.session.commit()
    return int(turn or 0)


def _is_complete(session_id: str) -> bool:
    return gateway().checkout(session_id).status == "complete"


def _open(
    reader: Reader,
    customer: StripeCustomer,
    price: Price,
    terms: Terms,
    *,
    turn: int,
    next_path: str | None,
) -> str:
    settings: Settings = current_app.extensions["settings"]
    row_id, stripe_id, reader_id, price_id = customer.id, customer.stripe_id or "", reader.id, price.id
    twin = twins.stripe_id(TwinKind.PRICE, price_id)
    db.session.commit()
    if twin is None:
        raise Unavailable("This price is not at Stripe yet: staff must run `flask paywall stripe-setup`.")
    session = gateway().open_checkout(
        customer=stripe_id,
        reader_id=reader_id,
        price=twin,
        terms=terms,
        urls=(
            f"{settings.site_url}{url_for('billing.checkout_return')}?session_id={{CHECKOUT_SESSION_ID}}",
            f"{settings.site_url}{url_for('billing.join', next=next_path)}",
        ),
        key=f"{stripe_id}:{turn}",
    )
    return _keep(row_id, turn, reader_id, price_id, session, next_path)


def _keep(
    customer_id: int, turn: int, reader_id: int, price_id: int, session: Checkout, next_path: str | None
) -> str:
    """Write the page down, unless another tab has begun since: then close ours and say so."""
    mine = db.session.scalar(
        select(StripeCustomer.turn).where(StripeCustomer.id == customer_id).with_for_update()
    )
    overtaken = mine != turn
    if not overtaken:
        db.session.add(
            CheckoutTry(
                reader_id=reader_id,
                price_id=price_id,
                mode=gateway().mode,
                session_id=session.id,
                next_path=next_path,
            )
        )
        paying.checkout_opened(reader_id)
    db.session.commit()
    if overtaken:
        gateway().expire_checkout(session.id)
        raise Conflict(gettext("You have just opened the payment page in another tab. Please go on there."))
    return session.url or ""


def _closed(try_id: int) -> None:
    db.session.execute(update(CheckoutTry).where(CheckoutTry.id == try_id).values(closed_at=clock.now()))
    db.session.commit()
