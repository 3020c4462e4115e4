"""The pages of paying, as a reader's browser meets them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.billing.models import CheckoutTry
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import plans
from paywall.membership.models import PlanState
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval, Status
from paywall.money import Money
from paywall.sandbox import Fault, FaultKind
from tests.accounts.browser import send, sign_up, token_in
from tests.shop import Shop, card

pytestmark = pytest.mark.story

EMAIL = "vera@example.org"


@pytest.fixture
def vera(shop: Shop, client: FlaskClient, letters: Callable[[], list[Letter]]) -> FlaskClient:
    """A browser in which a reader is signed in; `shop.reader` is that reader."""
    sign_up(client, letters, EMAIL)
    db.session.rollback()
    shop.reader = db.session.scalars(select(Reader).where(Reader.email == EMAIL)).one()
    db.session.commit()
    return client


def begin(client: FlaskClient, shop: Shop, **fields: str) -> str:
    """Choose the monthly price on the join page; where that leads."""
    price = str(shop.price().id)
    db.session.rollback()
    answer = send(client, "/join/checkout", page="/join", price=price, **fields)
    assert answer.status_code == 303, answer.text
    return answer.location


def pay(client: FlaskClient, shop: Shop, number: str = "4242424242424242", **fields: str) -> str:
    """Pay on Stripe's page; the path to which it sends the browser back."""
    session_id = begin(client, shop, **fields).rpartition("/")[2]
    paid = shop.sandbox.checkout.pay(session_id, card(number))
    return (paid.redirect_url or "").removeprefix("http://127.0.0.1:8000")


def test_the_join_page_shows_what_is_on_sale(shop: Shop, client: FlaskClient) -> None:
    plans.write(
        PlanText("secret", "Whispered", "", {Interval.YEAR: Money(900, "eur")}, state=PlanState.HIDDEN),
        "For the test",
    )
    plans.write(
        PlanText("old", "Bygone", "", {Interval.YEAR: Money(900, "eur")}, state=PlanState.CLOSED),
        "For the test",
    )
    db.session.commit()
    text = client.get("/join").text
    assert "Supporter" in text
    assert "€5" in text
    assert "€50" in text
    assert "The first 14 days are free." in text
    assert "Whispered" not in text
    assert "Bygone" not in text
    assert "/sign-up?next=" in text
    assert "Whispered" in client.get("/join?plan=secret").text
    assert "Bygone" not in client.get("/join?plan=old").text


def test_with_nothing_on_sale_the_page_says_so(client: FlaskClient) -> None:
    assert "No membership is on sale" in client.get("/join").text


def test_paying_leads_back_to_the_article(shop: Shop, vera: FlaskClient) -> None:
    back = pay(vera, shop, next="/article/the-second-stove")
    answer = vera.get(back)
    assert (answer.status_code, answer.location) == (302, "/article/the-second-stove")
    assert "Thank you. You are a patron now: read on." in vera.get("/account").text


def test_a_foreign_address_to_return_to_is_forgotten(shop: Shop, vera: FlaskClient) -> None:
    assert vera.get(pay(vera, shop, next="https://evil.example/")).location == "/account"


def test_who_turns_back_unpaid_is_told_that_nothing_was_charged(shop: Shop, vera: FlaskClient) -> None:
    session_id = begin(vera, shop).rpartition("/")[2]
    answer = vera.get(f"/join/return?session_id={session_id}", follow_redirects=True)
    assert "nothing was charged" in answer.text


def test_a_return_that_is_nobodys_is_not_found(shop: Shop, vera: FlaskClient) -> None:
    assert vera.get("/join/return?session_id=cs_made_up").status_code == 404
    assert vera.get("/join/return").status_code == 404


def test_a_return_while_stripe_is_silent_loses_nothing(shop: Shop, vera: FlaskClient) -> None:
    back = pay(vera, shop)
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    assert "Your payment is safe" in vera.get(back, follow_redirects=True).text
    shop.sandbox.faults.clear()
    assert vera.get(back).location == "/account"
    assert [one.status for one in shop.held()] == [Status.ACTIVE]


def test_a_patron_is_not_offered_a_second_membership(shop: Shop, vera: FlaskClient) -> None:
    token = token_in(vera.get("/join").text)
    vera.get(pay(vera, shop))
    assert vera.get("/join").location == "/account"
    price = str(shop.price().id)
    db.session.rollback()
    answer = vera.post("/join/checkout", data={"csrf_token": token, "price": price}, follow_redirects=True)
    assert "You already have a membership" in answer.text
    assert len(shop.held()) == 1


def test_a_form_without_its_token_or_price_does_nothing(shop: Shop, vera: FlaskClient) -> None:
    assert vera.post("/join/checkout", data={"price": "1"}).status_code == 400
    assert send(vera, "/join/checkout", page="/join", price="many").status_code == 400
    assert send(vera, "/join/checkout", page="/join", price="9" * 21).status_code == 400
    assert send(vera, "/join/checkout", page="/join", price="999").status_code == 404
    assert db.session.scalars(select(CheckoutTry)).all() == []


@pytest.mark.parametrize("path", ["/account", "/join/return?session_id=x", "/account/back"])
def test_who_is_not_signed_in_is_asked_to(shop: Shop, client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.location.startswith(f"/sign-in?next={path.partition('?')[0]}")


def test_the_account_page_says_what_is_held_and_what_it_costs(shop: Shop, vera: FlaskClient) -> None:
    assert "You read with a free account." in vera.get("/account").text
    vera.get(pay(vera, shop))
    text = vera.get("/account").text
    assert "You are a patron. The next payment, €5, is on" in text
    assert "Invoices" in text
    assert "paid" in text


def test_the_account_page_says_what_was_refunded(shop: Shop, vera: FlaskClient) -> None:
    vera.get(pay(vera, shop))
    refunds = gateway().client.v1.refunds
    charge = gateway().client.v1.charges.list().data[0].id
    refunds.create({"charge": charge, "amount": 200})
    vera.get("/account/back")
    assert "<td>€2 refunded</td>" in vera.get("/account").text
    refunds.create({"charge": charge})
    vera.get("/account/back")
    assert "<td>refunded</td>" in vera.get("/account").text


def test_the_portal_opens_for_one_click_and_its_changes_show_on_return(shop: Shop, vera: FlaskClient) -> None:
    vera.get(pay(vera, shop))
    answer = send(vera, "/account/portal", page="/account", flow="subscription_cancel")
    assert answer.status_code == 303
    assert "/sandbox/portal/" in answer.location
    page = answer.location.rpartition("/")[2]
    shop.sandbox.portal.cancel(page, shop.held()[0].external_id, feedback="unused", comment=None)
    assert vera.get("/account/back").location == "/account"
    text = vera.get("/account").text
    assert "You cancelled. You can read everything until" in text
    assert "Keep my membership" in text


def test_the_portal_is_not_for_who_never_paid_nor_for_made_up_steps(shop: Shop, vera: FlaskClient) -> None:
    assert send(vera, "/account/portal", page="/account").status_code == 404
    assert send(vera, "/account/portal", page="/account", flow="give_me_all").status_code == 400


def test_a_return_from_the_portal_while_stripe_is_silent(shop: Shop, vera: FlaskClient) -> None:
    vera.get(pay(vera, shop))
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    assert "Stripe does not answer just now" in vera.get("/account/back", follow_redirects=True).text


def test_a_page_that_needs_stripe_says_so_when_it_is_down(shop: Shop, vera: FlaskClient) -> None:
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    price = str(shop.price().id)
    db.session.rollback()
    answer = send(vera, "/join/checkout", page="/join", price=price)
    assert answer.status_code == 503
    assert "Stripe does not answer just now" in answer.text


@pytest.mark.parametrize(
    ("number", "passed", "words"),
    [
        (
            "4000000000000341",
            timedelta(hours=3),
            "Your last payment did not go through. You can read on until",
        ),
        ("4000000000000341", timedelta(days=9), "patrons’ articles are closed to you"),
        ("4000000000000341", timedelta(days=40), "Your membership ended on"),
    ],
)
def test_the_account_page_after_a_failed_payment(
    shop: Shop, vera: FlaskClient, number: str, passed: timedelta, words: str
) -> None:
    vera.get(pay(vera, shop, number))
    turned = shop.held()[0].period_end
    assert turned is not None
    shop.sandbox.advance(to=turned + passed)
    vera.get("/account/back")
    assert words in vera.get("/account").text


def test_a_trial_in_words(shop: Shop, vera: FlaskClient) -> None:
    price = str(shop.price("circle").id)
    db.session.rollback()
    session_id = send(vera, "/join/checkout", page="/join", price=price).location.rpartition("/")[2]
    shop.sandbox.checkout.pay(session_id, card())
    vera.get(f"/join/return?session_id={session_id}")
    assert "You are trying us out. The first payment, €15, is on" in vera.get("/account").text
