"""Money that moved at Stripe: one customer's, one charge's, or page by page the whole account's."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

import stripe

from paywall.billing.cashbook.facts import Entries, Kind, PaymentFacts, TransactionFacts
from paywall.billing.gateway.entries import (
    charge_facts,
    dispute_facts,
    invoice_facts,
    payout_facts,
    refund_facts,
    transaction_facts,
)
from paywall.billing.gateway.line import Line
from paywall.billing.gateway.reading import id_of, maybe
from paywall.billing.remote import Page

PAGE = 100
_WITH_ALL = ("balance_transaction", "refunds.data.balance_transaction")


class CashBook(Line):
    """Reading it."""

    def money_of(self, customer: str) -> Entries:
        """A customer's invoices without drafts, and what was paid, given back and disputed.

        Two questions for each hundred, and one for each charge that says that it is disputed.
        """
        with self.talking():
            bills = self.client.v1.invoices.list(
                {"customer": customer, "limit": PAGE, "expand": ["data.payments"]}
            )
            invoices = tuple(invoice_facts(one) for one in bills.auto_paging_iter() if one.status != "draft")
            charges = self.client.v1.charges.list(
                {"customer": customer, "limit": PAGE, "expand": [f"data.{name}" for name in _WITH_ALL]}
            )
            found = self._of_charges(charges.auto_paging_iter())
        paid_for = {payment: invoice.stripe_id for invoice in invoices for payment in invoice.payments}
        payments = tuple(replace(one, invoice=_invoice(one, paid_for)) for one in found.payments)
        return replace(found, invoices=invoices, payments=payments)

    def charge(self, stripe_id: str) -> Entries:
        """One charge with all that came of it; raises Gone."""
        with self.talking():
            return self._of_charges([self.client.v1.charges.retrieve(stripe_id, {"expand": list(_WITH_ALL)})])

    def charge_behind(self, kind: Kind, stripe_id: str) -> str | None:
        """The charge that a refund or a dispute is about; raises Gone."""
        with self.talking():
            if kind is Kind.REFUND:
                return id_of(self.client.v1.refunds.retrieve(stripe_id).charge)
            return id_of(self.client.v1.disputes.retrieve(stripe_id).charge)

    def transactions_after(self, cursor: str | None, since: datetime | None) -> Page[Entries]:
        """The next hundred lines of our balance, newest first, with what is behind each."""
        asked: Any = {"limit": PAGE, "expand": ["data.source"], **_since(since), **_after(cursor)}
        with self.talking():
            found = self.client.v1.balance_transactions.list(asked)
        transactions = tuple(transaction_facts(one) for one in found.data)
        sources = [maybe(one, "source") for one in found.data]
        entries = Entries(
            payments=tuple(charge_facts(one) for one in sources if isinstance(one, stripe.Charge)),
            refunds=tuple(refund_facts(one) for one in sources if isinstance(one, stripe.Refund)),
            disputes=tuple(dispute_facts(one) for one in sources if isinstance(one, stripe.Dispute)),
            transactions=transactions,
        )
        return Page([entries], found.data[-1].id if found.has_more else None)

    def disputes_after(self, cursor: str | None, since: datetime | None) -> Page[Entries]:
        """The next hundred disputes, newest first."""
        asked: Any = {"limit": PAGE, **_since(since), **_after(cursor)}
        with self.talking():
            found = self.client.v1.disputes.list(asked)
        disputes = tuple(dispute_facts(one) for one in found.data)
        return Page([Entries(disputes=disputes)], found.data[-1].id if found.has_more else None)

    def payouts_after(self, cursor: str | None, since: datetime | None) -> Page[Entries]:
        """The next hundred payouts, newest first."""
        asked: Any = {"limit": PAGE, **_since(since), **_after(cursor)}
        with self.talking():
            found = self.client.v1.payouts.list(asked)
        payouts = tuple(payout_facts(one) for one in found.data)
        return Page([Entries(payouts=payouts)], found.data[-1].id if found.has_more else None)

    def payout(self, stripe_id: str) -> Entries:
        """One payout; raises Gone."""
        with self.talking():
            return Entries(payouts=(payout_facts(self.client.v1.payouts.retrieve(stripe_id)),))

    def paid_out_after(self, cursor: str | None, payout: str) -> Page[Entries]:
        """The next hundred lines of our balance that went into one automatic payout."""
        with self.talking():
            asked: Any = {"payout": payout, "limit": PAGE, **_after(cursor)}
            found = self.client.v1.balance_transactions.list(asked)
        lines = tuple(replace(transaction_facts(one), payout=payout) for one in found.data)
        return Page([Entries(transactions=lines)], found.data[-1].id if found.has_more else None)

    def _of_charges(self, charges: Iterable[stripe.Charge]) -> Entries:
        payments, refunds, disputes = [], [], []
        for one in charges:
            payments.append(one)
            given = maybe(one, "refunds")
            refunds += list(given.auto_paging_iter()) if given else []
            disputes += self._disputes(one.id) if one.disputed else []
        return Entries(
            payments=tuple(charge_facts(one) for one in payments),
            refunds=tuple(refund_facts(one) for one in refunds),
            disputes=tuple(dispute_facts(one) for one in disputes),
            transactions=tuple(_transactions(chain(payments, refunds), disputes)),
        )

    def _disputes(self, charge: str) -> list[stripe.Dispute]:
        return list(self.client.v1.disputes.list({"charge": charge, "limit": PAGE}).auto_paging_iter())


def _transactions(
    moved: Iterable[stripe.Charge | stripe.Refund], disputes: Iterable[stripe.Dispute]
) -> Iterator[TransactionFacts]:
    for one in moved:
        if isinstance(line := maybe(one, "balance_transaction"), stripe.BalanceTransaction):
            yield transaction_facts(line)
    for dispute in disputes:
        yield from (transaction_facts(each) for each in dispute.balance_transactions)


def _invoice(one: PaymentFacts, paid_for: dict[str, str]) -> str | None:
    return paid_for.get(one.payment_intent or one.stripe_id)


def _since(since: datetime | None) -> dict[str, Any]:
    return {"created": {"gte": int(since.timestamp())}} if since else {}


def _after(cursor: str | None) -> dict[str, Any]:
    return {"starting_after": cursor} if cursor else {}
