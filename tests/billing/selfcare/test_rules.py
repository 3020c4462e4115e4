"""What a reader can do at each status, how leaving ends, and how long a price stands: tables."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from paywall.billing.gateway.catalogue import FEEDBACK
from paywall.billing.selfcare import rules
from paywall.billing.selfcare.forms import REASONS
from paywall.billing.selfcare.rules import Deed, End, Leaving, Quote, Shown
from paywall.membership.rules import LIVE, Status
from paywall.money import Money

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
END = NOW + timedelta(days=20)
SLACK = END + timedelta(days=1)
CANCEL, KEEP, SWITCH, PAUSE, RESUME, PAY = Deed


@dataclass(frozen=True)
class Held:
    """As much of a subscription as the rules ask for."""

    status: Status
    period_start: datetime | None = NOW - timedelta(days=10)
    period_end: datetime | None = END
    unpaid_since: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    disputed_at: datetime | None = None
    refunded_at: datetime | None = None
    wanted_break: bool = False
    collected: bool = True


@pytest.mark.parametrize(
    ("held", "settled", "owing"),
    [
        (Held(Status.TRIALING), {CANCEL, SWITCH}, {CANCEL, PAY}),
        (Held(Status.ACTIVE), {CANCEL, SWITCH, PAUSE}, {CANCEL, PAY}),
        (Held(Status.ACTIVE, collected=False), {CANCEL}, {CANCEL, PAY}),
        (Held(Status.ACTIVE, disputed_at=NOW), {CANCEL}, {CANCEL, PAY}),
        (Held(Status.ACTIVE, cancel_at=END), {KEEP}, {KEEP, PAY}),
        (Held(Status.PAST_DUE), {CANCEL}, {CANCEL, PAY}),
        (Held(Status.PAST_DUE, cancel_at=END), {KEEP}, {KEEP, PAY}),
        (Held(Status.UNPAID), {CANCEL}, {CANCEL, PAY}),
        (Held(Status.INCOMPLETE), {CANCEL}, {CANCEL, PAY}),
        (Held(Status.UNKNOWN), {CANCEL}, {CANCEL, PAY}),
        (Held(Status.PAUSED), {CANCEL, RESUME}, {CANCEL, PAY}),
        (Held(Status.PAUSED, cancel_at=END), {KEEP}, {KEEP, PAY}),
        (Held(Status.CANCELED), set(), set()),
        (Held(Status.INCOMPLETE_EXPIRED), set(), set()),
    ],
)
def test_what_can_be_done(held: Held, settled: set[Deed], owing: set[Deed]) -> None:
    assert rules.deeds(held, owes=False, may_pause=True) == settled
    assert rules.deeds(held, owes=False, may_pause=False) == settled - {PAUSE}
    assert rules.deeds(held, owes=True, may_pause=True) == owing


@pytest.mark.parametrize("status", sorted(LIVE))
def test_whoever_holds_something_can_leave(status: Status) -> None:
    assert CANCEL in rules.deeds(Held(status), owes=True, may_pause=False)


@pytest.mark.parametrize(
    ("held", "access_until", "wanted"),
    [
        (Held(Status.ACTIVE), SLACK, Leaving(End.WITH_PERIOD, END)),
        (Held(Status.TRIALING), SLACK, Leaving(End.WITH_PERIOD, END)),
        (Held(Status.ACTIVE), END - timedelta(days=3), Leaving(End.WITH_PERIOD, END - timedelta(days=3))),
        (Held(Status.ACTIVE), NOW, Leaving(End.WITH_PERIOD, None)),
        (Held(Status.ACTIVE), None, Leaving(End.WITH_PERIOD, None)),
        (Held(Status.ACTIVE, period_end=NOW + timedelta(seconds=1)), SLACK, None),
        (Held(Status.ACTIVE, period_end=NOW), NOW + timedelta(days=1), Leaving(End.AT_ONCE, None)),
        (Held(Status.ACTIVE, period_end=None), SLACK, Leaving(End.AT_ONCE, None)),
        (Held(Status.PAST_DUE), SLACK, Leaving(End.AT_ONCE, None)),
        (Held(Status.UNPAID), None, Leaving(End.AT_ONCE, None)),
        (Held(Status.INCOMPLETE), None, Leaving(End.AT_ONCE, None)),
        (Held(Status.PAUSED), END, Leaving(End.ON_PAID_DAY, END)),
        (Held(Status.PAUSED), NOW, Leaving(End.AT_ONCE, None)),
        (Held(Status.PAUSED), None, Leaving(End.AT_ONCE, None)),
    ],
)
def test_how_leaving_ends(held: Held, access_until: datetime | None, wanted: Leaving | None) -> None:
    expected = wanted or Leaving(End.WITH_PERIOD, held.period_end)
    assert rules.leaving(held, access_until, NOW) == expected


@pytest.mark.parametrize(
    ("age", "fresh"),
    [
        (timedelta(seconds=-1), False),
        (timedelta(0), True),
        (rules.SHOWN_FOR, True),
        (rules.SHOWN_FOR + timedelta(seconds=1), False),
    ],
)
def test_how_long_a_price_stands(age: timedelta, *, fresh: bool) -> None:
    assert Shown(NOW - age, 1000, 1000).is_fresh(NOW) == fresh


def test_a_quote_fits_what_was_shown_to_the_cent() -> None:
    none, ten = Money(0, "eur"), Money(1000, "eur")
    quote = Quote(NOW, none, ten, none, none, ten, ten, none, END)
    assert quote.fits(Shown(NOW, 1000, 1000))
    assert not quote.fits(Shown(NOW, 1001, 1000))
    assert not quote.fits(Shown(NOW, 1000, 999))
    assert not replace(quote, due=none).fits(Shown(NOW, 1000, 1000))


def test_the_reasons_are_stripes_own() -> None:
    assert set(REASONS) == set(FEEDBACK)
