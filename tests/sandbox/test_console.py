"""The console: clock, faults, events, customers and letters."""

import re
from datetime import timedelta

import pytest

from paywall.sandbox import FaultKind
from tests.sandbox.shop import Inbox, Shop
from tests.sandbox.visit import Note, Visit, said


def test_an_empty_console(visit: Visit, notes: list[Note]) -> None:
    notes.clear()
    page = visit.get("/sandbox")
    assert "Nobody has gone to pay yet." in page.text
    assert "Nothing has happened yet." in page.text
    assert "No letter has been written yet." in visit.get("/sandbox/mails").text


@pytest.mark.parametrize(("step", "days"), [("day", 1), ("week", 7), ("month", 28)])
def test_the_clock_goes_forward(shop: Shop, visit: Visit, step: str, days: int) -> None:
    visit.get("/sandbox")
    before = shop.sandbox.now()
    page = visit.follow(visit.post("/sandbox/clock", step=step))
    assert (
        timedelta(days=days) - timedelta(minutes=1) < shop.sandbox.now() - before < timedelta(days=days + 4)
    )
    assert said(page)[0].startswith("It is now ")


def test_the_clock_goes_to_a_date_that_is_to_come(shop: Shop, visit: Visit) -> None:
    visit.get("/sandbox")
    wanted = (shop.sandbox.now() + timedelta(days=40)).date()
    visit.follow(visit.post("/sandbox/clock", step="date", date=wanted.isoformat()))
    assert shop.sandbox.now().date() == wanted
    for date in ("2020-01-01", "tomorrow"):
        page = visit.follow(visit.post("/sandbox/clock", step="date", date=date))
        assert said(page) == ["Choose a date that is still to come."]
    assert shop.sandbox.now().date() == wanted


def test_events_and_customers_are_listed(shop: Shop, visit: Visit) -> None:
    shop.v1.customers.create({"name": "No address"})
    shop.subscribe()
    page = visit.get("/sandbox")
    assert "No e-mail" in page.text
    assert "No subscription" in page.text
    assert "Patron, €9 per month. Renews on" in page.text
    assert "checkout.<wbr>session.<wbr>completed" in page.text
    assert "Nobody asked" in page.text


def test_older_events_are_a_page_away(shop: Shop, visit: Visit) -> None:
    for _ in range(12):
        shop.subscribe()
    page = visit.get("/sandbox")
    older = re.search(r'href="(/sandbox/\?after=evt_\w+)#events"', page.text)
    assert older is not None
    seen = set(re.findall(r"/sandbox/events/(evt_\w+)", page.text))
    assert not seen & set(re.findall(r"/sandbox/events/(evt_\w+)", visit.get(older[1]).text))


def test_how_a_delivery_goes_is_told(shop: Shop, visit: Visit) -> None:
    inbox = Inbox(shop, status=500)
    shop.customer()
    assert "Waiting" in visit.get("/sandbox").text
    shop.sandbox.deliveries.deliver_due(inbox.post)
    page = visit.get("/sandbox")
    assert "Failing" in page.text
    assert "1 attempt" in page.text
    address = re.search(r"/sandbox/events/evt_\w+", page.text)
    assert address is not None
    inbox.status = 200
    again = visit.follow(visit.post(f"{address[0]}/resend"))
    assert said(again) == ["It is on its way again."]
    shop.sandbox.deliveries.deliver_due(inbox.post)
    assert "Delivered" in visit.get(address[0]).text
    assert inbox.types == ["customer.created"] * 2


def test_what_is_lost_or_given_up_is_told(shop: Shop, visit: Visit) -> None:
    inbox = Inbox(shop, status=500)
    shop.customer()
    for _ in range(12):
        shop.sandbox.deliveries.deliver_due(inbox.post)
        shop.sandbox.advance(by=timedelta(days=2))
    assert "Given up" in visit.get("/sandbox").text
    visit.post("/sandbox/faults", fault="drop")
    shop.v1.customers.create({"name": "Lost"})
    shop.sandbox.deliveries.deliver_due(inbox.post)
    assert "Lost" in visit.get("/sandbox").text


def test_an_event_that_nobody_wants_is_not_sent(shop: Shop, visit: Visit) -> None:
    shop.customer()
    event = shop.v1.events.list().data[0].id
    page = visit.get(f"/sandbox/events/{event}")
    assert "&#34;customer.created&#34;" in page.text
    refused = visit.follow(visit.post(f"/sandbox/events/{event}/resend"))
    assert said(refused) == ["No webhook endpoint wants events of this type."]
    assert visit.get("/sandbox/events/evt_nobody").status_code == 404


def test_faults_are_switched_on_and_off(shop: Shop, visit: Visit) -> None:
    visit.get("/sandbox")
    page = visit.follow(visit.post("/sandbox/faults", fault=["drop", "api_error", "nonsense"]))
    assert {fault.kind for fault in shop.sandbox.faults.active()} == {FaultKind.DROP, FaultKind.API_ERROR}
    assert re.findall(r'value="(\w+)" checked', page.text) == ["drop", "api_error"]
    visit.post("/sandbox/faults")
    assert shop.sandbox.faults.active() == []


def test_a_late_webhook_comes_once_it_is_time(shop: Shop, visit: Visit) -> None:
    inbox = Inbox(shop)
    visit.get("/sandbox")
    visit.post("/sandbox/faults", fault="delay")
    shop.customer()
    assert shop.sandbox.deliveries.deliver_due(inbox.post) == 0
    shop.sandbox.advance(by=timedelta(minutes=6))
    assert shop.sandbox.deliveries.deliver_due(inbox.post) == 1


def test_letters_are_shown_with_a_strict_policy(visit: Visit) -> None:
    page = visit.get("/sandbox/mails")
    assert page.text.index("Later") < page.text.index("Hello &amp; welcome")
    assert "Waiting" in page.text
    letter = visit.get("/sandbox/mails/1")
    assert '<a href="http://127.0.0.1/x"' in letter.text
    assert 'sandbox="allow-popups' in letter.text
    frame = visit.get("/sandbox/mails/1/html")
    assert '<base target="_top">' in frame.text
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "Waiting" in visit.get("/sandbox/mails/2").text
    assert visit.get("/sandbox/mails/3").status_code == 404
