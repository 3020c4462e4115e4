"""What each figure means: one reader's lines at a time, and what they add to the days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from paywall.membership.rules import Change, Source, Status
from paywall.money import Money
from paywall.reports import measures
from paywall.reports.fold import Kind, Line, Scope, month_of, moves
from paywall.reports.measures import Churn, Cohort, Movement, Part, Standing, Trials
from paywall.reports.stretch import Cell, Span, Stretch
from paywall.reports.tally import Sum, Tally

SOFIA = ZoneInfo("Europe/Sofia")
MONTH, TODAY = date(2026, 11, 1), date(2026, 11, 26)
OCTOBER, NOVEMBER = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
ALL = Scope()
ids = count(1)


def line(
    at: datetime,
    reader: int,
    status: Status,
    delta: int,
    *,
    change: Change = Change.STARTED,
    currency: str = "eur",
    subscription: int | None = None,
    source: Source = Source.STRIPE,
    plan: int = 1,
) -> Line:
    return Line(next(ids), at, reader, subscription or reader, plan, source, change, status, delta, currency)


def tally(lines: Sequence[Line]) -> Tally:
    found = Tally()
    for reader in {one.reader_id for one in lines}:
        found.add(moves([one for one in lines if one.reader_id == reader], SOFIA))
    return found


def span(lines: Sequence[Line], since: date = MONTH, until: date = TODAY, scope: Scope = ALL) -> Span:
    opening: dict[Cell, Sum] = {}
    flows: dict[date, dict[Cell, Sum]] = {}
    for key, total in tally(lines).days().items():
        if key.scope == scope and key.day <= until:
            cells = opening if key.day < since else flows.setdefault(month_of(key.day), {})
            cell = key.currency, key.kind
            cells[cell] = cells.get(cell, Sum()).plus(*total)
    return Span(since, until, opening, flows)


def month(lines: Sequence[Line], scope: Scope = ALL) -> Stretch:
    return span(lines, scope=scope).whole()


def counted(stretch: Stretch) -> tuple[int, int, int]:
    """Joined, came back, left."""
    joined, again, left = (stretch.happened(kind).readers for kind in (Kind.JOINED, Kind.REJOINED, Kind.LEFT))
    return joined, again, left


def test_an_empty_ledger_is_all_noughts() -> None:
    nothing = month([])
    assert measures.standing(nothing) == Standing(0, 0, 0, 0, 0)
    assert (nothing.currencies(), counted(nothing)) == ([], (0, 0, 0))
    assert measures.churn([nothing], "eur") == Churn(None, None, None)
    assert measures.worth(nothing, "eur", None).average is None


def test_counts_patrons_by_where_they_stand() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(OCTOBER, 2, Status.ACTIVE, 500),
        line(NOVEMBER, 2, Status.CANCELED, -500),
        line(NOVEMBER, 3, Status.TRIALING, 0),
        line(NOVEMBER, 4, Status.ACTIVE, 417),
        line(NOVEMBER, 4, Status.PAST_DUE, 0),
    ]
    found = month(lines)
    assert measures.standing(found) == Standing(active=1, trial=1, grace=1, ended=1, members=0)
    assert measures.standing(found).patrons == found.patrons() == 3
    assert found.patrons(at_end=False) == 2
    assert counted(found) == (2, 0, 1)
    assert (found.monthly("eur"), found.payers("eur")) == (917, 2)


def test_who_came_and_went_on_one_day_was_never_there() -> None:
    lines = [line(NOVEMBER, 1, Status.ACTIVE, 500), line(NOVEMBER, 1, Status.CANCELED, -500)]
    assert tally(lines).days() == {}


def test_who_comes_and_goes_on_other_days_of_a_month_did_both() -> None:
    lines = [
        line(NOVEMBER, 1, Status.ACTIVE, 500),
        line(NOVEMBER.replace(day=22), 1, Status.CANCELED, -500),
    ]
    assert counted(month(lines)) == (1, 0, 1)
    assert measures.standing(month(lines)).ended == 1


def test_who_had_left_comes_back_and_so_does_their_money() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(OCTOBER.replace(day=25), 1, Status.CANCELED, -500),
        line(NOVEMBER, 1, Status.ACTIVE, 800, subscription=9),
    ]
    found = month(lines)
    assert counted(found) == (0, 1, 0)
    assert measures.movement(found, "eur").returning == Part(1, Money(800, "eur"))


@pytest.mark.parametrize(
    ("others", "standing"),
    [
        ([Status.PAST_DUE], "active"),
        ([Status.TRIALING], "active"),
        ([Status.PAUSED, Status.UNPAID, Status.INCOMPLETE], "active"),
    ],
)
def test_with_several_memberships_the_best_counts(others: list[Status], standing: str) -> None:
    lines = [line(OCTOBER, 1, Status.ACTIVE, 0)]
    lines += [line(OCTOBER, 1, status, 0, subscription=number) for number, status in enumerate(others, 5)]
    assert getattr(measures.standing(month(lines)), standing) == month(lines).patrons() == 1


def test_a_second_membership_makes_no_second_patron_and_its_end_ends_none() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(NOVEMBER, 1, Status.ACTIVE, 500, subscription=9),
        line(NOVEMBER.replace(day=21), 1, Status.CANCELED, -500, subscription=9),
    ]
    found = month(lines)
    assert (found.patrons(), counted(found)) == (1, (0, 0, 0))
    moved = measures.movement(found, "eur")
    assert (moved.up, moved.down) == (Part(1, Money(500, "eur")), Part(1, Money(-500, "eur")))


def test_a_group_is_one_patron_however_many_seats_it_has() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 2000),
        line(NOVEMBER, 2, Status.ACTIVE, 0, source=Source.GROUP),
        line(NOVEMBER, 3, Status.ACTIVE, 0, source=Source.GROUP),
        line(NOVEMBER.replace(day=21), 3, Status.CANCELED, 0, source=Source.GROUP),
        line(NOVEMBER, 4, Status.ACTIVE, 500),
        line(NOVEMBER, 4, Status.ACTIVE, 0, subscription=9, source=Source.GROUP),
    ]
    found = month(lines)
    assert measures.standing(found) == Standing(active=2, trial=0, grace=0, ended=0, members=2)
    assert counted(found) == (1, 0, 0)
    assert measures.standing(month(lines, Scope(source="group"))).members == 2


def test_currencies_are_never_added_and_a_change_is_lost_in_one_and_new_in_the_other() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(NOVEMBER, 1, Status.ACTIVE, -500, change=Change.ENDED),
        line(NOVEMBER, 1, Status.ACTIVE, 600, currency="usd", change=Change.SWITCHED),
    ]
    found = month(lines)
    assert found.currencies() == ["eur", "usd"]
    assert measures.movement(found, "eur").lost == Part(1, Money(-500, "eur"))
    assert measures.movement(found, "usd").new == Part(1, Money(600, "usd"))
    assert (found.patrons(), counted(found)) == (1, (0, 0, 0))


def test_the_parts_are_all_that_lies_between_opening_and_closing() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(OCTOBER, 2, Status.ACTIVE, 500),
        line(NOVEMBER, 1, Status.ACTIVE, -100, change=Change.DOWNGRADED),
        line(NOVEMBER, 2, Status.PAUSED, -500, change=Change.PAUSED),
        line(NOVEMBER.replace(day=24), 2, Status.ACTIVE, 700, change=Change.RESUMED),
        line(NOVEMBER.replace(day=25), 2, Status.ACTIVE, 100, change=Change.UPGRADED),
        line(NOVEMBER, 3, Status.ACTIVE, 300),
    ]
    found = measures.movement(month(lines), "eur")
    euro = {name: Part(1, Money(amount, "eur")) for name, amount in (("new", 300), ("returning", 700))}
    euro |= {name: Part(1, Money(by, "eur")) for name, by in (("up", 100), ("down", -100), ("lost", -500))}
    assert found == Movement(opening=Money(1000, "eur"), closing=Money(1500, "eur"), **euro)
    assert found.net == Money(500, "eur")
    assert sum(part.money.amount for part in found.parts.values()) == 500
    assert measures.churn([month(lines)], "eur") == Churn(Fraction(1, 2), Fraction(1, 2), Fraction(3, 5))


def test_who_changes_plans_leaves_the_one_and_joins_the_other_and_is_the_same_patron() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(NOVEMBER, 1, Status.ACTIVE, 1000, change=Change.SWITCHED, plan=2),
    ]
    assert counted(month(lines)) == (0, 0, 0)
    assert counted(month(lines, Scope(1))) == (0, 0, 1)
    assert counted(month(lines, Scope(2))) == (1, 0, 0)
    assert measures.movement(month(lines), "eur").up == Part(1, Money(1000, "eur"))
    assert measures.movement(month(lines, Scope(2)), "eur").new == Part(1, Money(1500, "eur"))
    assert month(lines, Scope(1)).monthly("eur") == 0


def test_late_news_counts_when_it_happened_and_ends_what_was_written_of_later_days() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(NOVEMBER, 1, Status.PAST_DUE, 0, change=Change.FAILED),
        line(OCTOBER.replace(day=25), 1, Status.CANCELED, -500, change=Change.ENDED),
    ]
    found = span(lines, since=date(2026, 10, 1))
    october, november = found.months()
    assert (counted(october), counted(november)) == ((1, 0, 1), (0, 0, 0))
    assert measures.movement(november, "eur").opening == Money(0, "eur")


@pytest.mark.parametrize(("hour", "day"), [(21, 31), (22, 1)])
def test_a_day_begins_where_the_paper_is_made(hour: int, day: int) -> None:
    lines = [line(datetime(2026, 10, 31, hour, 59, tzinfo=UTC), 1, Status.ACTIVE, 500)]
    assert {key.day.day for key in tally(lines).days()} == {day}


@pytest.mark.parametrize(
    ("then", "outcome"),
    [
        ([], Trials(1, 0, 0)),
        ([Status.ACTIVE], Trials(1, 1, 0)),
        ([Status.PAST_DUE], Trials(1, 1, 0)),
        ([Status.ACTIVE, Status.CANCELED], Trials(1, 1, 0)),
        ([Status.CANCELED], Trials(1, 0, 1)),
        ([Status.PAUSED], Trials(1, 0, 1)),
        ([Status.PAUSED, Status.ACTIVE], Trials(1, 1, 0)),
        ([Status.PAUSED, Status.TRIALING], Trials(1, 0, 0)),
    ],
)
def test_what_becomes_of_a_trial(then: list[Status], outcome: Trials) -> None:
    lines = [line(NOVEMBER, 1, Status.TRIALING, 0, change=Change.TRIAL_STARTED)]
    lines += [
        line(NOVEMBER.replace(day=21 + number), 1, status, 0, change=Change.SWITCHED)
        for number, status in enumerate(then)
    ]
    found = measures.trials(month(lines))
    assert found == outcome
    assert found.still_open == 1 - outcome.converted - outcome.ended
    assert found.conversion == {(1, 0): 1, (0, 1): 0}.get((outcome.converted, outcome.ended))


def test_a_seat_is_no_trial() -> None:
    lines = [
        line(NOVEMBER, 1, Status.TRIALING, 0, change=Change.TRIAL_STARTED, source=Source.GROUP),
    ]
    assert measures.trials(month(lines)).begun == 0


def test_what_a_patron_is_worth() -> None:
    lines = [line(OCTOBER, 1, Status.ACTIVE, 500), line(OCTOBER, 2, Status.ACTIVE, 501)]
    found = measures.worth(month(lines), "eur", Fraction(1, 20))
    assert found.yearly == Money(12012, "eur")
    assert found.average == Money(500, "eur")
    assert found.lifetime == Money(10010, "eur")
    assert measures.worth(month(lines), "eur", Fraction(0)).lifetime is None


def test_a_cohort_is_followed_from_the_month_in_which_it_joined() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(OCTOBER, 2, Status.TRIALING, 0),
        line(NOVEMBER, 2, Status.ACTIVE, 700),
        line(NOVEMBER, 1, Status.CANCELED, -500),
    ]
    changes = {key: total for key, total in tally(lines).cohorts().items() if key.scope == Scope()}
    (found,) = measures.cohorts(changes, {date(2026, 10, 1): 2}, date(2026, 12, 1), ["eur"])
    monthly = {"eur": (Money(500, "eur"), Money(700, "eur"), Money(700, "eur"))}
    assert found == Cohort(date(2026, 10, 1), begun=2, patrons=(2, 1, 1), monthly=monthly)


def test_an_average_is_of_whole_months_where_there_are_any() -> None:
    cut = list(span([], date(2026, 9, 20), TODAY).months())
    assert [str(one.since) for one in measures.whole_months(cut)] == ["2026-10-01"]
    assert measures.whole_months(cut[2:]) == cut[2:]
