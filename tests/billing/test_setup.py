"""Making a Stripe account ready: run twice, nothing is made twice."""

import pytest
import stripe
from sqlalchemy import select, update

from paywall.billing.gateway import gateway
from paywall.billing.models import StripeTwin, TwinKind
from paywall.billing.remote import Mode
from paywall.billing.setup import EVENTS, setup
from paywall.db import db
from paywall.errors import Conflict
from paywall.membership import plans
from paywall.membership.models import Price
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from tests.shop import SITE, Shop


def test_a_second_run_finds_everything_in_place(shop: Shop) -> None:
    again = list(setup(SITE))
    assert not any(done.is_new for done in again)
    assert not any(done.secret for done in again)
    assert [done.what.split()[0] for done in again] == [
        "product", "price", "product", "price", "price", "customer", "webhook"
    ]  # fmt: skip


def test_a_new_database_finds_what_an_older_one_made(shop: Shop) -> None:
    before = {(twin.kind, twin.own_id): twin.stripe_id for twin in db.session.scalars(select(StripeTwin))}
    for twin in db.session.scalars(select(StripeTwin)):
        db.session.delete(twin)
    db.session.commit()
    list(setup(SITE))
    after = {(twin.kind, twin.own_id): twin.stripe_id for twin in db.session.scalars(select(StripeTwin))}
    portal = (TwinKind.PORTAL, 0)
    assert {key: value for key, value in after.items() if key != portal} == {
        key: value for key, value in before.items() if key != portal
    }


def test_the_endpoint_speaks_the_version_that_we_read(shop: Shop) -> None:
    endpoints = gateway().client.v1.webhook_endpoints
    (one,) = endpoints.list().data
    assert (one.url, one.api_version) == (f"{SITE}/webhooks/stripe", stripe.api_version)
    assert set(one.enabled_events) == set(EVENTS)


def test_an_endpoint_of_another_version_is_replaced(shop: Shop) -> None:
    endpoints = gateway().client.v1.webhook_endpoints
    (old,) = endpoints.list().data
    endpoints.delete(old.id)
    endpoints.create({"url": f"{SITE}/webhooks/stripe", "enabled_events": ["invoice.paid"]})
    endpoints.create({"url": "https://other.example/hook", "enabled_events": ["invoice.paid"]})
    made = [done for done in setup(SITE) if done.secret]
    assert len(made) == 1
    assert {one.url for one in endpoints.list().data} == {
        f"{SITE}/webhooks/stripe",
        "https://other.example/hook",
    }


def test_a_portal_that_was_lost_is_made_anew(shop: Shop) -> None:
    db.session.execute(
        update(StripeTwin).where(StripeTwin.kind == TwinKind.PORTAL).values(stripe_id="bpc_gone")
    )
    db.session.commit()
    assert [done.is_new for done in setup(SITE) if done.what == "customer portal"] == [True]


def test_a_new_price_is_made_and_the_old_one_kept_for_who_pays_it(shop: Shop) -> None:
    held = shop.join()
    plans.write(PlanText("supporter", "Supporter", "", {Interval.MONTH: Money(600, "eur")}), "For the test")
    db.session.commit()
    made = [done.what for done in setup(SITE) if done.is_new]
    assert made == ["price €6 a month"]
    sold = db.session.scalars(
        select(Price.amount).where(Price.active, Price.interval == Interval.MONTH)
    ).all()
    assert sorted(sold) == [600, 1500]
    assert held.amount == 500


def test_going_live_with_the_customers_of_a_trial_run_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.begin()
    monkeypatch.setattr(gateway(), "mode", Mode.LIVE)
    with pytest.raises(Conflict, match="Go live with an empty one"):
        list(setup(SITE))
