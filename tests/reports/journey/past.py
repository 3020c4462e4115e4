"""What was counted in some months at random, and the same written down plainly."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from hypothesis import strategies as st

from paywall.access.journey import counting, paying
from paywall.access.journey.models import CarriedTouches
from paywall.access.journey.steps import Seen
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.money import Money
from paywall.reports.journey.found import Counts

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TODAY = NOW.date()
FIRST = date(2025, 11, 5)
SAID = ("open", "patron", "metered", "patrons_only", "sign_in", "higher_plan", "meter_spent")
OFFERED = {"patrons_only", "sign_in", "higher_plan", "meter_spent"}
# Steps that are no visit; an account may have been made after an article.
STEPS = ("account", "sign_up_page", "plan_page", "checkout")
STORIES, PLANS, CURRENCIES = 5, ("supporter", "circle"), ("eur", "usd")
# Each step by its name on the page, and the one whose share it is.
STAGES = {
    "Visits": None,
    "Offers shown": "Visits",
    "Free reads spent": "Offers shown",
    "Plan pages": "Offers shown",
    "Sign-up pages": "Offers shown",
    "Accounts made": "Sign-up pages",
    "Checkouts opened": "Plan pages",
    "First payments": "Checkouts opened",
}


@dataclass(frozen=True)
class Count:
    """On a day (from FIRST on) something was counted so often; `story` is None if it was of no article."""

    day: int
    word: str
    story: int | None
    times: int


@dataclass(frozen=True)
class Paid:
    """A first payment after these stories, the last of them last."""

    day: int
    plan: int
    currency: str
    stories: tuple[int, ...]


@dataclass(frozen=True)
class History:
    """All that happened."""

    counts: Sequence[Count]
    paid: Sequence[Paid]


LENGTH = (TODAY - FIRST).days
_days, _stories = st.integers(0, LENGTH), st.integers(0, STORIES - 1)
_times = st.integers(1, 9)
_counts = st.one_of(
    st.builds(Count, _days, st.sampled_from(SAID), _stories, _times),
    st.builds(Count, _days, st.just("account"), st.none() | _stories, _times),
    st.builds(Count, _days, st.sampled_from(STEPS), st.none(), _times),
)
_paid = st.builds(
    Paid,
    _days,
    st.integers(0, len(PLANS) - 1),
    st.sampled_from(CURRENCIES),
    st.lists(_stories, max_size=3, unique=True).map(tuple),
)
histories = st.builds(
    History,
    st.lists(_counts, max_size=5) | st.lists(_counts, min_size=25, max_size=60),
    st.lists(_paid, max_size=10),
)


@st.composite
def stretches(draw: st.DrawFn) -> tuple[date, date]:
    """Days of these months, or beyond; often from the first of a month, or up to today."""
    since = FIRST + timedelta(days=draw(st.integers(-40, LENGTH)))
    if draw(st.booleans()):
        since = since.replace(day=1)
    longest = max((TODAY - since).days, 0)
    return since, since + timedelta(days=draw(st.just(longest) | st.integers(0, longest)))


def one_history(seed: int) -> History:
    """The same each time, and longer."""
    dice = random.Random(seed)
    counts = [
        Count(dice.randint(0, LENGTH), dice.choice((*SAID, "account")), dice.randrange(STORIES), 1)
        for _ in range(400)
    ]
    paid = [
        Paid(
            dice.randint(0, LENGTH), dice.randrange(2), dice.choice(CURRENCIES), (*dice.sample(range(5), 3),)
        )
        for _ in range(30)
    ]
    return History(counts, paid)


class Past:
    """A history of the articles that there are: `sites` has section and author of each."""

    def __init__(self, history: History, sites: dict[str, tuple[str, str]], plan_ids: list[int]) -> None:
        self.sites = sites
        keys = list(sites)
        self.seen = [
            (
                Seen(FIRST + timedelta(one.day), one.word, "" if one.story is None else keys[one.story]),
                one.times,
            )
            for one in history.counts
        ]
        self.paid = [
            (
                FIRST + timedelta(one.day),
                plan_ids[one.plan],
                one.currency,
                [keys[story] for story in one.stories],
            )
            for one in history.paid
        ]

    def write(self) -> None:
        """As the door and the sync do it; the caller commits, or not."""
        for part in (self.seen[::2], self.seen[1::2]):
            counted = Counter[Seen]()
            for seen, times in part:
                counted[seen] += times
            counting.add(db.session.connection(), counted)
        for number, (day, plan_id, currency, keys) in enumerate(self.paid):
            reader = Reader(email=f"={number}@example.org")
            db.session.add(reader)
            db.session.flush()
            if keys:
                db.session.add(CarriedTouches(reader_id=reader.id, keys="/".join(keys), at=NOW))
            at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
            paying.first_paid(reader.id, plan_id, Money(100 + number, currency), at)

    def counts(self, since: date, until: date, plan_id: int | None = None) -> dict[str, Counts]:
        """Of each article, one by one."""
        rows: dict[str, Counter[str]] = {key: Counter() for key in self.sites}
        for seen, times in self.seen:
            if seen.key and since <= seen.day <= until:
                row = rows[seen.key]
                row["sign_ups" if seen.word == "account" else "visits"] += times
                row["offers"] += times * (seen.word in OFFERED)
                row["meter_spent"] += times * (seen.word == "meter_spent")
        for day, its_plan, _, keys in self.paid:
            if keys and since <= day <= until and plan_id in {None, its_plan}:
                rows[keys[-1]]["last"] += 1
                for key in keys:
                    rows[key]["any"] += 1
        return {key: Counts(**row) for key, row in rows.items() if sum(row.values())}

    def path(self, since: date, until: date) -> dict[str, int]:
        """How often each step was taken."""
        words = Counter[str]()
        for seen, times in self.seen:
            words[seen.word] += times * (since <= seen.day <= until)
        return {
            "Visits": sum(words[word] for word in SAID),
            "Offers shown": sum(words[word] for word in OFFERED),
            "Free reads spent": words["meter_spent"],
            "Plan pages": words["plan_page"],
            "Sign-up pages": words["sign_up_page"],
            "Accounts made": words["account"],
            "Checkouts opened": words["checkout"],
            "First payments": sum(since <= day <= until for day, *_ in self.paid),
        }

    def grouped(self, plain: dict[str, Counts], at: int) -> dict[str, Counts]:
        """The same by section (at 0) or author (at 1)."""
        names = {self.sites[key][at] for key in plain}
        return {
            name: summed([counts for key, counts in plain.items() if self.sites[key][at] == name])
            for name in names
        }


def shares(steps: dict[str, int]) -> dict[str, Fraction | None]:
    """Each step as a share of the one that it is most often taken from."""
    return {
        name: Fraction(steps[name], steps[base]) if base and steps[base] else None
        for name, base in STAGES.items()
    }


def summed(counts: list[Counts]) -> Counts:
    """All together."""
    return (
        Counts(*(sum(column) for column in zip(*map(astuple, counts), strict=True))) if counts else Counts()
    )
