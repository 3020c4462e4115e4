"""Random lives of random memberships, as the ledger has them: late news, several at once, breaks, trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import strategies as st
from sqlalchemy import Insert, insert

from paywall.accounts.models import Reader
from paywall.db import db
from paywall.membership import rules
from paywall.membership.models import MembershipEvent, Plan, Subscription
from paywall.membership.rules import Change, Interval, Source, Standing, Status
from paywall.money import Money
from tests.reports.naive import Row

BEGAN = datetime(2026, 1, 20, 12, tzinfo=UTC)
PLANS = (1, 2)
# Whose membership it is, and where it comes from; by its number from 1 on.
MEMBERSHIPS = (
    (1, Source.STRIPE),
    (1, Source.STRIPE),
    (2, Source.STRIPE),
    (2, Source.PATREON),
    (3, Source.GROUP),
    (3, Source.GIFT),
)


@dataclass(frozen=True)
class News:
    """What is heard of a membership, so many hours after the last news; `late`: it happened so long ago."""

    after: int
    membership: int
    status: Status
    amount: int
    plan: int
    currency: str
    canceling: bool
    collected: bool
    late: int
    feedback: str | None


news = st.builds(
    News,
    after=st.integers(0, 400),
    membership=st.integers(1, len(MEMBERSHIPS)),
    status=st.sampled_from(
        [Status.TRIALING, Status.ACTIVE, Status.ACTIVE, Status.PAST_DUE, Status.PAUSED, Status.CANCELED]
    ),
    amount=st.sampled_from([0, 500, 500, 800, 1500]),
    plan=st.sampled_from(PLANS),
    currency=st.sampled_from(["eur", "eur", "eur", "usd"]),
    canceling=st.booleans(),
    collected=st.sampled_from([True, True, True, False]),
    late=st.sampled_from([0, 0, 0, 5, 30, 900]),
    feedback=st.sampled_from([None, "unused", "a_new_word"]),
)
histories = st.lists(news, max_size=14)


def written(history: Sequence[News]) -> list[Row]:
    """The lines that the ledger gets by it."""
    standing: dict[int, Standing] = {}
    now, ids, rows = BEGAN, count(1), []
    for one in history:
        now += timedelta(hours=one.after)
        reader, source = MEMBERSHIPS[one.membership - 1]
        after = _standing(one, source)
        for step in rules.steps(standing.get(one.membership), after):
            at = now - timedelta(hours=one.late) if step.change is not Change.FAILED else now
            rows.append(
                Row(
                    next(ids),
                    at,
                    reader,
                    one.membership,
                    one.plan,
                    source.value,
                    step.change.value,
                    one.status.value,
                    step.delta.amount,
                    step.delta.currency,
                    one.feedback if step.change is Change.ENDED else None,
                )
            )
        standing[one.membership] = after
    return rows


def _standing(one: News, source: Source) -> Standing:
    pays = one.status in rules.PAYING and one.collected and source in {Source.STRIPE, Source.PATREON}
    return Standing(
        status=one.status,
        monthly=Money(one.amount if pays else 0, one.currency),
        plan_id=one.plan,
        canceling=one.canceling and one.status in rules.HOLDING,
        collected=one.collected,
    )


def newsroom() -> None:
    """Readers, plans and memberships for the lines to be about. Commits."""
    db.session.add_all(Plan(id=plan, slug=f"plan{plan}", name=f"Plan {plan}") for plan in PLANS)
    db.session.add_all(Reader(id=reader, email=f"{reader}@example.org") for reader in (1, 2, 3))
    db.session.flush()
    db.session.add_all(
        Subscription(
            id=number,
            reader_id=reader,
            plan_id=1,
            source=source,
            external_id=f"held{number}",
            status=Status.CANCELED,
            amount=500,
            currency="eur",
            interval=Interval.MONTH,
            monthly=0,
            started_at=BEGAN,
        )
        for number, (reader, source) in enumerate(MEMBERSHIPS, start=1)
    )
    db.session.commit()


def put_down(rows: Sequence[Row]) -> None:
    """Write lines into the ledger. Commits."""
    if rows:
        db.session.execute(insert(MembershipEvent), [_columns(row) for row in rows])
    db.session.commit()


def adding(row: Row) -> Insert:
    """What writes one line."""
    return insert(MembershipEvent).values(_columns(row))


def _columns(row: Row) -> dict[str, object]:
    return {
        "id": row.id,
        "at": row.at,
        "recorded_at": row.at,
        "reader_id": row.reader,
        "subscription_id": row.subscription,
        "plan_id": row.plan,
        "source": Source(row.source),
        "change": Change(row.change),
        "status": Status(row.status),
        "monthly_delta": row.delta,
        "currency": row.currency,
        "feedback": row.feedback,
    }
