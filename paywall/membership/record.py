"""The one writer of subscriptions: facts in, rows and ledger lines out."""

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy import Select, func, select

from paywall import clock
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.membership import rules
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.policy import Policy, access
from paywall.membership.rules import Change, Facts, Source, Standing, Status
from paywall.money import Money

log = structlog.get_logger()
# What a row has from the facts word for word.
SAME = (
    "interval_count",
    "seats",
    "started_at",
    "period_start",
    "period_end",
    "trial_end",
    "cancel_at",
    "ended_at",
    "unpaid_since",
    "disputed_at",
    "refunded_at",
    "collected",
    "wanted_break",
)


def record(reader: Reader, facts: Iterable[Facts], policy: Policy) -> list[MembershipEvent]:
    """Write what a source says that `reader` holds, and what changed by it; the caller commits.

    Facts that are missing never end anything: only a fact that says so does. A status that we do not know
    gives nothing new and takes nothing: what was written before stands. Writing the same facts again changes
    nothing and adds no line.
    """
    added: list[MembershipEvent] = []
    for fact in facts:
        added += _record_one(reader, fact, policy)
    db.session.flush()
    return added


def reckon(row: Subscription, policy: Policy) -> None:
    """Write down what the policy says of a row; the caller commits."""
    found = access(row, policy, row.grace_until)
    row.access_until, row.grace_from, row.access_cause = found.until, found.grace_from, found.cause


def put_off(row: Subscription, until: datetime | None, policy: Policy) -> None:
    """Let an unpaid subscription open the articles until a date by hand; None: as the policy says.

    It stands while the same bill is unpaid, whatever else is recorded meanwhile. The caller commits.
    """
    row.grace_until = until
    reckon(row, policy)


def live(reader_id: int) -> list[Subscription]:
    """The reader's subscriptions that still exist at their source, newest first."""
    return _of(reader_id, Subscription.status.in_(rules.LIVE))


def billed(reader_id: int) -> list[Subscription]:
    """The reader's live subscriptions that Stripe bills: a gift keeps nobody from buying their own."""
    return [held for held in live(reader_id) if held.source is Source.STRIPE]


def unknown() -> int:
    """How many subscriptions stand at a status that we do not know: a person must look."""
    query = select(func.count()).where(Subscription.unknown_since.is_not(None))
    return db.session.scalar(query) or 0


def twice() -> Select[int]:
    """The query for the readers who hold two or more live subscriptions that Stripe bills."""
    return (
        select(Subscription.reader_id)
        .where(Subscription.source == Source.STRIPE, Subscription.status.in_(rules.LIVE))
        .group_by(Subscription.reader_id)
        .having(func.count() > 1)
    )


def pays_on(reader_id: int) -> bool:
    """Whether a reader's own membership goes on by itself, so that what others give is beside it."""
    return any(held.status in rules.HOLDING and held.cancel_at is None for held in billed(reader_id))


def current(reader_id: int) -> Subscription | None:
    """The subscription to show on the reader's page: one that is live, or else the last that was."""
    found = live(reader_id) or _of(reader_id)
    return max(found, key=_prominence, default=None)


def _prominence(held: Subscription) -> tuple[bool, bool, datetime]:
    return held.status in rules.HOLDING, held.source is Source.STRIPE, held.started_at


def _of(reader_id: int, *conditions: object) -> list[Subscription]:
    query = select(Subscription).where(Subscription.reader_id == reader_id, *conditions)  # type: ignore[arg-type]
    return list(db.session.scalars(query.order_by(Subscription.started_at.desc(), Subscription.id.desc())))


def _record_one(reader: Reader, fact: Facts, policy: Policy) -> list[MembershipEvent]:
    row = db.session.scalar(
        select(Subscription).where(
            Subscription.source == fact.source, Subscription.external_id == fact.external_id
        )
    )
    if fact.status is Status.UNKNOWN:
        log.error("unknown_status", source=fact.source, subscription=fact.external_id)
        if row is not None:
            row.unknown_since = row.unknown_since or clock.now()
            return []
    before = _standing(row) if row else None
    if row is None:
        row = Subscription(source=fact.source, external_id=fact.external_id, reader_id=reader.id)
        db.session.add(row)
    _copy(row, fact, policy)
    db.session.flush()
    return [_line(row, fact, step) for step in rules.steps(before, rules.standing(fact))]


def _standing(row: Subscription) -> Standing:
    return Standing(
        status=row.status,
        monthly=Money(row.monthly, row.currency),
        plan_id=row.plan_id,
        canceling=row.status in rules.HOLDING and row.cancel_at is not None,
        collected=row.collected,
    )


def _copy(row: Subscription, fact: Facts, policy: Policy) -> None:
    if fact.unpaid_since != row.unpaid_since:
        # It was given for a bill that is settled now, or for none.
        row.grace_until = None
    row.plan_id, row.status = fact.plan_id, fact.status
    row.amount, row.currency, row.interval = fact.price.amount, fact.price.currency, fact.interval
    row.monthly = rules.monthly(fact).amount
    row.discount = fact.discount.off.amount if fact.discount else 0
    row.discount_until = fact.discount.until if fact.discount else None
    for name in SAME:
        setattr(row, name, getattr(fact, name))
    row.updated_at = clock.now()
    row.unknown_since = row.updated_at if fact.status is Status.UNKNOWN else None
    reckon(row, policy)


def _line(row: Subscription, fact: Facts, step: rules.Step) -> MembershipEvent:
    line = MembershipEvent(
        at=_when(row, fact, step.change),
        reader_id=_known_as(row),
        subscription_id=row.id,
        plan_id=row.plan_id,
        source=row.source,
        change=step.change,
        status=row.status,
        monthly_delta=step.delta.amount,
        currency=step.delta.currency,
        feedback=fact.feedback if step.change in {Change.CANCELING, Change.ENDED} else None,
    )
    db.session.add(line)
    return line


def _known_as(row: Subscription) -> int:
    """Whose the ledger says it is: what began as one reader's ends so, though two accounts were joined."""
    query = select(MembershipEvent.reader_id).where(MembershipEvent.subscription_id == row.id)
    return db.session.scalar(query.order_by(MembershipEvent.id).limit(1)) or row.reader_id


def _when(row: Subscription, fact: Facts, change: Change) -> datetime:
    match change:
        case Change.STARTED | Change.TRIAL_STARTED if not _has_lines(row):
            return fact.started_at
        case Change.ENDED if fact.ended_at:
            return fact.ended_at
        case Change.CONVERTED if fact.trial_end:
            return min(fact.trial_end, clock.now())
    return clock.now()


def _has_lines(row: Subscription) -> bool:
    """Whether the ledger knows this subscription: one that comes back starts again now, not long ago."""
    query = select(MembershipEvent.id).where(MembershipEvent.subscription_id == row.id).limit(1)
    return db.session.scalar(query) is not None
