"""The inbox's page: what came in and how it ended; what failed is read, put right, and handled again."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.accounts.trail import StaffAct
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db
from tests.accounts.browser import send
from tests.shop import Shop
from tests.staffing import Staff

PAGE = "/staff/inbox"


@pytest.fixture
def membership(shop: Shop, staff: Staff, deliver: Callable[[], int]) -> FlaskClient:
    """Membership staff at a browser, after a patron's events were handled and one of them failed."""
    shop.join()
    deliver()
    db.session.rollback()
    event = db.session.scalars(select(StripeEvent).where(StripeEvent.type == "invoice.paid")).one()
    event.state, event.error, event.try_at, event.attempts = (
        EventState.FAILED,
        "Traceback: <no way>",
        None,
        12,
    )
    db.session.commit()
    return staff("membership")


def failed() -> StripeEvent:
    db.session.rollback()
    return db.session.scalars(select(StripeEvent).where(StripeEvent.type == "invoice.paid")).one()


def test_events_are_listed_by_state_and_customer(membership: FlaskClient) -> None:
    customer = failed().customer
    everything = membership.get(PAGE).text
    assert "customer.subscription.created" in everything
    assert "given up" in everything
    only = membership.get(PAGE, query_string={"state": "failed", "customer": customer}).text
    assert ">invoice.paid</a>" in only
    assert "customer.subscription.created" not in only
    assert "There are no such events." in membership.get(PAGE, query_string={"customer": "cus_nobody"}).text
    assert "There are no such events." in membership.get(PAGE, query_string={"below": "1"}).text
    assert membership.get(PAGE, query_string={"state": "asleep", "below": "x"}).status_code == 200


def test_an_event_is_shown_with_its_error_and_all_that_was_sent(membership: FlaskClient) -> None:
    text = membership.get(f"{PAGE}/{failed().id}").text
    assert "Traceback: &lt;no way&gt;" in text
    assert "&#34;type&#34;: &#34;invoice.paid&#34;" in text
    assert membership.get(f"{PAGE}/99999").status_code == 404


def test_what_failed_is_handled_again_and_the_trail_says_by_whom(
    membership: FlaskClient, work: Callable[[], int]
) -> None:
    page = f"{PAGE}/{failed().id}"
    assert send(membership, f"{page}/replay", page=page, reason="The mend is out").location == page
    work()
    assert failed().state is EventState.HANDLED
    line = db.session.scalars(select(StaffAct).where(StaffAct.act == "event replayed")).one()
    assert (line.actor, line.about) == ("membership@staff.example", f"event {failed().event_id}")
    assert line.reason == "The mend is out"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_is_handled_again_without_a_reason(membership: FlaskClient) -> None:
    for page, back in ((f"{PAGE}/{failed().id}/replay", f"{PAGE}/{failed().id}"), (f"{PAGE}/replay", PAGE)):
        refused = send(membership, page, page=back, reason=" ")
        assert (refused.status_code, "Say why" in refused.text) == (400, True)
    assert failed().state is EventState.FAILED


def test_all_that_failed_is_handled_again(membership: FlaskClient, work: Callable[[], int]) -> None:
    assert send(membership, f"{PAGE}/replay", page=PAGE, reason="The mend is out").location == PAGE
    assert "To be handled again by the worker: 1." in membership.get(PAGE).text
    work()
    assert failed().state is EventState.HANDLED


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_long_list_goes_on(membership: FlaskClient) -> None:
    for count in range(60):
        db.session.add(StripeEvent(event_id=f"evt_{count}", type="x.y", payload="{}"))
    db.session.commit()
    first = membership.get(PAGE).text
    assert first.count(">x.y</a>") == 50
    below = first.rpartition("below=")[2].partition('"')[0]
    assert membership.get(PAGE, query_string={"below": below}).text.count(">x.y</a>") == 10
