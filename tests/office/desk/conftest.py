"""The desk at work: somebody of the staff at a browser, and a reader who pays."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from paywall.accounts.models import Reader
from paywall.accounts.trail import StaffAct
from paywall.billing import customers
from paywall.billing.cashbook.models import Payment
from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.mail import Letter
from paywall.membership.models import MembershipEvent, Subscription
from tests.accounts.browser import token_in
from tests.shop import Shop
from tests.staffing import Staff

REASON = "They asked for it on the phone."


@dataclass
class Counter:
    """What a test does at the desk, and what it can look up behind it."""

    shop: Shop
    browser: FlaskClient
    reader_id: int

    def path(self, rest: str = "") -> str:
        """The address of a page of the reader."""
        return f"/staff/desk/{self.reader_id}{rest}"

    def see(self, rest: str = "") -> str:
        """What a page of the reader says."""
        answer = self.browser.get(self.path(rest))
        assert answer.status_code == 200, (answer.status_code, answer.location)
        return unescape(answer.text)

    def fill(self, rest: str, **fields: str) -> dict[str, str]:
        """The form of an act as it would be sent: with its key, its hidden fields, and a reason."""
        page = self.see(rest)
        return {**hidden_in(page), "reason": REASON, **fields}

    def send(self, rest: str, fields: dict[str, str]) -> TestResponse:
        """Send it as it is."""
        return self.browser.post(self.path(rest), data=fields)

    def do(self, rest: str, **fields: str) -> TestResponse:
        """Fill in the form of an act, press the button, and the one that asks whether it is right."""
        form = self.fill(rest, **fields)
        answer = self.send(rest, form)
        if answer.status_code == 200:
            assert 'name="confirmed"' in answer.text, unescape(answer.text)
            answer = self.send(rest, {**form, "confirmed": "yes"})
        assert answer.status_code == 303, (answer.status_code, answer.text)
        return answer

    def held(self) -> Subscription:
        """The reader's newest membership as our tables have it."""
        db.session.rollback()
        query = select(Subscription).where(Subscription.reader_id == self.reader_id)
        found = db.session.scalars(query.order_by(Subscription.id.desc()).limit(1)).one()
        db.session.refresh(found)
        found.plan.slug  # noqa: B018  # loaded, for after
        db.session.expunge(found)
        db.session.rollback()
        return found

    def payment(self) -> Payment:
        """The reader's newest payment as our tables have it."""
        db.session.rollback()
        found = db.session.scalars(select(Payment).order_by(Payment.id.desc()).limit(1)).one()
        db.session.refresh(found)
        db.session.expunge(found)
        db.session.rollback()
        return found

    def acts(self) -> list[StaffAct]:
        """What stands in the trail of the reader."""
        db.session.rollback()
        query = select(StaffAct).where(StaffAct.reader_id == self.reader_id).order_by(StaffAct.id)
        found = list(db.session.scalars(query))
        for one in found:
            db.session.expunge(one)
        db.session.rollback()
        return found

    def trail(self) -> list[str]:
        """The acts of it by name."""
        return [one.act for one in self.acts()]

    def ledger(self) -> list[str]:
        """What the ledger says happened, of everyone."""
        db.session.rollback()
        found = [line.change.value for line in db.session.query(MembershipEvent).order_by(MembershipEvent.id)]
        db.session.rollback()
        return found

    def stripe(self) -> Any:
        """Stripe itself, for a look behind our backs."""
        db.session.rollback()
        return gateway().client.v1

    def sync(self) -> None:
        """What an event from Stripe brings about."""
        db.session.rollback()
        customers.sync_reader(self.reader_id)


def hidden_in(page: str) -> dict[str, str]:
    """The hidden fields of the last form in a page, the token among them."""
    form = page[page.rindex("<form") :]
    inputs = re.findall(r"<input[^>]*>", form)
    found = {}
    for one in inputs:
        if 'type="hidden"' in one:
            name, value = re.search(r'name="([^"]*)"', one), re.search(r'value="([^"]*)"', one)
            assert name
            found[name.group(1)] = unescape(value.group(1)) if value else ""
    assert found["csrf_token"] == token_in(form)
    return found


@pytest.fixture
def counter(shop: Shop, staff: Staff) -> Counter:
    """Somebody with the role of membership at the desk, and Ana, who has an account and holds nothing yet."""
    reader_id = shop.reader.id
    db.session.commit()
    browser = staff("membership")
    shop.reader = db.session.get_one(Reader, reader_id)
    return Counter(shop, browser, reader_id)


Letters = Callable[[], list[Letter]]
