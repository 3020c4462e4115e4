"""One box finds a reader by whatever is known of them; an exact word leads straight there."""

from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select, text

from paywall import clock
from paywall.accounts import names, readers
from paywall.accounts.models import Reader
from paywall.billing.cashbook.models import Dispute, Invoice, Payment, Refund
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState
from paywall.billing.models import CheckoutTry, StripeCustomer
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.membership.models import Plan
from paywall.office.desk import finding
from paywall.office.desk.timeline import Cursor
from tests.office.desk.conftest import Counter

PEOPLE = {
    "mary.poppins@example.org": "Mary Poppins",
    "bert@example.net": "Bert Žižka-Poppins",
    "mary.smith@news.example.org": "Mary Smith",
    "jane@xn--bcher-kva.example": None,
    "p_t%@example.com": None,
}

BEGINNINGS = {
    "mary": ["mary.poppins@example.org", "mary.smith@news.example.org"],
    "MARY.P": ["mary.poppins@example.org"],
    "  mary poppins ": ["mary.poppins@example.org"],
    "poppins mary": ["mary.poppins@example.org"],
    "pop": ["bert@example.net", "mary.poppins@example.org"],
    "zizka": ["bert@example.net"],
    "ŽIŽKA poppins": ["bert@example.net"],
    "mary@": [],
    "bert@": ["bert@example.net"],
    "@example.org": ["mary.poppins@example.org"],
    "example.": ["bert@example.net", "mary.poppins@example.org", "p_t%@example.com"],
    "@xn--bcher": ["jane@xn--bcher-kva.example"],
    "p_t%": ["p_t%@example.com"],
    "p%": ["bert@example.net", "mary.poppins@example.org"],
    "_": [],
    "": [],
    "nobody at all": [],
    "'; drop table reader": [],
}


@pytest.fixture
def people(app: Flask, context: None) -> Iterator[None]:
    """Some readers with and without names."""
    for email, name in PEOPLE.items():
        db.session.add(reader := Reader(email=email))
        db.session.flush()
        names.give(reader, name)
    db.session.commit()
    yield
    db.session.rollback()


def test_what_begins_so_is_found(people: None) -> None:
    for asked, found in BEGINNINGS.items():
        result = finding.find(asked)
        assert [reader.email for reader in result.readers] == found, asked
        assert not result.is_exact


def test_a_whole_address_is_exact_and_so_is_one_of_before(people: None) -> None:
    reader = readers.find("mary.poppins@example.org")
    assert reader
    readers.move(reader, "old@example.org")
    readers.move(reader, "mary.poppins@example.org")
    for asked in ("mary.poppins@example.org", " Mary.Poppins@EXAMPLE.org", "old@example.org"):
        result = finding.find(asked)
        assert (result.is_exact, [one.email for one in result.readers]) == (
            True,
            ["mary.poppins@example.org"],
        )


def test_no_more_are_shown_than_somebody_reads_and_it_says_so(people: None) -> None:
    db.session.add_all(Reader(email=f"many{number:03}@example.org") for number in range(30))
    db.session.commit()
    result = finding.find("many")
    assert (len(result.readers), result.has_more) == (finding.MOST, True)


@pytest.mark.story
def test_each_id_at_stripe_and_an_invoices_number_lead_to_the_reader(counter: Counter) -> None:
    counter.shop.join(number="4000000000000259")
    stripe = counter.stripe()
    other = stripe.charges.list().data[0]
    counter.sync()
    ids = [
        *db.session.scalars(select(StripeCustomer.stripe_id)),
        *db.session.scalars(text("SELECT external_id FROM subscription")),
        *db.session.scalars(select(Invoice.stripe_id)),
        *(number.lower() for number in db.session.scalars(select(Invoice.number)) if number),
        *db.session.scalars(select(Payment.stripe_id)),
        *db.session.scalars(select(Payment.payment_intent)),
        *db.session.scalars(select(Dispute.stripe_id)),
        *db.session.scalars(select(CheckoutTry.session_id)),
    ]
    db.session.add(refund := _refund(other.id))
    db.session.commit()
    assert len(ids) == 8
    for one in (*ids, refund):
        answer = counter.browser.get(f"/staff/desk?q={one if isinstance(one, str) else 're_1'}")
        assert (answer.status_code, answer.location) == (302, counter.path()), one
    assert "Nobody fits" in counter.browser.get("/staff/desk?q=sub_unknown").text


@pytest.mark.story
def test_a_guest_who_paid_for_a_gift_is_named(counter: Counter) -> None:
    plan = db.session.scalars(select(Plan.id)).first()
    gift = Gift(mode=Mode.SANDBOX, state=GiftState.PAID, plan_id=plan, months=1, amount=500, currency="eur")
    gift.buyer_name, gift.buyer_email, gift.recipient_name = "Gus", "gus@example.org", "Ada"
    gift.deliver_at, gift.salt, gift.code_hash, gift.charge = clock.now(), "s", "h", "ch_gift"
    db.session.add(gift)
    db.session.commit()
    page = unescape(counter.browser.get("/staff/desk?q=ch_gift").text)
    assert "Gus <gus@example.org>, who paid for gift" in page


@pytest.mark.parametrize(
    "given", ["", "1", "1.2", "a.b.c", "1.2.3.4", f"{10**18}.1.1", "1.1.99999999999", "-1.1.1"]
)
def test_a_cursor_that_no_page_printed_is_none(given: str) -> None:
    assert Cursor.read(given) is None


def _refund(charge: str) -> Refund:
    return Refund(
        mode=Mode.SANDBOX,
        stripe_id="re_1",
        ticket=1,
        currency="eur",
        charge=charge,
        amount=1,
        status="succeeded",
        made_at=clock.now(),
    )
