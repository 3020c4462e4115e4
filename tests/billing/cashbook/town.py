"""What the tests of the cash book look at: our tables, Stripe, and some readers who live at random."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing.cashbook import months, walk
from paywall.billing.cashbook.facts import (
    DisputeFacts,
    Entries,
    InvoiceFacts,
    PaymentFacts,
    PayoutFacts,
    RefundFacts,
    TransactionFacts,
)
from paywall.billing.cashbook.models import (
    BalanceTransaction,
    Dispute,
    Invoice,
    Payment,
    Payout,
    Refund,
)
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeCustomer, StripeTwin, TwinKind
from paywall.billing.sync import sync
from paywall.db import db
from tests.billing.cashbook.lives import CARDS, Lives
from tests.shop import SITE, Shop, card

DISPUTED, INQUIRED, WAITS, FAILS = CARDS[3], CARDS[4], CARDS[5], CARDS[6]
PARTS = ("invoices", "payments", "refunds", "disputes", "transactions", "payouts")


def v1() -> Any:
    """Stripe, asked directly."""
    return gateway().client.v1


def rows(table: type[Any]) -> list[Any]:
    """What a table has now, in no transaction."""
    found = list(db.session.scalars(select(table).order_by(table.id)))
    for one in found:
        db.session.expunge(one)
    db.session.rollback()
    return found


def only(table: type[Any]) -> Any:
    """The one row of a table."""
    (row,) = rows(table)
    return row


def again(shop: Shop) -> None:
    """Sync the reader."""
    query = select(StripeCustomer.id).where(StripeCustomer.reader_id == shop.reader.id)
    customer_id = db.session.scalars(query).one()
    db.session.rollback()
    sync(customer_id)


def fetch(**how: bool) -> walk.Walk:
    """One whole walk."""
    begun = walk.begin(**how)
    begun.run()
    return begun


def gift(shop: Shop, number: str = CARDS[0]) -> None:
    """A guest buys something once."""
    line = {"price_data": {"currency": "eur", "unit_amount": 3000, "product": "paywall_supporter"}}
    asked = {"mode": "payment", "line_items": [line | {"quantity": 1}], "success_url": SITE}
    shop.sandbox.checkout.pay(v1().checkout.sessions.create(asked).id, card(number))


def people(shop: Shop) -> Lives:
    """Three readers whose lives are played at Stripe; our tables hear of nothing but their customers."""
    readers = [shop.reader]
    for name in ("bo", "cy"):
        readers.append(Reader(email=f"{name}@example.org", confirmed_at=clock.now()))
        db.session.add(readers[-1])
    db.session.commit()
    shops = [Shop(shop.app, shop.sandbox, reader) for reader in readers]
    twin = select(StripeTwin.stripe_id).where(StripeTwin.kind == TwinKind.PRICE)
    price = db.session.scalars(twin.order_by(StripeTwin.own_id)).first() or ""
    db.session.rollback()

    def join(nth: int, number: str) -> None:
        mine = select(StripeCustomer.stripe_id).where(StripeCustomer.reader_id == shops[nth].reader.id)
        customer = db.session.scalar(mine)
        db.session.rollback()
        if customer is None:
            shops[nth].pay(shops[nth].begin(), number)
            return
        lines = [{"price": price, "quantity": 1}]
        asked = {"mode": "subscription", "customer": customer, "line_items": lines, "success_url": SITE}
        shop.sandbox.checkout.pay(v1().checkout.sessions.create(asked).id, card(number))

    return Lives(shop.sandbox, v1(), price, join)


def kept() -> Entries:
    """All that our tables have."""
    found = Entries(
        invoices=tuple(months.read(InvoiceFacts, Invoice)),
        payments=tuple(months.read(PaymentFacts, Payment)),
        refunds=tuple(months.read(RefundFacts, Refund)),
        disputes=tuple(months.read(DisputeFacts, Dispute)),
        transactions=tuple(months.read(TransactionFacts, BalanceTransaction)),
        payouts=tuple(months.read(PayoutFacts, Payout)),
    )
    db.session.rollback()
    return found


def plain(entries: Entries) -> dict[str, dict[str, dict[str, Any]]]:
    """Entries to be compared: without what only one side tells, and without tries that moved no money."""
    untold = ("lines", "payments", "closed_at", "payer")
    return {
        name: {
            one.stripe_id: {key: value for key, value in asdict(one).items() if key not in untold}
            for one in getattr(entries, name)
            if not (name == "payments" and one.status == "failed")
        }
        for name in PARTS
    }
