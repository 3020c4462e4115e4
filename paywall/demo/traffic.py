"""Who comes to the demo's past: articles read day by day, what the door says to each, and how far they go."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask import current_app
from sqlalchemy import select, update

from paywall import clock
from paywall.access.decision import Gate, Meter, Reason, Visitor, decide
from paywall.access.journey import counting, touches
from paywall.access.journey.arriving import Journey
from paywall.access.journey.steps import OFFERED, TOUCHING, Seen, Step
from paywall.access.journey.touches import Memory
from paywall.articles import gates
from paywall.articles.models import Article, Section
from paywall.config import Settings
from paywall.db import db
from paywall.membership.rules import Holding

DAY = timedelta(days=1)
NOON = time(12, tzinfo=UTC)
# Visits of a new article on its first day, how fast they grow fewer, and how many come by a search later.
FIRST_DAY, HALVED_AFTER, EVER_AFTER = 500, 1.5, 0.03
# From Monday on.
BY_WEEKDAY = (1.05, 1.1, 1.1, 1.05, 1.0, 0.7, 0.8)
# Of those who see an offer.
TO_PLANS, TO_SIGN_UP = 0.035, 0.045
# So many say that they do not want to be followed, or come without having read.
MINDS = 0.15


def _patron(plan: str) -> Visitor:
    return Visitor(1, (Holding(plan, datetime.max.replace(tzinfo=UTC)),))


# Who comes, and their shares: in the past the paper gave a few free reads, whatever its settings say now.
STRANGER = Visitor(meter=Meter(1))
VISITORS = (
    (STRANGER, 0.5),
    (Visitor(meter=Meter(0)), 0.17),
    (Visitor(1, meter=Meter(1)), 0.07),
    (Visitor(1, meter=Meter(0)), 0.06),
    (_patron("supporter"), 0.15),
    (_patron("circle"), 0.05),
)


@dataclass(frozen=True, slots=True)
class Page:
    """An article that is out since `out`; `appeal` is how many come to it beside others."""

    key: str
    gate: Gate
    out: datetime
    appeal: float


class Traffic:
    """The articles, and dice of their own, so that money's history does not hang on who reads."""

    def __init__(self, since: datetime, until: datetime) -> None:
        """Let the articles have come out from `since` to `until`, the more the later; commits."""
        self._dice = random.Random(1893)  # noqa: S311  # a demo
        _spread(since, until)
        query = select(*gates.COLUMNS).join(Section, Article.section_id == Section.id).order_by(Article.id)
        house = gates.house_now(since)
        self._pages = [
            Page(str(row.article_id), gates.of(row, house), row.out_at, self._dice.uniform(0.4, 2.0))
            for row in db.session.execute(query)
        ]
        db.session.commit()

    def days(self, since: datetime, until: datetime) -> None:
        """Count what happened on the days from that of `since` to the one before that of `until`; commits."""
        seen: Counter[Seen] = Counter()
        first = _journey().day(since)
        for number in range((_journey().day(until) - first).days):
            day = first + number * DAY
            seen.update(self._visits(day))
            seen.update(self._steps(day, seen))
        counting.add(db.session.connection(), seen)
        db.session.commit()

    def cookie(self) -> Mapping[str, str]:
        """The headers by which a browser tells which gated articles it has seen: some of those out by now."""
        now = clock.now()
        gated = [one for one in self._pages if one.out <= now and _decided(one, STRANGER) in TOUCHING]
        if not gated or self._dice.random() < MINDS:
            return {}
        likely = [_expected(one, now) for one in gated]
        drawn = self._dice.choices(gated, likely, k=self._dice.randint(1, 4))
        brought: touches.Touches = ()
        for one in drawn:
            brought = touches.seen(brought, one.key, _journey().day(now))
        settings: Settings = current_app.extensions["settings"]
        value = Memory(settings.secret_key.get_secret_value()).write(brought)
        return {"Cookie": f"{touches.COOKIE}={value}"}

    def _visits(self, day: date) -> Counter[Seen]:
        found: Counter[Seen] = Counter()
        # What is out by then is out that day.
        noon = datetime.combine(day, NOON)
        for page in self._pages:
            many = _expected(page, noon) * BY_WEEKDAY[day.weekday()] * self._dice.uniform(0.7, 1.3)
            for visitor, share in VISITORS:
                found[Seen(day, _decided(page, visitor), page.key)] += self._about(many * share)
        return +found

    def _steps(self, day: date, seen: Counter[Seen]) -> Counter[Seen]:
        offers = sum(times for one, times in seen.items() if one.day == day and one.word in OFFERED)
        return +Counter(
            {
                Seen(day, Step.PLAN_PAGE): self._about(offers * TO_PLANS),
                Seen(day, Step.SIGN_UP_PAGE): self._about(offers * TO_SIGN_UP),
            }
        )

    def _about(self, number: float) -> int:
        """So many, or one more: on the average just so many."""
        return int(number + self._dice.random())


def _spread(since: datetime, until: datetime) -> None:
    """What is out already came out within the past, in the same order: a paper had articles all the time."""
    query = select(Article.id).where(Article.published_at.is_not(None)).order_by(Article.published_at.desc())
    newest_first = db.session.scalars(query).all()
    for place, article_id in enumerate(newest_first):
        # The newest one was out by noon yesterday, at whatever hour it is now; the oldest on the first day.
        age = (until - since - 2 * DAY) * (place / max(1, len(newest_first) - 1)) ** 2
        out = (until - timedelta(hours=36) - age).replace(minute=30, second=0, microsecond=0)
        db.session.execute(update(Article).where(Article.id == article_id).values(published_at=out))
    db.session.flush()


def _expected(page: Page, now: datetime) -> float:
    age = (now - page.out) / DAY
    return FIRST_DAY * page.appeal * (0.5 ** (age / HALVED_AFTER) + EVER_AFTER) if age >= 0 else 0.0


def _decided(page: Page, visitor: Visitor) -> Reason:
    return decide(page.gate, visitor, page.out).reason


def _journey() -> Journey:
    found: Journey = current_app.extensions["journey"]
    return found
