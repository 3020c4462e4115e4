"""The truth: what the stand-in's own file says, read anew, and who may read when by it.

Nothing of the product is used here, nor of the stand-in: plain SQL, plain JSON, and the rules of
docs/when-access-ends.md written once more. Instants are Unix seconds, money is in minor units.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Doc = dict[str, Any]
DAY = 86_400
ENDED = ("canceled", "incomplete_expired")
FORGIVEN = ("subscription_paused", "user_forgiven")


@dataclass(frozen=True)
class Policy:
    """For how long one reads on: after a paid period ended, and after a renewal failed; in seconds."""

    slack: int = DAY
    grace: int = 7 * DAY


STRICT = Policy(slack=0, grace=0)


@dataclass(frozen=True)
class Sub:
    """One subscription, as Stripe has it, and what follows from it.

    `until` is when access ends under the policy (None: there is none), `paid_until` when it ends without any
    slack or grace. `is_discount_over`: one has run out, of which Stripe tells with the next bill. `failures`
    counts its bills that a card was refused for.
    """

    id: str
    reader: int
    customer: str
    is_orphan: bool
    status: str
    plan: str
    amount: int
    currency: str
    interval: str
    monthly: int
    is_discount_over: bool
    period_end: int
    trial_end: int | None
    cancel_at: int | None
    ended_at: int | None
    until: int | None
    paid_until: int | None
    failures: int

    @property
    def is_live(self) -> bool:
        """Whether it still exists."""
        return self.status not in ENDED


@dataclass(frozen=True)
class Paid:
    """One gift: paid, and its money not taken back since."""

    gift: int
    session: str
    status: str
    is_paid: bool
    is_back: bool


@dataclass(frozen=True)
class Told:
    """One event that our endpoint is to hear of: about which customer, and what became of its delivery."""

    id: str
    type: str
    customer: str | None
    states: tuple[str, ...]

    @property
    def is_taken(self) -> bool:
        """Whether we answered it with 2xx."""
        return "delivered" in self.states


class Oracle:
    """One look at the whole of Stripe's books."""

    def __init__(self, file: Path, now: int, policy: Policy) -> None:
        self.now, self.policy = now, policy
        self._docs: dict[str, Doc] = {}
        self._kinds: dict[str, list[Doc]] = defaultdict(list)
        self._states: dict[str, list[str]] = defaultdict(list)
        with closing(sqlite3.connect(file)) as db:
            for kind, body in db.execute(
                "SELECT kind, body FROM objects WHERE kind NOT IN ('event') ORDER BY seq"
            ):
                doc = json.loads(body)
                self._docs[doc["id"]] = doc
                self._kinds[kind].append(doc)
            self._events = db.execute(_EVENTS).fetchall()
            for event, state in db.execute("SELECT event, state FROM deliveries"):
                self._states[event].append(state)

    @cached_property
    def subs(self) -> list[Sub]:
        """Every subscription of readers of ours, oldest first."""
        return [self._sub(doc) for doc in self._kinds["subscription"] if "reader_id" in doc["metadata"]]

    @cached_property
    def sold(self) -> set[str]:
        """The subscriptions that were bought on a payment page which our site opened."""
        pages = self.of("checkout.session", mode="subscription", status="complete")
        return {page["subscription"] for page in pages}

    @cached_property
    def gifts(self) -> list[Paid]:
        """Every gift whose payment page was opened."""
        sessions = self._kinds["checkout.session"]
        return [self._gift(doc) for doc in sessions if "gift_id" in (doc["metadata"] or {})]

    @cached_property
    def told(self) -> list[Told]:
        """Every event that our endpoint wants to hear of."""
        wanted = set(self._kinds["webhook_endpoint"][0]["enabled_events"])
        return [
            Told(id, type, whose or self._docs.get(charge or "", {}).get("customer"), tuple(self._states[id]))
            for id, type, whose, charge in self._events
            if type in wanted
        ]

    def customer(self, reader: int) -> str | None:
        """A reader's newest customer that was not deleted."""
        mine = [
            doc["id"] for doc in self._kinds["customer"] if doc["metadata"].get("reader_id") == str(reader)
        ]
        return mine[-1] if mine else None

    def has(self, customer: str | None) -> bool:
        """Whether this is a customer who was not deleted."""
        return customer is not None and not self._docs[customer].get("deleted")

    def of(self, kind: str, **facts: Any) -> list[Doc]:
        """The raw documents of a kind with these facts, oldest first."""
        return [
            doc for doc in self._kinds[kind] if all(doc.get(name) == value for name, value in facts.items())
        ]

    def _sub(self, doc: Doc) -> Sub:
        item = self.of("subscription_item", subscription=doc["id"])[0]
        price = self._docs[item["price"]]
        amount = price["unit_amount"] * item["quantity"]
        cuts = [coupon for coupon in map(self._cut, doc["discounts"]) if coupon is not None]
        ends = item["current_period_end"]
        cancel_at = doc.get("cancel_at") or (ends if doc["cancel_at_period_end"] else None)
        return Sub(
            id=doc["id"],
            reader=int(doc["metadata"]["reader_id"]),
            customer=doc["customer"],
            is_orphan=bool(self._docs[doc["customer"]].get("deleted")),
            status=doc["status"],
            plan=price["product"].removeprefix("paywall_"),
            amount=amount,
            currency=price["currency"],
            interval=price["recurring"]["interval"],
            monthly=self._monthly(doc, price, amount, cuts),
            is_discount_over=any(self._is_over(self._docs[id]) for id in doc["discounts"]),
            period_end=ends,
            trial_end=doc.get("trial_end"),
            cancel_at=cancel_at,
            ended_at=doc.get("ended_at"),
            until=self._until(doc, item, cancel_at, self.policy),
            paid_until=self._until(doc, item, cancel_at, STRICT),
            failures=sum(_was_refused(invoice) for invoice in self.of("invoice", _subscription=doc["id"])),
        )

    def _until(self, doc: Doc, item: Doc, cancel_at: int | None, policy: Policy) -> int | None:
        """The earliest end that any rule names; None where one gives nothing."""
        end = self._by_status(doc, item, policy)
        if end is None or self._is_back(doc, item) or self._is_disputed(doc):
            return None
        return _earlier(end, cancel_at)

    def _by_status(self, doc: Doc, item: Doc, policy: Policy) -> int | None:
        unpaid = self._unpaid_since(doc)
        match doc["status"]:
            case "trialing" | "active":
                return int(item["current_period_end"]) + policy.slack
            case "past_due":
                return (unpaid or int(item["current_period_start"])) + policy.grace
            case "paused" if doc["status_details"]["paused"]["subscription"]["type"] == "pause_requested":
                return None if unpaid else int(item["current_period_end"])
        return None

    def _unpaid_since(self, doc: Doc) -> int | None:
        """When the oldest bill was made out that is owed since the last that was not."""
        since = None
        for bill in reversed(self.of("invoice", _subscription=doc["id"])):
            why = (bill.get("status_details") or {}).get("uncollectible", {}).get("reason")
            if bill["status"] != "open" and not (bill["status"] == "uncollectible" and why not in FORGIVEN):
                break
            since = int(bill["created"])
        return since

    def _is_back(self, doc: Doc, item: Doc) -> bool:
        """Whether all was given back that was paid for the present period."""
        start = item["current_period_start"]
        paid = [
            bill
            for bill in self.of("invoice", _subscription=doc["id"], status="paid")
            if any(line["period"]["start"] == start and not _is_proration(line) for line in bill["_lines"])
        ]
        if not paid:
            return False
        given = sum(charge["amount_refunded"] for charge in self._charges(paid[-1]))
        return bool(0 < given >= paid[-1]["amount_paid"])

    def _is_disputed(self, doc: Doc) -> bool:
        """Whether a bank holds back what was paid on any bill."""
        charges = [one for bill in self.of("invoice", _subscription=doc["id"]) for one in self._charges(bill)]
        return any(self._is_held(charge) for charge in charges)

    def _is_held(self, charge: Doc) -> bool:
        statuses = [one["status"] for one in self.of("dispute", charge=charge["id"])]
        return any(not one.startswith(("won", "prevented", "warning")) for one in statuses)

    def _charges(self, bill: Doc) -> list[Doc]:
        intents = [one["payment"]["payment_intent"] for one in self.of("invoice_payment", invoice=bill["id"])]
        return [
            charge for intent in intents for charge in self.of("charge", payment_intent=intent, paid=True)
        ]

    def _is_over(self, discount: Doc) -> bool:
        return discount["end"] is not None and discount["end"] <= self.now

    def _cut(self, id: str) -> Doc | None:
        """The coupon of a discount that lowers each bill now."""
        discount = self._docs[id]
        coupon = self._docs[discount["source"]["coupon"]]
        return None if self._is_over(discount) or coupon["duration"] == "once" else coupon

    def _monthly(self, doc: Doc, price: Doc, amount: int, coupons: Iterable[Doc]) -> int:
        if doc["status"] not in ("active", "past_due") or doc.get("pause_collection"):
            return 0
        for coupon in coupons:
            if coupon.get("percent_off"):
                amount -= (amount * int(coupon["percent_off"]) + 50) // 100
            elif coupon["currency"] == price["currency"]:
                amount -= min(amount, coupon["amount_off"])
        return round(amount / 12) if price["recurring"]["interval"] == "year" else amount

    def _gift(self, session: Doc) -> Paid:
        intent = self._docs.get(session.get("payment_intent") or "", {})
        charge = self._docs.get(intent.get("latest_charge") or "", {})
        lost = bool(charge) and (charge["refunded"] or self._is_held(charge))
        return Paid(
            gift=int(session["metadata"]["gift_id"]),
            session=session["id"],
            status=session["status"],
            is_paid=session["payment_status"] == "paid",
            is_back=bool(lost),
        )


_EVENTS = """SELECT id, json_extract(body, '$.type'), coalesce(json_extract(body, '$.data.object.customer'),
    CASE json_extract(body, '$.data.object.object') WHEN 'customer'
        THEN json_extract(body, '$.data.object.id') END),
    json_extract(body, '$.data.object.charge') FROM objects WHERE kind = 'event' ORDER BY seq"""


def _was_refused(invoice: Doc) -> bool:
    paid = invoice["status"] == "paid" and invoice["amount_due"] > 0
    return bool(invoice["attempt_count"] > (1 if paid else 0))


def _is_proration(line: Doc) -> bool:
    parent = line.get("parent") or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return bool(details.get("proration"))


def _earlier(end: int | None, cancel_at: int | None) -> int | None:
    return min(end, cancel_at) if end is not None and cancel_at is not None else end
