"""Promotion codes: made by staff, used by readers on our page or Stripe's, counted after discount."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.mail import Letter
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import Status
from paywall.sandbox import Fault, FaultKind
from tests.accounts.browser import send, sign_up
from tests.shop import Shop, card

pytestmark = pytest.mark.story

Deliver = Callable[[], int]
EMAIL = "vera@example.org"


def coupon(shop: Shop, *words: str, fails: bool = False) -> str:
    """Run `flask paywall coupon ...`; what it said."""
    db.session.rollback()
    result = shop.app.test_cli_runner().invoke(args=["paywall", "coupon", *words])
    assert (result.exit_code != 0) is fails, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


@pytest.fixture
def vera(shop: Shop, client: FlaskClient, letters: Callable[[], list[Letter]]) -> FlaskClient:
    """A browser in which `shop.reader` is signed in."""
    sign_up(client, letters, EMAIL)
    db.session.rollback()
    shop.reader = db.session.scalars(select(Reader).where(Reader.email == EMAIL)).one()
    db.session.commit()
    return client


def choose(client: FlaskClient, shop: Shop, code: str = "", slug: str = "supporter") -> str:
    """Choose a monthly price with a code; the path or page to which that leads."""
    price = str(shop.price(slug).id)
    db.session.rollback()
    answer = send(client, "/join/checkout", page="/join", price=price, code=code)
    assert answer.status_code in {302, 303}
    return answer.location


def pay(shop: Shop, page: str) -> str:
    """Pay on Stripe's page; the session's id."""
    session_id = page.rpartition("/")[2]
    assert shop.sandbox.checkout.pay(session_id, card()).state == "complete"
    return session_id


def deltas(shop: Shop) -> list[tuple[str, int]]:
    """The reader's lines of the ledger."""
    db.session.rollback()
    query = select(MembershipEvent).where(MembershipEvent.reader_id == shop.reader.id)
    found = [
        (line.change.value, line.monthly_delta)
        for line in db.session.scalars(query.order_by(MembershipEvent.id))
    ]
    db.session.rollback()
    return found


def billed(shop: Shop) -> list[int]:
    """What the sandbox billed this reader, oldest first."""
    held = shop.held()[0]
    customer = gateway().client.v1.subscriptions.retrieve(held.external_id).customer
    found = gateway().client.v1.invoices.list({"customer": str(customer)})
    return [one.total for one in found.data][::-1]


def test_a_link_with_a_code_makes_it_cheaper_and_the_books_say_so_until_it_ends(
    shop: Shop, vera: FlaskClient, deliver: Deliver
) -> None:
    coupon(shop, "create", "SPRING", "--percent", "20", "--months", "2")
    page = vera.get("/join?code=spring").text
    assert "Your code SPRING: 20 % off for 2 months." in page
    assert "With your code the first payment is €4." in page
    assert 'name="code" value="SPRING"' in page
    pay(shop, choose(vera, shop, "spring"))
    deliver()
    held = shop.held()[0]
    assert (held.amount, held.discount, held.monthly) == (500, 100, 400)
    assert held.discount_until is not None
    account = vera.get("/account").text
    assert "20 % off until " in account
    assert "The next payment, €4, is on " in account
    for _ in range(2):
        shop.sandbox.advance(months=1, by=timedelta(hours=2))
        deliver()
    held = shop.held()[0]
    assert (held.discount, held.discount_until, held.monthly) == (0, None, 500)
    assert deltas(shop) == [("started", 400), ("upgraded", 100)]
    assert billed(shop) == [400, 400, 500]
    assert "off until" not in vera.get("/account").text


def test_a_code_that_is_no_good_is_said_plainly_and_the_full_price_stays_open(
    shop: Shop, vera: FlaskClient
) -> None:
    coupon(shop, "create", "OLD", "--percent", "20")
    coupon(shop, "end", "old")
    for code in ("old", "never-was", "x" * 300):
        page = vera.get(f"/join?code={code}").text
        assert "is not valid, or not any more. You can join at the full price." in page
        assert "With your code" not in page
        assert 'name="code"' not in page
    assert choose(vera, shop, "old") == "/join"
    assert "The code “old” is not valid" in vera.get("/join").text
    session_id = pay(shop, choose(vera, shop))
    assert gateway().client.v1.checkout.sessions.retrieve(session_id).amount_total == 500


def test_a_code_ends_with_its_day_or_its_last_use(shop: Shop, vera: FlaskClient) -> None:
    day = (clock.now() + timedelta(days=3)).date().isoformat()
    coupon(shop, "create", "SOON", "--percent", "20", "--until", day)
    coupon(shop, "create", "ONE", "--percent", "20", "--max", "1")
    for code in ("soon", "one"):
        assert f"Your code {code.upper()}: 20 % off" in vera.get(f"/join?code={code}").text
    assert coupon(shop, "list").count(" open ") == 2
    pay(shop, choose(vera, shop, "one"))
    shop.sandbox.advance(by=timedelta(days=5))
    for code in ("soon", "one"):
        assert "is not valid" in vera.get(f"/join?code={code}").text
    assert coupon(shop, "list").count(" ended ") == 2


def test_while_stripe_is_down_the_join_page_opens_without_the_code(shop: Shop, client: FlaskClient) -> None:
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    page = client.get("/join?code=SPRING")
    assert page.status_code == 200
    assert "could not look up the code “SPRING”" in page.text
    assert "€5" in page.text


def test_a_code_used_up_between_the_page_and_the_click_charges_nobody_the_full_price(
    shop: Shop, vera: FlaskClient
) -> None:
    coupon(shop, "create", "ONE", "--amount", "1.00", "--forever", "--max", "1")
    assert "€1 off for as long as you stay" in vera.get("/join?code=one").text
    db.session.rollback()
    promotion = gateway().promotion("one")
    assert promotion is not None
    gateway().end_promotion(promotion.id)
    assert choose(vera, shop, "one") == "/join"


def test_on_stripes_page_a_reader_can_type_a_code(shop: Shop, vera: FlaskClient, deliver: Deliver) -> None:
    coupon(shop, "create", "SPRING", "--amount", "1.50", "--forever")
    page = choose(vera, shop).removeprefix("http://127.0.0.1:8000")
    coupon(shop, "create", "CIRCLE", "--percent", "50", "--plan", "circle")
    for wrong in ("nonsense", "circle", " "):
        send(vera, f"{page}/code", page=page, code=wrong)
        assert "This code is invalid." in vera.get(page).text
    send(vera, f"{page}/code", page=page, code="spring")
    assert "€3.50" in vera.get(page).text
    pay(shop, page)
    deliver()
    assert (shop.held()[0].discount, shop.held()[0].monthly) == (150, 350)
    assert billed(shop) == [350]
    assert "30 % off" in vera.get("/account").text


@pytest.mark.settings(promotion_codes=False)
def test_the_setting_takes_the_field_away_but_not_the_link(shop: Shop, vera: FlaskClient) -> None:
    coupon(shop, "create", "SPRING", "--percent", "20")
    client = gateway().client.v1.checkout.sessions
    plain = client.retrieve(choose(vera, shop).rpartition("/")[2])
    assert (plain.allow_promotion_codes, plain.amount_total) == (None, 500)
    linked = client.retrieve(choose(vera, shop, "SPRING").rpartition("/")[2])
    assert linked.amount_total == 400


def test_a_full_discount_opens_the_articles_and_brings_nothing(
    shop: Shop, vera: FlaskClient, deliver: Deliver
) -> None:
    coupon(shop, "create", "FREE", "--percent", "100", "--forever")
    pay(shop, choose(vera, shop, "FREE"))
    deliver()
    held = shop.held()[0]
    assert (held.status, held.monthly, held.discount) == (Status.ACTIVE, 0, 500)
    assert held.access_until is not None
    assert deltas(shop) == [("started", 0)]


def test_a_cut_of_the_first_bill_only_leaves_the_month_what_it_is(
    shop: Shop, vera: FlaskClient, deliver: Deliver
) -> None:
    coupon(shop, "create", "HELLO", "--percent", "50", "--once")
    assert "50 % off on the first payment" in vera.get("/join?code=HELLO").text
    pay(shop, choose(vera, shop, "HELLO"))
    deliver()
    assert (shop.held()[0].monthly, shop.held()[0].discount) == (500, 0)
    assert billed(shop) == [250]


def test_a_code_for_one_plan_is_worth_nothing_on_another(
    shop: Shop, vera: FlaskClient, deliver: Deliver
) -> None:
    coupon(shop, "create", "CIRCLE", "--percent", "10", "--forever", "--plan", "circle")
    page = vera.get("/join?code=circle").text
    assert page.count("With your code") == 1
    assert "€13.50" in page
    assert choose(vera, shop, "circle") == "/join"
    pay(shop, choose(vera, shop, "circle", slug="circle"))
    deliver()
    assert shop.held()[0].discount == 150


@pytest.mark.parametrize("share", ["12.5", "33.33", "7", "0.5", "99.99"])
def test_our_rounding_is_the_bills(shop: Shop, vera: FlaskClient, deliver: Deliver, share: str) -> None:
    coupon(shop, "create", "ODD", "--percent", share, "--forever")
    pay(shop, choose(vera, shop, "ODD"))
    deliver()
    assert billed(shop) == [shop.held()[0].monthly]


def test_a_running_discount_outlives_its_coupon(shop: Shop, vera: FlaskClient, deliver: Deliver) -> None:
    coupon(shop, "create", "SPRING", "--percent", "20", "--forever")
    pay(shop, choose(vera, shop, "SPRING"))
    v1 = gateway().client.v1
    v1.coupons.delete(v1.coupons.list().data[0].id)
    deliver()
    assert db.session.scalars(select(Subscription.monthly)).all() == [400]


def test_staff_see_each_code_and_its_use(shop: Shop, vera: FlaskClient) -> None:
    coupon(
        shop, "create", "SPRING", "--percent", "20", "--months", "3", "--max", "5", "--until", "2099-05-03"
    )
    coupon(shop, "create", "CIRCLE", "--amount", "1", "--currency", "EUR", "--forever", "--plan", "circle")
    pay(shop, choose(vera, shop, "spring"))
    coupon(shop, "end", "circle")
    lines = coupon(shop, "list").splitlines()
    assert lines[0].split() == [
        "CIRCLE",
        "ended",
        "€1",
        "off",
        "for",
        "ever;",
        "used",
        "0,",
        "only",
        "paywall_circle",
    ]
    assert "open" in lines[1]
    assert "20 % off for 3 months; used 1 of 5, until 2099-05-03 21:00 UTC" in lines[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["X"], "Give --percent or --amount"),
        (["X", "--percent", "20", "--amount", "5"], "Give --percent or --amount"),
        (["X", "--percent", "101"], "at most 100"),
        (["X", "--percent", "0"], "more than 0"),
        (["X", "--percent", "1.234"], "two digits"),
        (["X", "--percent", "much"], "is not a percentage"),
        (["X", "--amount", "-1"], "more than nothing"),
        (["X", "--amount", "nan"], "digits"),
        (["X", "--percent", "20", "--once", "--forever"], "Choose one"),
        (["X Y", "--percent", "20"], "letters from A to Z"),
        (["X", "--percent", "20", "--plan", "none"], "no plan 'none'"),
        (["TAKEN", "--percent", "20"], "end it first"),
    ],
)
def test_a_code_that_makes_no_sense_is_not_made(shop: Shop, words: list[str], told: str) -> None:
    coupon(shop, "create", "taken", "--percent", "5")
    assert told in coupon(shop, "create", *words, fails=True)
    assert len(coupon(shop, "list").splitlines()) == 1


def test_who_ends_a_code_that_is_none_is_told(shop: Shop) -> None:
    assert "no code" in coupon(shop, "end", "NONE", fails=True)
