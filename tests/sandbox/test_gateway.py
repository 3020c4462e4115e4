"""What the product asks of Stripe: each request is one that the SDK knows, each answer is checked too."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import stripe

from paywall.billing.cashbook.facts import Kind
from paywall.billing.gateway import Gateway
from paywall.billing.remote import Duration, Mode, Offer, Terms
from paywall.membership.discounts import Cut
from paywall.membership.rules import Interval
from paywall.money import Money
from paywall.sandbox import Card, Sandbox
from tests.sandbox.wire import CheckedClient

SITE = "http://127.0.0.1:8000"


@pytest.fixture
def wire(sandbox: Sandbox) -> CheckedClient:
    """What goes over the wire."""
    return CheckedClient(sandbox.http_client())


@pytest.fixture
def gateway(context: None, sandbox: Sandbox, wire: CheckedClient) -> Iterator[Gateway]:
    """The product's gateway over that wire; at the end, all that went over it must have been right."""
    client = stripe.StripeClient(sandbox.api_key, http_client=wire)
    yield Gateway(client, Mode.SANDBOX, list)
    assert wire.problems == []


def on_sale(gateway: Gateway) -> str:
    """A product with a monthly price; its price's id."""
    gateway.ensure_product("supporter", name="Supporter", description="Reads all")
    money = Money(500, "eur")
    return gateway.ensure_price("supporter-month", product="supporter", money=money, interval=Interval.MONTH)[
        0
    ]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestRequests:
    def test_setting_up_twice(self, gateway: Gateway) -> None:
        for _ in range(2):
            on_sale(gateway)
            gateway.ensure_endpoint(f"{SITE}/webhooks/stripe", ["invoice.paid", "customer.updated"])
            gateway.ensure_portal(gateway.ensure_portal(None, site_url=SITE)[0], site_url=SITE)

    def test_a_gift_is_paid_by_whoever_gives_it_disputed_and_given_back(
        self, gateway: Gateway, sandbox: Sandbox
    ) -> None:
        on_sale(gateway)
        customer = gateway.create_customer(7, "7:1")
        urls = (f"{SITE}/gift/paid?session_id={{CHECKOUT_SESSION_ID}}", f"{SITE}/gift")
        for number, buyer in (("4242424242424242", None), ("4000000000000259", customer)):
            page = gateway.open_gift(
                gift_id=1,
                key=number,
                product="supporter",
                money=Money(1500, "eur"),
                title="Gift: 3 months of Supporter",
                customer=buyer,
                email="gina@example.org",
                urls=urls,
            )
            assert not gateway.gift_payment(page.id).is_paid
            sandbox.checkout.pay(page.id, Card(number, 12, 2099, "123", "Gina"))
            paid = gateway.gift_payment(page.id)
            assert (paid.is_paid, paid.is_disputed, paid.is_refunded) == (True, buyer is not None, False)
            assert page.customer == buyer
            if buyer is None:
                gateway.client.v1.refunds.create({"payment_intent": paid.payment_intent or ""})
                assert gateway.gift_payment(page.id).is_refunded

    def look_at_the_money(self, gateway: Gateway, customer: str, subscription: str) -> None:
        """A first bill of 5 euros less a promotion of one."""
        money = gateway.money_of(customer)
        (bill,), (paid,) = money.invoices, money.payments
        assert (bill.amount, bill.discount, bill.amount_paid) == (400, 100, 400)
        assert (bill.subscription, paid.amount, paid.invoice) == (subscription, 400, bill.stripe_id)
        assert [(one.amount, one.source) for one in money.transactions] == [(400, paid.stripe_id)]
        for _click in range(2):
            gateway.give_back(paid.stripe_id, Money(150, "eur"), "a form")
        assert gateway.charge(paid.stripe_id).payments[0].refunded == 150

    def test_a_reader_joins_and_looks_after_it(self, gateway: Gateway, sandbox: Sandbox) -> None:
        price = on_sale(gateway)
        customer = gateway.create_customer(7, "7:1")
        gateway.update_email(customer, "ada@example.org")
        urls = (f"{SITE}/joined?session={{CHECKOUT_SESSION_ID}}", f"{SITE}/join")
        offer = Offer(Cut(Decimal(20), None), Duration.REPEATING, 2, frozenset({"supporter"}))
        gateway.create_promotion("SPRING", offer, most=5, until=sandbox.now() + timedelta(days=9))
        promotion = gateway.promotion("spring")
        assert promotion is not None
        assert promotion.offer == offer
        for terms in (Terms(trial_days=14, takes_codes=True), Terms(promotion=promotion.id)):
            page = gateway.open_checkout(
                customer=customer,
                reader_id=7,
                price=price,
                terms=terms,
                urls=urls,
                key=str(terms.trial_days),
            )
            if terms.trial_days:
                assert gateway.expire_checkout(page.id)
        sandbox.checkout.pay(page.id, Card("4242424242424242", 12, 2099, "123", "Ada"))
        assert gateway.checkout(page.id).is_paid
        (held,) = gateway.subscriptions(customer)
        assert (held.price_id, held.price) == (price, Money(500, "eur"))
        assert held.discount is not None
        assert held.discount.off == Money(100, "eur")
        self.look_at_the_money(gateway, customer, held.id)
        gateway.end_promotion(promotion.id)
        assert [one.is_active for one in gateway.promotions()] == [False]
        portal = gateway.ensure_portal(None, site_url=SITE)[0]
        about = {"configuration": portal, "back": SITE, "subject": held.id}
        for flow in (None, "subscription_cancel", "payment_method_update"):
            assert gateway.portal(customer, flow=flow, **about).startswith(SITE)

    def test_what_money_moved_is_read_page_by_page(self, gateway: Gateway, sandbox: Sandbox) -> None:
        on_sale(gateway)
        urls = (f"{SITE}/gift/paid", f"{SITE}/gift")
        for key, number in (("a", "4000000000005126"), ("b", "4000000000000259")):
            page = gateway.open_gift(
                gift_id=1,
                key=key,
                product="supporter",
                money=Money(9000, "eur"),
                title="A gift",
                customer=None,
                email="gina@example.org",
                urls=urls,
            )
            sandbox.checkout.pay(page.id, Card(number, 12, 2099, "123", "Ada"))
        disputed, refunded = gateway.client.v1.charges.list().data
        gateway.client.v1.refunds.create({"charge": refunded.id})
        sandbox.advance(by=timedelta(days=6))
        since = sandbox.now() - timedelta(days=90)
        lines = gateway.transactions_after(None, since).items[0]
        assert len(lines.transactions) == 6
        assert {one.status for one in lines.refunds} == {"failed"}
        (dispute,) = gateway.disputes_after(None, since).items[0].disputes
        assert gateway.charge_behind(Kind.DISPUTE, dispute.stripe_id) == disputed.id
        assert gateway.charge_behind(Kind.REFUND, lines.refunds[0].stripe_id) == refunded.id
        assert gateway.charge(disputed.id).disputes == (dispute,)
        (payout,) = gateway.payouts_after(None, None).items[0].payouts
        assert gateway.payout(payout.stripe_id).payouts == (payout,)
        assert len(gateway.paid_out_after(None, payout.stripe_id).items[0].transactions) == 6

    def test_what_stripe_leaves_out_is_read_as_nothing(self, gateway: Gateway, sandbox: Sandbox) -> None:
        """The SDK's annotations do not tell "may be null" from "may be absent"."""
        price = on_sale(gateway)
        customer = gateway.create_customer(7, "7:1")
        urls = (f"{SITE}/joined", f"{SITE}/join")
        for number in ("4000000000000259", "4000000000005126", "4000000000000341"):
            page = gateway.open_checkout(
                customer=customer, reader_id=7, price=price, terms=Terms(), urls=urls, key=number
            )
            sandbox.checkout.pay(page.id, Card(number, 12, 2099, "123", "Ada"))
        gateway.client.v1.refunds.create({"charge": gateway.client.v1.charges.list().data[1].id})
        sandbox.advance(months=1, by=timedelta(hours=3))
        bare = CheckedClient(sandbox.http_client(), drop_nulls=True)
        other = Gateway(stripe.StripeClient(sandbox.api_key, http_client=bare), Mode.SANDBOX, list)
        assert other.money_of(customer) == gateway.money_of(customer)
        assert other.transactions_after(None, None) == gateway.transactions_after(None, None)
        assert other.payouts_after(None, None) == gateway.payouts_after(None, None)
        assert {one.status for one in gateway.money_of(customer).payments} == {"succeeded", "failed"}
