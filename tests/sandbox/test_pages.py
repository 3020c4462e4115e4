"""The payment page and the invoice's page, used as a reader with a browser and no JavaScript uses them."""

from datetime import timedelta

import pytest

from tests.sandbox.shop import ASKS_ALWAYS, ASKS_ONCE, DECLINED, GOOD, Shop
from tests.sandbox.visit import BACK, CARD, Visit, owing, said, where


def test_the_page_shows_the_order_and_asks_for_a_card(shop: Shop, visit: Visit) -> None:
    page = visit.get(f"/sandbox/checkout/{shop.session(cancel_url=BACK + '/join').id}")
    for text in (
        "The Courier",
        "Subscribe to Patron",
        "€9",
        "per month",
        "ada@example.org",
        BACK + "/join",
    ):
        assert text in page.text
    for asked in ("cc-number", "cc-exp", "cc-csc", "cc-name"):
        assert f'autocomplete="{asked}"' in page.text
    assert "Subscribe for €9" in page.text
    assert 'name="email"' not in page.text
    assert "Test mode: no money moves" in page.text


def test_paying_leads_to_the_success_page_and_again_when_opened_again(shop: Shop, visit: Visit) -> None:
    id = shop.session().id
    visit.get(f"/sandbox/checkout/{id}")
    done = f"{BACK}/joined?session={id}"
    assert where(visit.post(f"/sandbox/checkout/{id}", **CARD)) == done
    assert where(visit.get(f"/sandbox/checkout/{id}")) == done
    assert where(visit.post(f"/sandbox/checkout/{id}", **CARD)) == done
    assert where(visit.get(f"/sandbox/checkout/{id}/authenticate")) == done
    assert [s.status for s in shop.subscriptions()] == ["active"]


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"number": "4242"}, "number", "The card number is incomplete."),
        ({"number": "4242 4242 4242 4241"}, "number", "Your card number is incorrect."),
        ({"expiry": "soon"}, "expiry", "The expiry date is incomplete."),
        ({"expiry": "13/40"}, "expiry", "Your card's expiration month is invalid."),
        ({"expiry": "01/2020"}, "expiry", "Your card's expiration year is invalid."),
        ({"cvc": "1"}, "cvc", "The security code is incomplete."),
        ({"cvc": "abc"}, "cvc", "Your card's security code is invalid."),
        ({"name": ""}, "name", "Write the name that is on the card."),
    ],
)
def test_what_is_typed_wrong_is_told_at_its_field(
    shop: Shop, visit: Visit, typed: dict[str, str], field: str, message: str
) -> None:
    address = f"/sandbox/checkout/{shop.session().id}"
    visit.get(address)
    page = visit.post(address, **{**CARD, **typed})
    assert page.status_code == 422
    assert said(page) == [message]
    assert f'aria-describedby="{field}-error" autofocus' in page.text
    assert shop.subscriptions() == []


@pytest.mark.parametrize(
    ("number", "field", "message"),
    [
        (DECLINED, "number", "Your card was declined."),
        ("4000000000000069", "expiry", "Your card has expired."),
        ("4000000000000127", "cvc", "Your card's security code is incorrect."),
    ],
)
def test_a_declined_card_is_told_at_its_field(
    shop: Shop, visit: Visit, number: str, field: str, message: str
) -> None:
    address = f"/sandbox/checkout/{shop.session().id}"
    visit.get(address)
    page = visit.post(address, **{**CARD, "number": number})
    assert (page.status_code, said(page)) == (402, [message])
    assert f'id="{field}-error"' in page.text
    assert 'value="Ada"' in page.text
    assert 'value="123"' not in page.text


def test_the_bank_asks_and_takes_no_and_yes(shop: Shop, visit: Visit) -> None:
    address = f"/sandbox/checkout/{shop.session().id}"
    visit.get(address)
    question = visit.follow(visit.post(address, **{**CARD, "number": ASKS_ALWAYS}))
    assert "Is this you?" in question.text
    assert "€9" in question.text
    failed = visit.follow(visit.post(f"{address}/authenticate", passed="no"))
    assert said(failed)[0].startswith("We are unable to authenticate your payment method.")
    assert shop.subscriptions() == []
    visit.post(address, **{**CARD, "number": ASKS_ALWAYS})
    assert where(visit.post(f"{address}/authenticate", passed="yes")).startswith(BACK)
    assert [s.status for s in shop.subscriptions()] == ["active"]


def test_an_expired_session_says_so_and_charges_nothing(shop: Shop, visit: Visit) -> None:
    id = shop.session(cancel_url=BACK + "/join").id
    address = f"/sandbox/checkout/{id}"
    visit.get(address)
    shop.v1.checkout.sessions.expire(id)
    for page in (
        visit.get(address),
        visit.post(address, **CARD),
        visit.get(f"{address}/authenticate"),
    ):
        assert page.status_code == 410
        assert "This payment page has expired" in page.text
        assert BACK + "/join" in page.text
    assert visit.post(f"{address}/authenticate", passed="yes").status_code == 410
    assert shop.subscriptions() == []


def test_a_trial_tells_what_comes_after_it(shop: Shop, visit: Visit) -> None:
    page = visit.get(f"/sandbox/checkout/{shop.session(subscription_data={'trial_period_days': 14}).id}")
    start = shop.sandbox.now() + timedelta(days=14)
    assert "Free trial" in page.text
    assert f"Then €9 per month, from {start:%-d %b %Y}" in page.text
    assert "Start the trial" in page.text


def test_a_trial_without_a_card_asks_for_none(shop: Shop, visit: Visit) -> None:
    facts = {"payment_method_collection": "if_required", "subscription_data": {"trial_period_days": 14}}
    address = f"/sandbox/checkout/{shop.session(**facts).id}"
    assert 'name="number"' not in visit.get(address).text
    assert where(visit.post(address)).startswith(BACK)
    assert [s.status for s in shop.subscriptions()] == ["trialing"]


def test_a_session_without_a_customer_asks_for_the_address(shop: Shop, visit: Visit) -> None:
    line = {"price": shop.price(), "quantity": 1}
    session = shop.v1.checkout.sessions.create(
        {"mode": "subscription", "line_items": [line], "success_url": BACK}
    )
    address = f"/sandbox/checkout/{session.id}"
    assert 'autocomplete="email"' in visit.get(address).text
    assert said(visit.post(address, **CARD)) == ["Write your e-mail address."]
    assert where(visit.post(address, **CARD, email="eve@example.org")) == BACK
    assert shop.v1.customers.list().data[0].email == "eve@example.org"


def test_one_off_support_discounts_and_saved_cards(shop: Shop, visit: Visit) -> None:
    once = shop.v1.prices.create({"currency": "eur", "unit_amount": 2550, "product": shop.product()}).id
    support = shop.session(mode="payment", line_items=[{"price": once, "quantity": 2}])
    page = visit.get(f"/sandbox/checkout/{support.id}")
    assert "Pay €51" in page.text
    assert "Quantity: 2" in page.text
    assert "charged again" not in page.text
    off = shop.v1.coupons.create({"percent_off": 50, "duration": "once"}).id
    page = visit.get(f"/sandbox/checkout/{shop.session(discounts=[{'coupon': off}]).id}")
    assert "−€4.50" in page.text
    assert "Subscribe for €4.50" in page.text
    facts = {"mode": "setup", "currency": "eur", "customer": shop.customer(), "success_url": BACK}
    address = f"/sandbox/checkout/{shop.v1.checkout.sessions.create(facts).id}"
    assert "Save card" in visit.get(address).text
    assert where(visit.post(address, **CARD)) == BACK


def test_a_test_card_can_be_filled_in_without_javascript(shop: Shop, visit: Visit) -> None:
    address = f"/sandbox/checkout/{shop.session().id}"
    assert f"{address}?card={DECLINED}" in visit.get(address).text
    assert 'value="4000 0000 0000 0002"' in visit.get(f"{address}?card={DECLINED}").text
    assert 'value="4111' not in visit.get(f"{address}?card=4111111111111111").text


def test_unknown_sessions_and_missing_tokens_are_refused(shop: Shop, visit: Visit) -> None:
    unknown = visit.get("/sandbox/checkout/cs_test_nobody")
    assert unknown.status_code == 404
    assert "No such checkout.session" in unknown.text
    assert visit.post(f"/sandbox/checkout/{shop.session().id}", **CARD).status_code == 400
    assert shop.subscriptions() == []


@pytest.mark.parametrize(
    ("interval", "count", "text"),
    [
        ("day", 1, "per day"),
        ("week", 2, "every 2 weeks"),
        ("month", 3, "every 3 months"),
        ("year", 1, "per year"),
    ],
)
def test_intervals_are_told_in_words(shop: Shop, visit: Visit, interval: str, count: int, text: str) -> None:
    facts = {"product": shop.product(), "currency": "eur", "unit_amount": 100}
    price = shop.v1.prices.create({**facts, "recurring": {"interval": interval, "interval_count": count}}).id
    page = visit.get(f"/sandbox/checkout/{shop.session(line_items=[{'price': price, 'quantity': 1}]).id}")
    assert text in page.text


def test_an_open_invoice_is_paid_with_another_card(shop: Shop, visit: Visit) -> None:
    address = f"/sandbox/invoices/{owing(shop)}"
    page = visit.get(f"{address}?card={GOOD}")
    assert "Pay €9" in page.text
    assert 'value="4242 4242 4242 4242"' in page.text
    assert visit.post(address, **{**CARD, "cvc": ""}).status_code == 422
    declined = visit.post(address, **{**CARD, "number": DECLINED})
    assert (declined.status_code, said(declined)) == (402, ["Your card was declined."])
    paid = visit.follow(visit.post(address, **CARD))
    assert "Nothing is left to pay" in paid.text
    assert [s.status for s in shop.subscriptions()] == ["active"]


def test_the_bank_may_ask(shop: Shop, visit: Visit) -> None:
    address = f"/sandbox/invoices/{owing(shop)}"
    visit.get(address)
    question = visit.follow(visit.post(address, **{**CARD, "number": ASKS_ONCE}))
    assert "Is this you?" in question.text
    failed = visit.follow(visit.post(f"{address}/authenticate", passed="no"))
    assert said(failed)[0].startswith("We are unable to authenticate")
    visit.post(address, **{**CARD, "number": ASKS_ONCE})
    paid = visit.follow(visit.post(f"{address}/authenticate", passed="yes"))
    assert "Nothing is left to pay" in paid.text


def test_other_states_are_shown(shop: Shop, visit: Visit) -> None:
    id = owing(shop)
    shop.v1.invoices.mark_uncollectible(id)
    assert "Given up" in visit.get(f"/sandbox/invoices/{id}").text
    shop.v1.invoices.void_invoice(id)
    page = visit.get(f"/sandbox/invoices/{id}")
    assert "Void" in page.text
    assert 'name="number"' not in page.text
    assert visit.get("/sandbox/invoices/in_nobody").status_code == 404


def test_every_view_is_open_to_anyone(visit: Visit) -> None:
    app = visit.client.application
    views = {name: view for name, view in app.view_functions.items() if name.startswith("sandbox.")}
    assert len(views) > 25
    assert [name for name, view in views.items() if getattr(view, "may_enter", None) != {"public"}] == []
