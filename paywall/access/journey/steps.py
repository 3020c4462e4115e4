"""The steps from teaser to payment, and what a decision of the door counts as: pure."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from paywall.access.decision import Reason

# For so long an article's days are kept; its months and years stay.
DAYS_KEPT = timedelta(days=400)


class Step(enum.StrEnum):
    """What is counted by day, in the order of the path. A first payment has a row of its own."""

    VISIT = "visit"
    METER_SPENT = "meter_spent"
    OFFER = "offer"
    SIGN_UP_PAGE = "sign_up_page"
    ACCOUNT = "account"
    PLAN_PAGE = "plan_page"
    CHECKOUT = "checkout"


# Those who see the teaser are asked to become patrons, and of these some had free reads before.
OFFERED = frozenset({Reason.SIGN_IN, Reason.PATRONS_ONLY, Reason.HIGHER_PLAN, Reason.METER_SPENT})
# Whose reading is no visit: our own, and that of search engines.
UNCOUNTED = frozenset({Reason.STAFF, Reason.CRAWLER})
# Of gated articles, the ways in which somebody sees them who may become a patron yet.
TOUCHING = frozenset(
    {
        Reason.SIGNED_IN,
        Reason.GIFT,
        Reason.METERED,
        Reason.SIGN_IN,
        Reason.PATRONS_ONLY,
        Reason.METER_SPENT,
    }
)
_DECISIONS: Mapping[str, tuple[Step, ...]] = {
    reason: (
        Step.VISIT,
        *((Step.METER_SPENT,) if reason is Reason.METER_SPENT else ()),
        *((Step.OFFER,) if reason in OFFERED else ()),
    )
    for reason in Reason
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What was counted on a day of the paper's zone: a decision of the door (`word` is its reason) or a step.

    `key` names the article, "" if there is none. `path` is where it stands if it is another site's.
    """

    day: date
    word: str
    key: str = ""
    path: str = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the path that it is."""
        return _DECISIONS.get(self.word) or (Step(self.word),)

    @property
    def month(self) -> date:
        """The first day of its month."""
        return self.day.replace(day=1)

    @property
    def year(self) -> date:
        """The first day of its year."""
        return self.day.replace(month=1, day=1)
