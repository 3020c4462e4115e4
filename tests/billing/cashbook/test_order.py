"""Two ways in, at once and out of order: what was looked at later stays."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from paywall.billing.cashbook import keeping, reading
from paywall.billing.cashbook.facts import DisputeFacts, Entries, PaymentFacts
from paywall.billing.cashbook.models import (
    Dispute,
    Payment,
    Refund,
)
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeCustomer
from paywall.billing.remote import Mode, Page
from paywall.billing.sync import sync
from paywall.db import db
from tests.billing.cashbook.lives import all_of
from tests.billing.cashbook.town import WAITS, again, fetch, kept, only, plain, rows, v1
from tests.shop import Shop

AT = datetime(2026, 10, 1, tzinfo=UTC)
PAID = PaymentFacts("ch_1", "cus_1", "pi_1", "in_1", 500, 0, "eur", "succeeded", None, False, "txn_1", AT)


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (2, 2), (1, 2, 1)])
def test_the_later_look_stays_whichever_is_written_last(context: None, order: tuple[int, ...]) -> None:
    for ticket in order:
        given = Entries(payments=(replace(PAID, refunded=100 * ticket),))
        keeping.keep(given, ticket, readers={})
        db.session.commit()
    assert (only(Payment).refunded, only(Payment).ticket) == (200, 2)


def test_what_only_one_way_in_knows_is_not_forgotten(shop: Shop) -> None:
    mine = {"cus_1": shop.reader.id}
    keeping.keep(Entries(payments=(PAID,)), 1, readers=mine)
    keeping.keep(Entries(payments=(replace(PAID, invoice=None, refunded=7),)), 2, readers={})
    db.session.commit()
    row = only(Payment)
    assert (row.invoice, row.reader_id, row.refunded) == ("in_1", mine["cus_1"], 7)


def test_a_dispute_that_is_opened_again_is_not_closed(context: None) -> None:
    facts = DisputeFacts("du_1", "ch_1", 5, -5, "eur", "lost", "fraudulent", AT, AT, None)
    later = AT + timedelta(days=1)
    for ticket, (status, closed) in enumerate([("lost", AT), ("lost", later), ("appeal_under_review", None)]):
        keeping.keep(Entries(disputes=(replace(facts, status=status, closed_at=closed),)), ticket, readers={})
        db.session.commit()
        assert only(Dispute).closed_at == (AT if closed else None)


def test_ids_of_two_modes_are_two_rows(context: None, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping.keep(Entries(payments=(PAID,)), 1, readers={})
    monkeypatch.setattr(gateway(), "mode", Mode.TEST)
    keeping.keep(Entries(payments=(PAID,)), 1, readers={})
    db.session.commit()
    assert len(rows(Payment)) == 2


def test_a_fetch_that_was_overtaken_writes_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.join()
    real = gateway().money_of
    nested: list[bool] = []

    def slow(customer: str) -> Entries:
        stale = real(customer)
        if not nested:
            nested.append(True)
            v1().refunds.create({"charge": stale.payments[0].stripe_id})
            again(shop)
        return stale

    monkeypatch.setattr(gateway(), "money_of", slow)
    again(shop)
    assert (only(Payment).refunded, len(rows(Refund))) == (500, 1)


def test_a_walk_that_was_overtaken_by_a_sync_writes_nothing_older(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.join()
    real = gateway().transactions_after

    def slow(cursor: str | None, since: datetime | None) -> Page[Entries]:
        stale = real(cursor, since)
        v1().refunds.create({"charge": stale.items[0].payments[0].stripe_id})
        again(shop)
        return stale

    monkeypatch.setattr(gateway(), "transactions_after", slow)
    fetch()
    assert only(Payment).refunded == 500


def test_writers_at_once_neither_block_one_another_nor_lose_what_is_newer(shop: Shop) -> None:
    """A sync, a walk and an event for the same charges, each by a thread of its own."""
    shop.join(number=WAITS)
    charge = only(Payment).stripe_id
    v1().refunds.create({"charge": charge, "amount": 100})
    customer_id = db.session.scalars(select(StripeCustomer.id)).one()
    db.session.rollback()
    failed: list[BaseException] = []

    def at_once(work: Callable[[], object]) -> None:
        try:
            with shop.app.app_context():
                for _ in range(4):
                    work()
        except BaseException as error:  # told by the test
            failed.append(error)

    works = (lambda: sync(customer_id), fetch, lambda: reading.charge(charge), lambda: reading.charge(charge))
    threads = [threading.Thread(target=at_once, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    v1().refunds.create({"charge": charge, "amount": 150})
    for thread in threads:
        thread.join()
    assert failed == []
    again(shop)
    assert plain(kept()) == plain(all_of(gateway(), v1()))
