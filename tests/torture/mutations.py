"""Faults planted in the product, each of which the torture must catch.

A mutation is what a hasty colleague could write: it replaces a function of the product by one with the fault.
`killer` is a schedule that catches it. A `*` in it is a place at the turnstile; `place` is where it was,
and if the product has changed since, each other is tried.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
import stripe
from sqlalchemy import select, update

from paywall import mail
from paywall.billing import checkout, claims, inbox, sync
from paywall.billing.cashbook import keeping
from paywall.billing.cashbook import rules as cash_rules
from paywall.billing.cashbook.facts import Entries
from paywall.billing.cashbook.models import Refund
from paywall.billing.claims import Claim, Taken
from paywall.billing.gateway import books, gateway, walks
from paywall.billing.gifts import giving
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState
from paywall.billing.models import EventState, StripeCustomer, StripeEvent
from paywall.billing.reconcile import walk
from paywall.billing.remote import Event, RemoteSubscription
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import policy as policies
from paywall.membership import record, rules
from paywall.membership.policy import Policy
from paywall.membership.rules import Facts, Status

Plant = Callable[[pytest.MonkeyPatch], None]
MUTATIONS: dict[str, "Mutation"] = {}
# As many as a worker meets while it handles what follows from one payment.
PLACES = 100


@dataclass(frozen=True)
class Mutation:
    """One fault: how it is planted, and a schedule that shows it."""

    plant: Plant
    killer: str
    place: int

    def schedules(self) -> Iterator[str]:
        """The schedule that shows it, at the place that is known, and then at all others."""
        for place in dict.fromkeys((self.place, *range(1, PLACES))) if "*" in self.killer else (0,):
            yield self.killer.replace("*", str(place))


def mutation(killer: str, place: int = 0) -> Callable[[Plant], Plant]:
    """Declare one; it is named as its function."""

    def declare(plant: Plant) -> Plant:
        MUTATIONS[plant.__name__] = Mutation(plant, killer, place)
        return plant

    return declare


@mutation("join:0:0 deliver:0:0 again:0:0")
def no_dedupe(patch: pytest.MonkeyPatch) -> None:
    """An event that comes twice is stored twice; under another id, for the database refuses the same."""
    original = inbox.store

    def store(event: Event, payload: str) -> bool:
        return original(event, payload) or original(replace(event, id=f"{event.id}+"), payload)

    patch.setattr(inbox, "store", store)


@mutation("join:0:296 deliver+again@*:0:0", place=1)
def dedupe_by_looking(patch: pytest.MonkeyPatch) -> None:
    """Whether we have an event is looked up first, and then it is stored."""

    def store(event: Event, payload: str) -> bool:
        known = db.session.scalar(select(StripeEvent.id).where(StripeEvent.event_id == event.id))
        db.session.commit()
        if known is None:
            row = StripeEvent(event_id=event.id, type=event.type, customer=event.customer, payload=payload)
            db.session.add(row)
        return known is None

    patch.setattr(inbox, "store", store)


@mutation("join:0:0 deliver:0:0 cancel:0:0 undo:0:0 turn_round:0:0 deliver:0:0")
def event_believed(patch: pytest.MonkeyPatch) -> None:
    """The payload of the event that was created last is written, and Stripe is not asked."""

    def believe(customer_id: int, **_: object) -> bool:
        stripe_id, ticket = sync._take_ticket(customer_id)
        query = select(StripeEvent.payload).where(
            StripeEvent.customer == stripe_id, StripeEvent.type.startswith("customer.subscription.")
        )
        told = [json.loads(one) for one in db.session.scalars(query.order_by(StripeEvent.id))]
        db.session.commit()
        last = {one["data"]["object"]["id"]: one for one in sorted(told, key=lambda one: one["created"])}
        found = [_subscription(one["data"]["object"]) for one in last.values()]
        return sync._write(customer_id, ticket, lambda _: sync.facts_of(found), Entries(), found)

    patch.setattr(inbox, "sync", believe)


@mutation("join:0:0 deliver+cancel+deliver@*:0:3", place=21)
def lock_dropped(patch: pytest.MonkeyPatch) -> None:
    """Whether a later ticket has written is looked up first, and the writing is another transaction."""
    original = sync._write

    def write(customer_id: int, ticket: int, *what: Any) -> bool:
        written = db.session.scalar(select(StripeCustomer.written).where(StripeCustomer.id == customer_id))
        db.session.commit()
        if (written or 0) >= ticket:
            return False
        _unwritten(customer_id)
        return original(customer_id, ticket, *what)

    patch.setattr(sync, "_write", write)


@mutation("join:0:0 deliver+cancel+deliver@*:0:3", place=17)
def ticket_ignored(patch: pytest.MonkeyPatch) -> None:
    """Whoever writes last wins, however early they asked."""
    original = sync._write

    def write(customer_id: int, ticket: int, *what: Any) -> bool:
        _unwritten(customer_id)
        return original(customer_id, ticket, *what)

    patch.setattr(sync, "_write", write)


@mutation("join:0:0 deliver:0:0 cancel:0:0 deliver:0:0")
def cancel_at_ignored(patch: pytest.MonkeyPatch) -> None:
    """Only the boolean is read, as before flexible billing."""
    _read_otherwise(
        patch,
        lambda one, said: replace(said, cancel_at=said.period_end if one.cancel_at_period_end else None),
    )


@mutation("join:0:0 deliver:0:0 cancel:0:1 deliver:0:0")
def cancel_at_period_end_ignored(patch: pytest.MonkeyPatch) -> None:
    """Only the instant is read."""
    _read_otherwise(
        patch, lambda one, said: replace(said, cancel_at=said.cancel_at if one.cancel_at else None)
    )


@mutation("dunning:0:2 join:0:228 deliver:0:0 wait:0:2 deliver:0:0 wait:0:8 deliver:0:0")
def grace_never_ends(patch: pytest.MonkeyPatch) -> None:
    """Who does not pay reads on as long as Stripe tries."""
    original = policies._start

    def start(held: policies.Dated, rule: policies.Start) -> datetime | None:
        return held.period_end if rule is policies.Start.UNPAID_BILL else original(held, rule)

    patch.setattr(policies, "_start", start)


@mutation(
    "dunning:0:2 join:0:228 deliver:0:0 wait:0:2 deliver:0:0 wait:0:7 deliver:0:0 wait:0:7 deliver:0:0 "
    "wait:0:6 deliver:0:0"
)
def grace_begins_anew(patch: pytest.MonkeyPatch) -> None:
    """Each further unpaid bill is followed by a grace of its own."""
    original = policies._start

    def start(held: policies.Dated, rule: policies.Start) -> datetime | None:
        return held.period_start if rule is policies.Start.UNPAID_BILL else original(held, rule)

    patch.setattr(policies, "_start", start)


@mutation("join:0:0 deliver:0:0 dispute:0:0 deliver:0:0")
def disputes_ignored(patch: pytest.MonkeyPatch) -> None:
    """Who took the money back by their bank reads on."""
    original = cash_rules.marked

    def marked(subscriptions: Iterable[RemoteSubscription], entries: Any) -> list[RemoteSubscription]:
        return [replace(one, disputed_at=None) for one in original(subscriptions, entries)]

    patch.setattr(cash_rules, "marked", marked)


@mutation("join:0:0 deliver+cancel+take_in@*:0:3", place=17)
def handled_unseen(patch: pytest.MonkeyPatch) -> None:
    """What came in while Stripe was asked counts as handled, too."""
    original = claims.close

    def close(claim: Claim, event: Taken, state: EventState) -> None:
        original(claim, event, state)
        waiting = update(StripeEvent).where(StripeEvent.customer == event.customer, claims.is_waiting())
        db.session.execute(waiting.values(state=state, try_at=None))

    patch.setattr(claims, "close", close)


@mutation("join:0:296 deliver!*:0:0", place=30)
def handled_too_soon(patch: pytest.MonkeyPatch) -> None:
    """An event is marked before the books are read."""
    original = claims.take

    def take(row_id: int) -> Claim:
        claim = original(row_id)
        mine = update(StripeEvent).where(StripeEvent.id.in_([event.id for event in claim.events]))
        db.session.execute(mine.values(state=EventState.HANDLED, try_at=None))
        return claim

    patch.setattr(claims, "take", take)


@mutation("join:0:296 break_api:0:12 deliver:0:0")
def never_tried_again(patch: pytest.MonkeyPatch) -> None:
    """An event that failed once is left at that."""

    def fail(claim: Claim, event: Taken, error: str) -> None:
        claims._end(claim, event, state=EventState.FAILED, error=error, try_at=None)

    patch.setattr(claims, "fail", fail)


@mutation(
    "dunning:0:1 join:0:228 deliver:0:0 wait:0:2 deliver:0:0 wait:0:8 deliver:0:0 wait:0:8 deliver:0:0 "
    "pay:0:0 deliver:0:0"
)
def letters_without_cause(patch: pytest.MonkeyPatch) -> None:
    """Each line of the ledger writes its letter, whether there was one or not."""
    original = mail.write

    def write(kind: str, to: str, *, cause: str | None = None, **context: Any) -> int | None:
        return original(kind, to, cause=None, **context)

    patch.setattr(mail, "write", write)


@mutation("dunning:0:2 join:0:228 deliver:0:0 wait:0:2 wait:0:0 look:0:0 minutely+minutely@*:0:0", place=6)
def letters_not_claimed(patch: pytest.MonkeyPatch) -> None:
    """Two workers send the letter that both found waiting."""

    def claim(letter_id: int) -> Letter | None:
        letter = db.session.get(Letter, letter_id)
        if letter is not None and letter.sent_at is None:
            db.session.expunge(letter)
            db.session.commit()
            return letter
        db.session.commit()
        return None

    patch.setattr(mail, "_claim", claim)


@mutation("join:0:0 deliver:0:0 change_plan:0:2 deliver:0:0")
def ledger_forgets_prices(patch: pytest.MonkeyPatch) -> None:
    """A plan change writes no line."""
    original = rules.steps

    def steps(before: rules.Standing | None, after: rules.Standing) -> tuple[rules.Step, ...]:
        told = original(before, after)
        return tuple(
            one for one in told if one.change not in {rules.Change.UPGRADED, rules.Change.DOWNGRADED}
        )

    patch.setattr(rules, "steps", steps)


@mutation("join:0:0 deliver:0:0 give:1:0 redeem:0:0")
def absence_ends(patch: pytest.MonkeyPatch) -> None:
    """What Stripe's answer does not mention is over."""
    original = record.record

    def whole(reader: Any, facts: Iterable[Facts], policy: Policy) -> Any:
        told = list(facts)
        known = {one.external_id for one in told}
        for row in record.live(reader.id):
            if row.external_id not in known and row.source is rules.Source.STRIPE:
                row.status, row.access_until, row.monthly = Status.CANCELED, None, 0
        return original(reader, told, policy)

    patch.setattr(record, "record", whole)


@mutation("give:0:76 deliver+take_gift_back+deliver@*:0:0", place=28)
def gift_ticket_ignored(patch: pytest.MonkeyPatch) -> None:
    """An old answer about a gift's payment is written over a new one."""

    def settle(gift_id: int) -> GiftState:
        session_id = db.session.scalar(select(Gift.session_id).where(Gift.id == gift_id))
        db.session.commit()
        if session_id is None:
            return GiftState.OPEN
        payment = gateway().gift_payment(session_id)
        gift = db.session.get_one(Gift, gift_id, with_for_update=True, populate_existing=True)
        giving._apply(gift, payment)
        state = gift.state
        db.session.commit()
        return state

    patch.setattr(giving, "settle", settle)


@mutation("join:0:296 deliver!*:0:0", place=61)
def ledger_apart(patch: pytest.MonkeyPatch) -> None:
    """What a subscription brings is committed before the line of the ledger that says so."""
    original = record._line

    def line(*what: Any) -> Any:
        db.session.commit()
        return original(*what)

    patch.setattr(record, "_line", line)


@mutation("join:0:0 join:0:0")
def second_sold(patch: pytest.MonkeyPatch) -> None:
    """Whoever holds a membership may buy another beside it."""
    patch.setattr(checkout, "_refuse_second", lambda _reader_id: None)


@mutation("join:1:3627 delete_customer:1:0")
def nothing_mended(patch: pytest.MonkeyPatch) -> None:
    """The reconcile finds what differs and leaves it."""
    patch.setattr(walk, "sync", lambda _customer_id, **_: True)


@mutation("join:0:0 refund:0:0")
def refunds_unheard(patch: pytest.MonkeyPatch) -> None:
    """The cash book does not write down what was given back."""
    original = keeping._write

    def write(table: type[Any], *what: Any) -> None:
        if table is not Refund:
            original(table, *what)

    patch.setattr(keeping, "_write", write)


def _unwritten(customer_id: int) -> None:
    forget = update(StripeCustomer).where(StripeCustomer.id == customer_id)
    db.session.execute(forget.values(written=0))


def _subscription(body: dict[str, Any]) -> RemoteSubscription:
    return books.subscription_of(stripe.Subscription.construct_from(body, None))


def _read_otherwise(
    patch: pytest.MonkeyPatch, change: Callable[[stripe.Subscription, RemoteSubscription], RemoteSubscription]
) -> None:
    original = books.subscription_of

    def subscription_of(one: stripe.Subscription) -> RemoteSubscription:
        return change(one, original(one))

    for module in (books, walks):
        patch.setattr(module, "subscription_of", subscription_of)
