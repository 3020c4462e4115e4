"""What must hold: after each step (as far as nothing is under way), and when all is over.

Every check yields what is wrong, in words; nothing means that all is well.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from paywall.accounts.models import Reader
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState, Void
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db
from paywall.mail import Care, Letter, Unsent
from paywall.membership.models import MembershipEvent, Plan, Subscription
from paywall.membership.rules import Source
from tests.torture import money
from tests.torture.doors import Watch, look
from tests.torture.oracle import Oracle, Sub
from tests.torture.world import World

DONE = (EventState.HANDLED, EventState.IGNORED)
_DONE = select(StripeEvent.event_id).where(StripeEvent.state.in_(DONE))
_ROWS = (
    select(
        Subscription.external_id,
        Subscription.reader_id.label("reader"),
        Subscription.status,
        Plan.slug.label("plan"),
        Subscription.amount,
        Subscription.currency,
        Subscription.interval,
        Subscription.monthly,
        Subscription.period_end,
        Subscription.trial_end,
        Subscription.cancel_at,
        Subscription.ended_at,
        Subscription.access_until.label("until"),
    )
    .join(Plan)
    .where(Subscription.source == Source.STRIPE)
)


def after_step(world: World, watch: Watch) -> Iterator[str]:
    """Whatever is under way: no row, gift or door is wrong without an event that will mend it."""
    yield from world.crashes
    seen = world.remember()
    with world.app.app_context():
        waiting, rows, doors = _under_way(world), _rows(), look(seen.now)
        for reader in world.readers:
            mine = [sub for sub in seen.subs if sub.reader == reader]
            is_busy = not waiting.isdisjoint(sub.customer for sub in mine)
            watch.note(reader, mine, doors, is_busy=is_busy)
            yield from _sold_twice(seen, mine)
            if not is_busy:
                yield from _differences(mine, rows, seen.now, just_now=True)
                yield from doors.wrong(reader, mine)
        if not waiting:
            yield from _gifts(seen)


def at_the_end(world: World) -> Iterator[str]:
    """All has been delivered, handled and reconciled: everything agrees, and nothing was done twice."""
    yield from world.crashes
    seen = world.remember()
    with world.app.app_context():
        yield from _books(seen)
        yield from money.differences(seen)
        yield from _ledger(seen)
        yield from _inbox(world)
        yield from _letters(world, seen)
        yield from _gifts(seen)
        doors = look(seen.now)
        for reader in world.readers:
            mine = [sub for sub in seen.subs if sub.reader == reader]
            yield from doors.wrong(reader, mine)


def agrees(world: World) -> bool:
    """Whether each membership is here now as Stripe has it."""
    seen = world.oracle()
    with world.app.app_context():
        return not list(_books(seen))


def ties(world: World) -> bool:
    """Whether each row of the cash book is now as Stripe has it."""
    seen = world.oracle()
    with world.app.app_context():
        return not list(money.differences(seen))


def _books(seen: Oracle) -> Iterator[str]:
    rows = _rows()
    yield from _differences(seen.subs, rows, seen.now)
    known = {sub.id for sub in seen.subs}
    yield from (f"{id} is here and not at Stripe" for id in rows if id not in known)


def _sold_twice(seen: Oracle, mine: list[Sub]) -> Iterator[str]:
    """Nobody pays for two memberships at once that they bought at our site, whatever we had heard of."""
    live = [sub.id for sub in mine if sub.is_live and sub.id in seen.sold]
    if len(live) > 1:
        yield f"reader {mine[0].reader} was sold {' and '.join(live)}"


def _differences(
    subs: list[Sub], rows: dict[str, dict[str, Any]], now: int, *, just_now: bool = False
) -> Iterator[str]:
    for sub in subs:
        row, right = rows.get(sub.id), _right(sub, just_now=just_now)
        if row is None:
            # Nobody can be told what someone held who was deleted before we heard of it.
            if sub.status not in ("incomplete", "incomplete_expired") and not sub.is_orphan:
                yield f"{sub.id} ({sub.status}) is at Stripe and not here"
            continue
        for name, value in right.items():
            here = _standing(row[name], now) if name == "until" else row[name]
            if here != (_standing(value, now) if name == "until" else value):
                yield f"{name} of {sub.id} ({sub.status}) is {row[name]} here, {value} at Stripe"


def _standing(until: int | None, now: int) -> int | None:
    """A date that has passed gives as little as none."""
    return until if until is not None and until > now else None


def _right(sub: Sub, *, just_now: bool) -> dict[str, Any]:
    """What our row must say; `just_now`, no event need have told us yet that a discount has run out."""
    names = ("reader", "status", "plan", "amount", "currency", "interval", "period_end", "trial_end")
    right = {name: getattr(sub, name) for name in (*names, "cancel_at", "ended_at", "until", "monthly")}
    if just_now and sub.is_discount_over:
        del right["monthly"]
    return right


def _rows() -> dict[str, dict[str, Any]]:
    rows = (row._asdict() for row in db.session.execute(_ROWS))
    return {row.pop("external_id"): {name: _plain(value) for name, value in row.items()} for row in rows}


def _plain(value: Any) -> Any:
    return int(value.timestamp()) if isinstance(value, datetime) else value


def _ledger(seen: Oracle) -> Iterator[str]:
    """The lines of each subscription add up to what it brings now, and all to what Stripe says."""
    lines = select(
        MembershipEvent.subscription_id, MembershipEvent.currency, func.sum(MembershipEvent.monthly_delta)
    ).group_by(MembershipEvent.subscription_id, MembershipEvent.currency)
    sums = {(row[0], row[1]): int(row[2]) for row in db.session.execute(lines) if row[2]}
    rows = db.session.scalars(select(Subscription)).all()
    held = {(row.id, row.currency): row.monthly for row in rows if row.monthly}
    if sums != held:
        yield f"the ledger says {sums}, the subscriptions {held}"
    ours, theirs = Counter[str](), Counter[str]()
    for (_, currency), amount in sums.items():
        ours[currency] += amount
    for sub in seen.subs:
        theirs[sub.currency] += sub.monthly
    if +ours != +theirs:
        yield f"the ledger adds up to {dict(ours)}, Stripe's subscriptions to {dict(theirs)}"


def _inbox(world: World) -> Iterator[str]:
    """Each event that we answered with 2xx is there, once, and done with."""
    # Stripe's own word for what an event is, whatever we wrote beside it.
    kept = Counter(
        str(json.loads(payload)["id"]) for payload in db.session.scalars(select(StripeEvent.payload))
    )
    yield from (f"event {id} is in the inbox {times} times" for id, times in kept.items() if times > 1)
    yield from (
        f"event {id} is in the inbox, and Stripe never made it" for id in kept if id not in world.told
    )
    yield from (
        f"event {one.id} ({one.type}) is lost"
        for one in world.told.values()
        if one.is_taken and not kept[one.id] and one.id not in world.done
    )
    left = select(StripeEvent).where(StripeEvent.state.not_in(DONE))
    yield from (
        f"event {one.event_id} ({one.type}) is {one.state}: {one.error}" for one in db.session.scalars(left)
    )


def _letters(world: World, seen: Oracle) -> Iterator[str]:
    """Each letter is out or says why not; none is out twice; none was written twice for one cause."""
    posted, letters = world.letters_posted(), db.session.scalars(select(Letter)).all()
    for letter in letters:
        times, most = posted[letter.message_id], 1
        if letter.care is not Care.ONCE:
            # A process that dies while it hands one over leaves nobody who knows whether it is out, and of
            # these it is worse to get none than to get two.
            most += world.counts["kills"]
        if not (letter.unsent is None) <= times <= most:
            yield f"letter {letter.id} ({letter.kind}, {letter.cause}) was sent {times} times"
        if letter.sent_at is None and letter.unsent is None:
            yield f"letter {letter.id} ({letter.kind}, {letter.cause}) is left: {letter.error}"
    written = Counter((letter.to, letter.kind) for letter in letters if letter.unsent is not Unsent.UNTRUE)
    for reader in world.readers:
        mine = [sub for sub in seen.subs if sub.reader == reader]
        most_of = {
            "welcome": len(mine),
            "trial_ending": sum(sub.trial_end is not None for sub in mine),
            "payment_failed": sum(sub.failures for sub in mine),
            "action_required": sum(sub.failures for sub in mine),
            # Whoever pays at last after a refused bill comes back, and can leave once more.
            "subscription_ended": len(mine) + sum(sub.failures for sub in mine),
        }
        to = db.session.get_one(Reader, reader).email
        for kind, count in most_of.items():
            if written[to, kind] > count:
                yield f"{written[to, kind]} letters {kind} to {to} for {count} causes"


def _gifts(seen: Oracle) -> Iterator[str]:
    """Each gift is worth what its payment is worth, and runs for the months that were paid."""
    gifts = {gift.id: gift for gift in db.session.scalars(select(Gift))}
    for paid in seen.gifts:
        gift = gifts[paid.gift]
        if gift.session_id != paid.session or gift.state is GiftState.ENDED or gift.void_why is Void.STAFF:
            continue
        if paid.is_back != (gift.state is GiftState.VOID) and paid.is_paid:
            yield f"gift {gift.id} is {gift.state}, its money {'went back' if paid.is_back else 'is here'}"
        if paid.is_paid == (gift.state in {GiftState.OPEN, GiftState.LAPSED}):
            yield f"gift {gift.id} is {gift.state}, its page {'' if paid.is_paid else 'not '}paid"


def _under_way(world: World) -> set[str | None]:
    """Of which customers something is on its way that our books do not know yet; None: of a guest."""
    world.done.update(db.session.scalars(_DONE))
    return {event.customer for event in world.told.values() if event.id not in world.done}
