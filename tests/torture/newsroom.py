"""The newsroom on its first day: plans in two currencies, prices at Stripe, promotion codes."""

from decimal import Decimal

from paywall.billing import promotions
from paywall.billing.remote import Duration, Offer
from paywall.billing.setup import setup
from paywall.db import db
from paywall.membership import plans
from paywall.membership.discounts import Cut
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money

SITE = "http://127.0.0.1:8000"
OFFERS = {
    "TENTH": Offer(Cut(percent=Decimal(10), amount=None), Duration.FOREVER),
    "HALF": Offer(Cut(percent=Decimal(50), amount=None), Duration.REPEATING, months=2),
    "LESS": Offer(Cut(percent=None, amount=Money(100, "eur")), Duration.ONCE),
}


def open_shop() -> None:
    """Write the plans down and set Stripe up; within an application context."""
    month, year = Interval.MONTH, Interval.YEAR
    plans.write(
        PlanText("supporter", "Supporter", "", {month: Money(500, "eur"), year: Money(5000, "eur")}),
        "For the test",
    )
    plans.write(PlanText("circle", "Circle", "", {month: Money(1500, "eur")}, trial_days=14), "For the test")
    plans.write(PlanText("abroad", "Abroad", "", {month: Money(700, "usd")}), "For the test")
    db.session.commit()
    list(setup(SITE))
    for code, offer in OFFERS.items():
        promotions.create(code, offer, plan=None, most=None, until=None)
