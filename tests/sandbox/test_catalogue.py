"""Products, prices, coupons and customers, as the stripe package sees them."""

from typing import Any

import pytest
import stripe

from tests.sandbox.shop import Shop


def test_a_product_keeps_what_it_is_given_and_shows_every_other_field_empty(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Patron", "metadata": {"plan": "patron"}})
    again = shop.v1.products.retrieve(product.id)
    assert (again.name, again.metadata["plan"], again.active, again.description) == (
        "Patron",
        "patron",
        True,
        None,
    )
    assert again.id.startswith("prod_")


def test_an_update_replaces_what_is_given_and_tells_what_it_was(shop: Shop) -> None:
    shop.v1.products.update(shop.product(), {"name": "Friend", "metadata": {"a": "1", "b": "2"}})
    shop.v1.products.update(shop.product(), {"metadata": {"a": "", "c": "3"}, "description": "Thanks"})
    product = shop.v1.products.update(shop.product(), {"description": ""})
    assert (product.name, product.metadata.to_dict(), product.description) == (
        "Friend",
        {"b": "2", "c": "3"},
        None,
    )
    first = next(e for e in shop.all_events() if e.type == "product.updated")
    assert first.data.previous_attributes["name"] == "Patron"
    assert shop.v1.products.update(shop.product(), {"metadata": ""}).metadata.to_dict() == {}


def test_a_price_can_be_made_with_its_product_and_the_product_with_its_price(shop: Shop) -> None:
    price = shop.v1.prices.create(
        {
            "currency": "EUR",
            "unit_amount_decimal": "500",
            "product_data": {"name": "Once"},
            "nickname": "tip",
        }
    )
    assert (price.currency, price.unit_amount, price.type, price.recurring) == ("eur", 500, "one_time", None)
    data = {"currency": "eur", "unit_amount": 900, "recurring": {"interval": "month"}}
    product = shop.v1.products.create({"id": "plan-patron", "name": "Patron", "default_price_data": data})
    default = shop.v1.products.retrieve(product.id, {"expand": ["default_price"]}).default_price
    assert (default.unit_amount, default.recurring.interval_count) == (900, 1)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        shop.v1.products.create({"id": "plan-patron", "name": "Twice"})


def test_prices_are_found_by_product_key_and_rhythm(shop: Shop) -> None:
    month, year = shop.price(), shop.price("year", 9000)
    shop.v1.prices.update(month, {"lookup_key": "patron-month", "active": False})
    assert [p.id for p in shop.v1.prices.list({"product": shop.product()})] == [year, month]
    assert [p.id for p in shop.v1.prices.list({"lookup_keys": ["patron-month"]})] == [month]
    assert [p.id for p in shop.v1.prices.list({"recurring": {"interval": "year"}})] == [year]
    assert [p.id for p in shop.v1.prices.list({"active": True})] == [year]
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        shop.v1.prices.update(year, {"lookup_key": "patron-month"})
    shop.v1.prices.update(year, {"lookup_key": "patron-month", "transfer_lookup_key": True})
    assert [p.id for p in shop.v1.prices.list({"lookup_keys": ["patron-month"]})] == [year]
    assert shop.v1.prices.retrieve(month).lookup_key is None


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"currency": "eur", "unit_amount": 5}, "product"),
        ({"currency": "eur", "product": "prod_none", "unit_amount": 5}, "No such product: 'prod_none'"),
        ({"currency": "eur", "product": ""}, "No such product"),
        ({"product": "prod_none", "unit_amount": 5}, "Missing required param: currency."),
    ],
)
def test_a_price_that_cannot_be_made_is_refused(shop: Shop, facts: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.v1.prices.create(facts)


def test_a_price_needs_a_whole_amount(shop: Shop) -> None:
    for facts, message in (({}, "unit_amount"), ({"unit_amount_decimal": "9.5"}, "whole minor units")):
        with pytest.raises(stripe.InvalidRequestError, match=message):
            shop.v1.prices.create({"currency": "eur", "product": shop.product(), **facts})


def test_a_product_with_prices_cannot_be_deleted(shop: Shop) -> None:
    shop.price()
    with pytest.raises(stripe.InvalidRequestError, match="user-created prices"):
        shop.v1.products.delete(shop.product())
    empty = shop.v1.products.create({"name": "Nothing"})
    assert shop.v1.products.delete(empty.id).deleted
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.v1.products.retrieve(empty.id)
    assert (caught.value.code, caught.value.param, caught.value.http_status) == (
        "resource_missing",
        "id",
        404,
    )


def test_lists_come_in_pages_forwards_and_backwards(shop: Shop) -> None:
    made = [shop.v1.products.create({"name": f"P{n}"}).id for n in range(7)]
    first = shop.v1.products.list({"limit": 3})
    assert ([p.id for p in first.data], first.has_more, first.url) == (made[:3:-1], True, "/v1/products")
    assert [p.id for p in shop.v1.products.list({"limit": 3}).auto_paging_iter()] == made[::-1]
    after = shop.v1.products.list({"limit": 2, "ending_before": made[0]})
    assert ([p.id for p in after.data], after.has_more) == ([made[2], made[1]], True)
    assert [p.id for p in shop.v1.products.list({"ids": made[:2]})] == [made[1], made[0]]
    back = shop.v1.products.list({"limit": 2, "ending_before": made[0]}).auto_paging_iter()
    assert [p.id for p in back] == made[1:]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"limit": 0}, "greater than or equal to 1"),
        ({"limit": 101}, "less than or equal to 100"),
        ({"starting_after": "prod_none"}, "No such product: 'prod_none'"),
        ({"starting_after": "a", "ending_before": "b"}, "only specify one"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(shop: Shop, params: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.v1.products.list(params)


def test_lists_can_be_cut_by_the_time_of_making(shop: Shop) -> None:
    product = shop.v1.products.retrieve(shop.product())
    assert len(shop.v1.products.list({"created": {"gte": product.created}}).data) == 1
    assert len(shop.v1.products.list({"created": product.created}).data) == 1
    assert len(shop.v1.products.list({"created": {"gt": product.created, "lt": 9_999_999_999}}).data) == 0


def test_customers_are_found_by_their_exact_email(shop: Shop) -> None:
    ada = shop.customer()
    assert [c.id for c in shop.v1.customers.list({"email": "ada@example.org"})] == [ada]
    assert shop.v1.customers.list({"email": "Ada@example.org"}).data == []
    changed = shop.v1.customers.update(ada, {"email": "countess@example.org", "name": "Ada"})
    assert (changed.email, changed.name) == ("countess@example.org", "Ada")
    assert shop.all_events()[-1].data.previous_attributes.to_dict() == {
        "email": "ada@example.org",
        "name": None,
    }


def test_a_deleted_customer_answers_deleted_and_ends_its_subscriptions(shop: Shop) -> None:
    subscription = shop.subscribe()
    assert shop.v1.customers.delete(shop.customer()).deleted
    again = shop.v1.customers.retrieve(shop.customer())
    assert (again.id, again.deleted) == (shop.customer(), True)
    assert shop.v1.customers.list().data == []
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert shop.events()[-2:] == ["customer.subscription.deleted", "customer.deleted"]
    for refused in (shop.v1.customers.update, shop.v1.customers.delete):
        with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
            refused(shop.customer())


def test_a_customer_can_start_with_a_card_on_file(shop: Shop) -> None:
    customer = shop.v1.customers.create({"payment_method": "pm_card_visa", "email": "b@example.org"})
    method = shop.v1.customers.payment_methods.list(customer.id, {"type": "card"}).data[0]
    chosen = {"invoice_settings": {"default_payment_method": method.id}}
    assert shop.v1.customers.update(customer.id, chosen).invoice_settings.default_payment_method == method.id
    with pytest.raises(stripe.InvalidRequestError, match="No such PaymentMethod"):
        shop.v1.customers.update(shop.customer(), chosen)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        shop.v1.customers.retrieve("cus_none")


def test_coupons_and_their_codes(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 50, "duration": "repeating", "duration_in_months": 3})
    code = shop.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HALF"}
    )
    assert shop.v1.promotion_codes.list({"code": "HALF"}).data[0].promotion.coupon == coupon.id
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        shop.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HALF"})
    assert not shop.v1.promotion_codes.update(code.id, {"active": False}).active
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        shop.session(discounts=[{"promotion_code": code.id}])
    again = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HALF"}
    renewed = shop.v1.promotion_codes.create(again).id
    assert (
        shop.v1.promotion_codes.retrieve(
            code.id, {"expand": ["promotion.coupon"]}
        ).promotion.coupon.percent_off
        == 50
    )
    assert shop.v1.coupons.list().data[0].id == shop.v1.coupons.retrieve(coupon.id).id
    assert shop.v1.coupons.delete(coupon.id).deleted
    assert shop.v1.coupons.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        shop.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        shop.session(discounts=[{"promotion_code": renewed}])


def test_a_coupon_that_is_used_up_or_out_of_date_gives_nothing(shop: Shop) -> None:
    tomorrow = int(shop.sandbox.now().timestamp()) + 86_400
    single = shop.v1.coupons.create({"amount_off": 100, "currency": "eur", "max_redemptions": 1}).id
    dated = shop.v1.coupons.create({"percent_off": 10, "redeem_by": tomorrow}).id
    shop.subscribe(discounts=[{"coupon": single}])
    assert shop.session(discounts=[{"coupon": dated}]).amount_total == 810
    shop.sandbox.advance(months=1)
    for used in (single, dated):
        with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
            shop.session(discounts=[{"coupon": used}])
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        shop.v1.coupons.create({"percent_off": 10, "id": dated})


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"percent_off": 0},
        {"percent_off": 5, "amount_off": 5},
        {"amount_off": 5},
        {"percent_off": 5, "duration": "repeating"},
    ],
)
def test_a_coupon_that_makes_no_sense_is_refused(shop: Shop, facts: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.coupons.create(facts)


def test_the_account_says_who_it_is(shop: Shop) -> None:
    account = shop.v1.accounts.retrieve_current()
    assert (account.charges_enabled, account.default_currency) == (True, "eur")
