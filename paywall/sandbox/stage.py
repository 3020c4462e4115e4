"""A stage for rehearsals: one customer under a test clock, in any Stripe account, and what is seen of it."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import stripe

PATIENCE = 300
LAG = 2
HOUR = 3600
SEEN_EVENTS = 500

Seen = dict[str, object]


@dataclass
class Stage:
    """What a scenario acts on; `look` keeps what Stripe shows after each step, `seen` has it all.

    Instants are seen as hours since the clock's start, because no two rehearsals begin at the same time.
    """

    client: stripe.StripeClient
    prices: dict[str, str]
    types: Collection[str] = ()
    wait: Callable[[float], None] = time.sleep
    told: set[str] = field(default_factory=set)
    seen: list[tuple[str, Seen]] = field(default_factory=list)
    clock: str = ""
    customer: str = ""
    subscription: str = ""
    start: int = 0
    now: int = 0

    @property
    def v1(self) -> Any:
        """The services of the API; untyped, because Stripe's own parameter types do not nest in variables."""
        return self.client.v1

    def open(self, name: str, now: float) -> None:
        """Make a clock that stands at `now` (Unix seconds), and a customer who lives by it."""
        made = self.v1.test_helpers.test_clocks.create({"frozen_time": int(now), "name": name[:60]})
        self.clock, self.start, self.now = made.id, made.frozen_time, made.frozen_time
        self.customer = self.v1.customers.create({"test_clock": self.clock, "email": "ada@example.org"}).id

    def close(self) -> None:
        """Take the clock away, and with it the customer and all that they hold."""
        if self.clock:
            self.v1.test_helpers.test_clocks.delete(self.clock)

    def card(self, token: str = "pm_card_visa") -> str:  # noqa: S107  # Stripe's name of a test card
        """Give the customer a card and let it be the one that is charged."""
        method = self.v1.payment_methods.attach(token, {"customer": self.customer}).id
        self.v1.customers.update(self.customer, {"invoice_settings": {"default_payment_method": method}})
        return str(method)

    def join(self, price: str = "month", **more: Any) -> None:
        """Subscribe the customer."""
        items = [{"price": self.prices[price]}]
        made = self.v1.subscriptions.create({"customer": self.customer, "items": items, **more})
        self.subscription = made.id

    def change(self, **facts: Any) -> None:
        """Change the subscription."""
        self.v1.subscriptions.update(self.subscription, facts)

    def held(self) -> Any:
        """The subscription as it stands."""
        return self.v1.subscriptions.retrieve(self.subscription, {"expand": ["latest_invoice.payments"]})

    def advance(self, *, hours: int = 0, days: int = 0) -> None:
        """Move the clock on and wait until Stripe has played all that falls due; raises TimeoutError."""
        self._listen()
        self.now += (hours + 24 * days) * HOUR
        clocks = self.v1.test_helpers.test_clocks
        clocks.advance(self.clock, {"frozen_time": self.now})
        for _ in range(PATIENCE):
            if clocks.retrieve(self.clock).status == "ready":
                return
            self.wait(1)
        raise TimeoutError(f"the test clock did not arrive within {PATIENCE} seconds")

    def look(self, step: str) -> None:
        """Keep what Stripe shows now."""
        found = self.v1.subscriptions.list(
            {"customer": self.customer, "status": "all", "expand": ["data.latest_invoice"]}
        )
        seen: Seen = {}
        for place, one in enumerate(reversed(found.data), 1):
            seen |= {f"subscription {place}: {name}": value for name, value in self._shown(one).items()}
        for invoice in reversed(self.v1.invoices.list({"customer": self.customer, "limit": 100}).data):
            amounts = f"{invoice.status} {invoice.amount_paid}/{invoice.total}"
            seen["invoices"] = f"{seen['invoices']}, {amounts}" if "invoices" in seen else amounts
        self._listen()
        self.seen.append((step, seen))

    def note(self, step: str, ask: Callable[[], object]) -> None:
        """Keep the answer to one question, or how it was refused."""
        try:
            answer = ask()
        except stripe.StripeError as refusal:
            answer = f"{type(refusal).__name__} {refusal.code} {refusal.http_status}"
        self.seen.append((step, {"answer": answer}))

    def end(self) -> None:
        """Keep which events were told about this customer; a list goes back 30 days, so each look listens."""
        self._listen()
        self.seen.append(("events", {"told": sorted(self.told)}))

    def _listen(self) -> None:
        self.wait(LAG)
        for event in islice(self.v1.events.list({"limit": 100}).auto_paging_iter(), SEEN_EVENTS):
            about = event.data.object
            whose = about["id"] if about["object"] == "customer" else getattr(about, "customer", None)
            if whose == self.customer and event.type in self.types:
                self.told.add(event.type)

    def _shown(self, one: Any) -> Seen:
        invoice = one.latest_invoice
        return {
            "status": one.status,
            "price": one["items"].data[0].price.unit_amount,
            "period end": self._hours(max(item.current_period_end for item in one["items"].data)),
            "trial end": self._hours(one.trial_end),
            "cancel_at": self._hours(one.cancel_at),
            "cancel_at_period_end": one.cancel_at_period_end,
            "ended": self._hours(one.ended_at),
            "reason": one.cancellation_details.reason if one.cancellation_details else None,
            "collection": one.pause_collection.behavior if one.pause_collection else None,
            "waits for its bill": self._hours(one.pending_update.expires_at) if one.pending_update else None,
            "latest invoice": f"{invoice.status} {invoice.amount_remaining}" if invoice else None,
        }

    def _hours(self, instant: int | None) -> int | None:
        return None if instant is None else round((instant - self.start) / HOUR)
