"""Two accounts of one person are joined: nothing is lost or doubled, and what cannot be joined is refused."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from paywall import clock as ours
from paywall.access.gift_links.models import GiftLink
from paywall.access.journey.models import FirstPayment
from paywall.access.models import MeterRead
from paywall.accounts.models import Reader
from paywall.billing import customers
from paywall.billing.cashbook.models import Invoice, Payment
from paywall.billing.models import CheckoutTry, StripeCustomer
from paywall.db import Model, db
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import Source, Status
from paywall.sandbox import Fault, FaultKind
from tests.articles.patrons import hold
from tests.office.desk.conftest import Counter

pytestmark = pytest.mark.story

# Every table that names a reader, and what becomes of it when two accounts are joined.
MOVES = {
    "subscription",
    "stripe_customer",
    "invoice",
    "payment",
    "gift",
    "seat",
    "invitation",
    "gift_link",
    "gift_arrival",
    "first_payment",
    "meter_read",
}
# Written in the past and true of it, closed before, or dead with the account; `factor` only staff have; what
# was carried to a Checkout of either is gone.
STAYS = {
    "carried_touches",
    "factor",
    "membership_event",
    "checkout_try",
    "former_address",
    "name_word",
    "proof",
    "personal_feed",
    "api_token",
    "reader_role",
}


def other(counter: Counter, email: str = "ana.old@example.org") -> int:
    """Another account of the same person."""
    db.session.add(reader := Reader(email=email, confirmed_at=ours.now()))
    db.session.commit()
    return int(reader.id)


def pays(counter: Counter, reader_id: int) -> Subscription:
    """Let one of the accounts join."""
    mine = counter.shop.reader
    db.session.rollback()
    counter.shop.reader = db.session.get_one(Reader, reader_id)
    held = counter.shop.join()
    counter.shop.reader = mine
    return held


def of(reader_id: int) -> list[tuple[Source, Status]]:
    """What an account holds."""
    db.session.rollback()
    query = select(Subscription.source, Subscription.status).where(Subscription.reader_id == reader_id)
    found = [tuple(row) for row in db.session.execute(query.order_by(Subscription.id))]
    db.session.rollback()
    return found  # type: ignore[return-value]


def reads_and_gives(counter: Counter, gone: int) -> None:
    """Free reads of both, one of the same page, and a gift link."""
    for reader_id, key in ((gone, "1"), (gone, "2"), (counter.reader_id, "2")):
        db.session.add(MeterRead(reader_id=reader_id, key=key, read_at=ours.now()))
    db.session.add(GiftLink(giver_id=gone, key="1", by_staff=False, until=ours.now() + timedelta(days=1)))
    db.session.commit()


def test_every_table_that_names_a_reader_is_thought_of() -> None:
    naming = {
        table.name
        for table in Model.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "reader"
    }
    assert naming == MOVES | STAYS
    assert not MOVES & STAYS


def test_an_account_that_pays_becomes_part_of_one_that_does_not(counter: Counter) -> None:
    gone = other(counter)
    held = pays(counter, gone)
    hold("circle", "ana.old@example.org")
    reads_and_gives(counter, gone)
    form = counter.fill("/join", other="ana.old@example.org")
    asked = counter.send("/join", form).text
    assert "Its customer at Stripe, with memberships" in asked
    form["confirmed"] = "yes"
    for _click in range(2):
        assert counter.send("/join", form).status_code == 303
    assert of(gone) == []
    assert of(counter.reader_id) == [(Source.STRIPE, Status.ACTIVE), (Source.COMP, Status.ACTIVE)]
    assert db.session.scalars(select(StripeCustomer.reader_id)).all() == [counter.reader_id]
    for whose in (Invoice.reader_id, Payment.reader_id, GiftLink.giver_id, FirstPayment.reader_id):
        assert set(db.session.scalars(select(whose))) == {counter.reader_id}
    reads = select(MeterRead.reader_id, MeterRead.key).order_by(MeterRead.key)
    assert db.session.execute(reads).all() == [(counter.reader_id, "1"), (counter.reader_id, "2")]
    assert counter.trail() == ["accounts joined"]
    assert "memberships" in counter.acts()[0].after
    customer = counter.stripe().subscriptions.retrieve(held.external_id).customer
    assert counter.stripe().customers.retrieve(str(customer)).email == "ana@example.org"
    page = counter.see()
    assert "<dt>Joined</dt>" in page
    assert "Supporter" in page
    db.session.rollback()


def test_what_was_joined_goes_on_in_the_ledger_as_it_began(counter: Counter) -> None:
    gone = other(counter)
    held = pays(counter, gone)
    counter.do("/join", other="ana.old@example.org")
    counter.do(f"/membership/{held.id}/cancel", when="now")
    assert of(counter.reader_id) == [(Source.STRIPE, Status.CANCELED)]
    assert counter.ledger() == ["started", "ended"]
    lines = db.session.execute(select(MembershipEvent.reader_id, MembershipEvent.monthly_delta)).all()
    assert [tuple(line) for line in lines] == [(gone, 500), (gone, -500)]
    db.session.rollback()


def test_of_two_customers_one_must_hold_nothing_and_its_past_stays_in_sight(counter: Counter) -> None:
    gone = other(counter)
    old = pays(counter, gone)
    counter.shop.join()
    form = {**counter.fill("/join", other="ana.old@example.org"), "confirmed": "yes"}
    assert counter.send("/join", form).status_code == 303
    assert "Cancel one of the two first" in counter.see()
    counter.stripe().subscriptions.cancel(old.external_id)
    customers.sync_reader(gone)
    db.session.rollback()
    asked = counter.send("/join", counter.fill("/join", other="ana.old@example.org")).text
    assert "customers cannot be joined" in asked
    counter.do("/join", other="ana.old@example.org")
    assert of(gone) == [(Source.STRIPE, Status.CANCELED)]
    assert of(counter.reader_id) == [(Source.STRIPE, Status.ACTIVE)]
    page = counter.see()
    assert page.count("of a joined account") == 1
    assert page.count("Paid <span") == 2
    payment = min(row for row in db.session.scalars(select(Payment.id)))
    db.session.rollback()
    counter.do(f"/refund/{payment}", amount="5")
    assert sorted(db.session.scalars(select(Payment.refunded))) == [0, 500]
    db.session.rollback()


def test_who_pays_is_the_one_that_stays(counter: Counter) -> None:
    gone = other(counter)
    mine = counter.shop.join()
    counter.stripe().subscriptions.cancel(mine.external_id)
    counter.sync()
    pays(counter, gone)
    form = counter.fill("/join", other="ana.old@example.org")
    assert "It is ana.old@example.org that pays." in counter.send("/join", form).text
    counter.send("/join", {**form, "confirmed": "yes"})
    assert of(gone) == [(Source.STRIPE, Status.ACTIVE)]
    assert counter.trail() == []


def test_a_payment_page_that_is_open_somewhere_is_closed_before(counter: Counter) -> None:
    gone = other(counter)
    counter.shop.reader = db.session.get_one(Reader, gone)
    session = counter.shop.begin()
    db.session.rollback()
    counter.do("/join", other="ana.old@example.org")
    assert counter.stripe().checkout.sessions.retrieve(session).status == "expired"
    assert db.session.scalar(select(CheckoutTry.closed_at))
    db.session.rollback()


def test_while_stripe_is_silent_nothing_is_joined(counter: Counter) -> None:
    gone = other(counter)
    pays(counter, gone)
    form = {**counter.fill("/join", other="ana.old@example.org"), "confirmed": "yes"}
    counter.shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    assert counter.send("/join", form).status_code == 303
    counter.shop.sandbox.faults.clear()
    assert of(gone) == [(Source.STRIPE, Status.ACTIVE)]
    assert counter.trail() == []
    assert counter.send("/join", form).status_code == 303
    assert of(counter.reader_id) == [(Source.STRIPE, Status.ACTIVE)]


def test_no_account_is_joined_to_itself_or_one_of_staff_or_a_guess(counter: Counter) -> None:
    form = {**counter.fill("/join"), "confirmed": "yes"}
    for named in ("ana@example.org", "membership@staff.example", "nobody@example.org", "ana"):
        assert counter.send("/join", {**form, "other": named}).status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(Reader.id).where(Reader.merged_into_id.is_not(None))).all() == []
    db.session.rollback()
    assert counter.trail() == []
