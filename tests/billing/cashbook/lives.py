"""Random lives of customers at the stand-in, and what its own books say came of the money."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import stripe

from paywall.billing.cashbook.facts import Entries
from paywall.billing.gateway import Gateway
from paywall.billing.remote import Mode, Page
from paywall.sandbox import Sandbox, SandboxError
from tests.shop import GOOD, SITE, card

CARDS = (
    GOOD,
    "4000000000000341",  # renewals fail
    "4000000000000002",  # declined
    "4000000000000259",  # disputed at once
    "4000000000001976",  # asked about
    "4000000000007726",  # refunds wait
    "4000000000005126",  # refunds fail
)
STEPS = ("join", "gift", "month", "days", "refund", "part", "dispute", "win", "lose", "send_back")
Step = tuple[str, int]


@dataclass
class Lives:
    """Some customers of one price. `join(nth, card)` lets the nth of them subscribe."""

    sandbox: Sandbox
    v1: Any
    price: str
    join_as: Callable[[int, str], None]

    def play(self, steps: list[Step]) -> None:
        """Each step with a number that chooses among what there is; what cannot be is left out."""
        for name, number in steps:
            try:
                getattr(self, f"_{name}")(number)
            except (SandboxError, stripe.StripeError):
                continue

    def _join(self, number: int) -> None:
        self.join_as(number % 3, CARDS[number % len(CARDS)])

    def _gift(self, number: int) -> None:
        price = {"currency": "eur", "unit_amount": 3000 + number, "product": "paywall_supporter"}
        lines = [{"price_data": price, "quantity": 1}]
        asked = {"mode": "payment", "line_items": lines, "success_url": SITE}
        page = self.v1.checkout.sessions.create(asked)
        self.sandbox.checkout.pay(page.id, card(CARDS[number % len(CARDS)]))

    def _month(self, _: int) -> None:
        self.sandbox.advance(months=1, by=timedelta(hours=2))

    def _days(self, number: int) -> None:
        self.sandbox.advance(by=timedelta(days=1 + number % 6))

    def _refund(self, number: int) -> None:
        self.v1.refunds.create({"charge": self._charge(number)})

    def _part(self, number: int) -> None:
        self.v1.refunds.create({"charge": self._charge(number), "amount": 1 + number % 499})

    def _dispute(self, number: int) -> None:
        self.sandbox.disputes.open(self._charge(number), inquiry=number % 4 == 0)

    def _win(self, number: int) -> None:
        self.sandbox.disputes.close(_one(self.v1.disputes, number), won=True)

    def _lose(self, number: int) -> None:
        self.sandbox.disputes.close(_one(self.v1.disputes, number), won=False)

    def _send_back(self, number: int) -> None:
        self.sandbox.bank.send_back(_one(self.v1.payouts, number))

    def _charge(self, number: int) -> str:
        return _one(self.v1.charges, number)


def apart(sandbox: Sandbox) -> tuple[Gateway, Lives]:
    """The product's gateway on a stand-in of its own, and lives that our tables know nothing of."""
    client = stripe.StripeClient(sandbox.api_key, http_client=sandbox.http_client())
    v1: Any = client.v1
    v1.products.create({"id": "paywall_supporter", "name": "Supporter"})
    facts = {"currency": "eur", "unit_amount": 500, "recurring": {"interval": "month"}}
    price = v1.prices.create({**facts, "product": "paywall_supporter"}).id
    people = [v1.customers.create({"email": f"{n}@example.org"}).id for n in range(3)]

    def join(nth: int, number: str) -> None:
        lines = [{"price": price, "quantity": 1}]
        asked = {"mode": "subscription", "customer": people[nth], "line_items": lines, "success_url": SITE}
        sandbox.checkout.pay(v1.checkout.sessions.create(asked).id, card(number))

    return Gateway(client, Mode.SANDBOX, list), Lives(sandbox, v1, price, join)


def all_of(gateway: Gateway, v1: Any) -> Entries:
    """Everything that the account holds, read by the product's own gateway."""
    parts = [gateway.money_of(one.id) for one in v1.customers.list({"limit": 100}).data]
    parts += _whole(lambda cursor: gateway.transactions_after(cursor, None))
    parts += _whole(lambda cursor: gateway.disputes_after(cursor, None))
    parts += (payouts := list(_whole(lambda cursor: gateway.payouts_after(cursor, None))))
    for one in (each for part in payouts for each in part.payouts):
        parts += _whole(partial(_made_of, gateway, one.stripe_id))
    return joined(parts)


def joined(parts: list[Entries]) -> Entries:
    """Each thing once, the fuller word of two: what names an invoice or a payout."""
    kept: dict[str, dict[str, Any]] = defaultdict(dict)
    for part in parts:
        for name in ("invoices", "payments", "refunds", "disputes", "transactions", "payouts"):
            for one in getattr(part, name):
                known = kept[name].get(one.stripe_id)
                if known is None or getattr(one, "invoice", None) or getattr(one, "payout", None):
                    kept[name][one.stripe_id] = one
    return Entries(**{name: tuple(found.values()) for name, found in kept.items()})


def balance_of(v1: Any) -> dict[str, int]:
    """What the stand-in itself says that it holds for us, by currency."""
    balance = v1.balance.retrieve()
    held: dict[str, int] = defaultdict(int)
    for part in [*balance.available, *balance.pending]:
        held[part.currency] += part.amount
    return {currency: amount for currency, amount in held.items() if amount}


def own_sums(v1: Any) -> dict[tuple[str, str], dict[str, int]]:
    """The stand-in's lines added up by what they are called there, without any rule of ours."""
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in v1.balance_transactions.list({"limit": 100}).auto_paging_iter():
        month = found[f"{datetime.fromtimestamp(line.created, UTC):%Y-%m}", line.currency]
        kind = line.reporting_category.partition("_")[0]
        month[kind] += line.amount
        month["fees"] -= line.fee
        month["net"] += 0 if kind == "payout" else line.net
    return found


def _made_of(gateway: Gateway, payout: str, cursor: str | None) -> Page[Entries]:
    return gateway.paid_out_after(cursor, payout)


def _whole(ask: Callable[[str | None], Page[Entries]]) -> Iterator[Entries]:
    cursor: str | None = None
    while True:
        page = ask(cursor)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def _one(resource: Any, number: int) -> str:
    found = resource.list({"limit": 100}).data
    if not found:
        raise SandboxError("there is none yet")
    return str(found[number % len(found)].id)
