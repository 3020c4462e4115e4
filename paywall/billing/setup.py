"""Making a Stripe account ready for our plans: products, prices, portal and webhook; safe to run again."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from paywall.billing.gateway import gateway
from paywall.billing.models import StripeCustomer, StripeTwin, TwinKind
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.errors import Conflict
from paywall.membership.models import Plan, Price

EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "customer.subscription.trial_will_end",
    "customer.discount.created",
    "customer.discount.updated",
    "customer.discount.deleted",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.finalization_failed",
    # No subscription need change with these.
    "invoice.voided",
    "invoice.marked_uncollectible",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.succeeded",
    "charge.failed",
    "charge.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "payout.created",
    "payout.updated",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
    "payout.reconciliation_completed",
    "customer.updated",
    "customer.deleted",
    "payment_method.automatically_updated",
    "payment_method.updated",
)


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that the set-up looked at: what it is, its id at Stripe, whether it had to be made.

    `secret` is set once, when a webhook endpoint is made: Stripe never shows it again.
    """

    what: str
    stripe_id: str
    is_new: bool
    secret: str | None = None


def setup(site_url: str) -> Iterator[Done]:
    """Make what is missing at Stripe and remember the ids; run again, it finds all in place. Commits."""
    yield from make_plans()
    yield _portal(site_url)
    yield _endpoint(f"{site_url}/webhooks/stripe")


def make_plans() -> Iterator[Done]:
    """The products and prices alone; commits."""
    _refuse_mixed_books()
    query = select(Plan.id, Plan.slug, Plan.name, Plan.description).order_by(Plan.position, Plan.id)
    plans = db.session.execute(query).all()
    db.session.commit()
    for plan_id, slug, name, description in plans:
        product = _product(slug)
        is_new = gateway().ensure_product(product, name=name, description=description)
        _remember(TwinKind.PRODUCT, plan_id, product)
        yield Done(f"product {name}", product, is_new)
        yield from _prices(plan_id)


def make_price(price_id: int) -> Done:
    """Make one price of a product that Stripe knows, unless it is there, and remember its id; commits."""
    price = db.session.get_one(Price, price_id)
    slug, money, interval = price.plan.slug, price.money, price.interval
    db.session.commit()
    key = f"paywall-{slug}-{interval}-{money.currency}-{money.amount}"
    stripe_id, is_new = gateway().ensure_price(key, product=_product(slug), money=money, interval=interval)
    _remember(TwinKind.PRICE, price_id, stripe_id)
    return Done(f"price {money.text()} a {interval}", stripe_id, is_new)


def _refuse_mixed_books() -> None:
    """In one database, live patrons and those of a trial run would be one list for reports and door."""
    others = db.session.scalars(
        select(StripeCustomer.mode).where(StripeCustomer.mode != gateway().mode).distinct()
    ).all()
    db.session.commit()
    if others and gateway().mode is Mode.LIVE:
        raise Conflict(
            f"This database holds customers of Stripe's {others[0]} mode. Go live with an empty one: set "
            "PAYWALL_DATABASE_URL or PAYWALL_DATA_DIR to a new place and run `flask db upgrade`."
        )


def _prices(plan_id: int) -> Iterator[Done]:
    query = select(Price.id).where(Price.plan_id == plan_id).order_by(Price.id)
    wanted = db.session.scalars(query).all()
    db.session.commit()
    for price_id in wanted:
        yield make_price(price_id)


def _product(slug: str) -> str:
    return f"paywall_{slug.replace('-', '_')}"


def _portal(site_url: str) -> Done:
    known = _known(TwinKind.PORTAL)
    stripe_id, is_new = gateway().ensure_portal(known, site_url=site_url)
    _remember(TwinKind.PORTAL, 0, stripe_id)
    return Done("customer portal", stripe_id, is_new)


def _endpoint(url: str) -> Done:
    stripe_id, secret = gateway().ensure_endpoint(url, EVENTS)
    _remember(TwinKind.ENDPOINT, 0, stripe_id)
    return Done(f"webhook endpoint {url}", stripe_id, secret is not None, secret)


def _known(kind: TwinKind) -> str | None:
    found = db.session.scalar(
        select(StripeTwin.stripe_id).where(StripeTwin.kind == kind, StripeTwin.mode == gateway().mode)
    )
    db.session.commit()
    return found


def _remember(kind: TwinKind, own_id: int, stripe_id: str) -> None:
    row = db.session.scalar(
        select(StripeTwin).where(
            StripeTwin.kind == kind, StripeTwin.own_id == own_id, StripeTwin.mode == gateway().mode
        )
    ) or StripeTwin(kind=kind, own_id=own_id, mode=gateway().mode)
    row.stripe_id = stripe_id
    db.session.add(row)
    db.session.commit()
