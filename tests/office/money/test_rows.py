"""The law that every figure of every report is broken down to its rows, or is a ratio of figures that are."""

from datetime import timedelta
from typing import Any

import pytest

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing.cashbook.models import Invoice, Payment
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.membership.models import Plan
from paywall.money import Money
from paywall.reports import overview, page, routes
from paywall.reports.page import Figure, Page
from paywall.reports.patrons.look import look
from tests.shop import Shop

# Each of them is a ratio or an average of figures that have rows.
OF_OTHERS = {
    "patrons": {"Average in EUR", "Lifetime value in EUR"},
    "trials": {"Conversion"},
    "failures": {"Made good, of all"},
}
# Without them a report has no figure of money, and the law would not see it.
IN_EUR = {
    "patrons": "MRR in EUR",
    "movement": "Closing MRR in EUR",
    "churn": "MRR in EUR lost a month",
    "plans": "MRR in EUR",
    "sources": "MRR in EUR",
    "failures": "Lost, EUR",
    "gifts": "Brought, EUR",
    "countries": "Came in, EUR",
}

pytestmark = [pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


@pytest.fixture
def newsroom(shop: Shop) -> Shop:
    """A newsroom in which something was paid in every way of which a report tells."""
    shop.join()
    plan = db.session.query(Plan).first()
    reader = db.session.query(Reader).first()
    assert plan
    assert reader
    now = clock.now() - timedelta(hours=1)
    same: dict[str, Any] = {"mode": Mode.SANDBOX, "ticket": 1, "currency": "eur"}
    zero = dict.fromkeys(("discount", "tax", "amount_paid", "amount_remaining", "amount_off_stripe"), 0)
    days = dict.fromkeys(("made_at", "period_start", "period_end"), now)
    paid = {"amount": 500, "refunded": 0, "is_disputed": False, "made_at": now}
    bill = Invoice(stripe_id="in_1", status="void", amount=500, amount_due=500, **zero, **days, **same)
    tried = [
        Payment(stripe_id=f"ch_{status}", status=status, invoice="in_1", country="BG", **paid, **same)
        for status in ("failed", "succeeded")
    ]
    gift = Gift(
        mode=Mode.SANDBOX, state=GiftState.PAID, plan_id=plan.id, months=3, amount=900, currency="eur",
        buyer_name="B", buyer_email="b@example.org", recipient_name="R", deliver_at=now, salt="s",
        code_hash="hash", paid_at=now,
    )  # fmt: skip
    db.session.add_all([bill, *tried, gift])
    db.session.commit()
    return shop


@pytest.mark.usefixtures("newsroom")
def test_each_figure_leads_to_its_rows_or_is_a_ratio_of_some_that_do(context: None) -> None:
    ratios = {}
    for one in page.all_of_them():
        made = one.make(routes.usual(one)).figures
        assert IN_EUR.get(one.name) in {None, *(figure.name for figure in made)}
        ratios[one.name] = {figure.name for figure in made if figure.behind is None}
        _lead_somewhere(one, [figure for figure in made if figure.behind])
    db.session.rollback()
    assert {name: found for name, found in ratios.items() if found} == OF_OTHERS


@pytest.mark.usefixtures("newsroom")
def test_each_figure_of_the_first_page_leads_to_rows_of_the_report_on_patrons(context: None) -> None:
    (patrons,) = (one for one in page.all_of_them() if one.name == "patrons")
    found = list(overview.figures(look(routes.usual(patrons))))
    db.session.rollback()
    assert [figure.name for figure in found if isinstance(figure.now, Money)] == ["MRR in EUR"]
    assert all(figure.behind for figure in found)
    _lead_somewhere(patrons, found)


def _lead_somewhere(one: Page, figures: list[Figure]) -> None:
    for figure in figures:
        assert figure.behind in one.lists, f"{one.name}: {figure.name}"
        in_currency = "eur" if "EUR" in figure.name else None
        assert figure.in_currency == in_currency, "rows of all currencies are something else"
