"""The health page says what needs somebody, and begins the walks that else come by themselves."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from paywall import clock, jobs, mail
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db
from paywall.mail import Letter, Unsent
from paywall.office.house import health
from paywall.office.house.health import Row
from tests.accounts.browser import send
from tests.shop import Shop
from tests.staffing import Staff

PAGE = "/staff/health"


def rows() -> dict[str, Row]:
    db.session.rollback()
    found = {row.name: row for row in health.rows(ZoneInfo("Europe/Sofia"))}
    db.session.rollback()
    return found


def ill() -> set[str]:
    return {name for name, row in rows().items() if not row.is_well}


def test_a_new_house_needs_a_worker_and_its_first_walks(shop: Shop) -> None:
    assert ill() == {"Worker last seen", "All books compared", "Cash book read up to"}


def test_both_walks_are_begun_here_and_then_all_is_well(
    shop: Shop, staff: Staff, work: Callable[[], int]
) -> None:
    shop.join()
    browser: FlaskClient = staff("membership")
    db.session.merge(jobs.Heartbeat(name=jobs.WORKER, at=clock.wall()))
    db.session.commit()
    for walk in ("reconcile", "money"):
        assert send(browser, f"{PAGE}/{walk}", page=PAGE).location == PAGE
    work()
    assert ill() == set()
    page = browser.get(PAGE).text
    assert "All is well." in page
    assert "no difference" in page
    assert "A payment failed, Stripe tries again" in page


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_waits_too_long_or_was_given_up_is_named(shop: Shop, staff: Staff) -> None:
    before = ill()
    long_ago = clock.now() - timedelta(minutes=11)
    lost = StripeEvent(event_id="evt_1", type="x", payload="{}", state=EventState.FAILED)
    db.session.add_all([lost, StripeEvent(event_id="evt_2", type="x", payload="{}", received_at=long_ago)])
    db.session.flush()
    lost.try_at = None
    for kind in (Unsent.IN_DOUBT, Unsent.GIVEN_UP):
        letter_id = mail.write("password_changed", "ana@example.org", link="")
        letter = db.session.get_one(Letter, letter_id)
        letter.unsent, letter.try_at = kind, None
    db.session.commit()
    named = {"Events that wait", "Events given up", "Letters in doubt", "Letters given up"}
    assert ill() == before | named
    assert rows()["Events that wait"].said == "1, the oldest for 11 min"
    assert "7 things need somebody." in staff("owner").get(PAGE).text
