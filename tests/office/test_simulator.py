"""The sample readers: each stands for a kind, and the policy in force gives them their dates."""

from datetime import UTC, datetime, timedelta

import pytest

from paywall.access.decision import Gate, Level
from paywall.access.meter import NONE_FREE, Allowance
from paywall.membership.policy import Policy
from paywall.office.simulator import Newsroom, simulate

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FREE = Allowance(1, 2, 0, "UTC")


def said(gate: Gate, *, grace: int = 7, allowance: Allowance = NONE_FREE) -> dict[str, str]:
    newsroom = Newsroom(("supporter", "circle"), Policy(grace * DAY, DAY), allowance)
    return {sample.who: sample.decision.reason.value for sample in simulate(gate, newsroom, NOW)}


def test_each_kind_of_reader_before_an_article_for_patrons() -> None:
    assert said(Gate(Level.PATRONS), allowance=FREE) == {
        "Visitor": "metered",
        "Visitor, free reads spent": "meter_spent",
        "Reader with an account": "metered",
        "Reader with an account, free reads spent": "meter_spent",
        "Patron, supporter": "patron",
        "Patron, circle": "patron",
        "In trial (supporter)": "patron",
        "Payment failed three days ago (supporter)": "patron",
        "Payment failed thirty days ago (supporter)": "meter_spent",
        "Stripe has given up on the payment (supporter)": "meter_spent",
        "Cancelled, the paid month still runs (supporter)": "patron",
        "Cancelled and over (supporter)": "meter_spent",
        "Member of an institution": "institution",
        "Visitor with a gift link": "gift",
        "Search engine, verified and let in": "crawler",
        "Staff": "staff",
    }


@pytest.mark.parametrize(("grace", "reason"), [(2, "patrons_only"), (3, "patrons_only"), (4, "patron")])
def test_the_policy_in_force_decides_about_a_failed_payment(grace: int, reason: str) -> None:
    assert said(Gate(Level.PATRONS), grace=grace)["Payment failed three days ago (supporter)"] == reason


def test_without_free_reads_nobody_has_spent_any() -> None:
    found = said(Gate(Level.PATRONS))
    assert "Visitor, free reads spent" not in found
    assert (found["Visitor"], found["Reader with an account"]) == ("patrons_only", "patrons_only")


def test_another_plan_and_an_account() -> None:
    found = said(Gate(Level.PLAN, frozenset({"circle"})))
    assert (found["Patron, supporter"], found["Patron, circle"]) == ("higher_plan", "patron")
    found = said(Gate(Level.REGISTERED))
    assert (found["Visitor"], found["Reader with an account"]) == ("sign_in", "signed_in")
