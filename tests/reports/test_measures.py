"""What the figures of the overview mean."""

from datetime import UTC, datetime

from paywall.membership.rules import Change, Source, Status
from paywall.money import Money
from paywall.reports.measures import Line, Overview, overview

MONTH = datetime(2026, 11, 1, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 20, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 20, tzinfo=UTC)


def line(
    at: datetime,
    reader: int,
    status: Status,
    delta: int,
    *,
    currency: str = "eur",
    subscription: int | None = None,
    source: Source = Source.STRIPE,
) -> Line:
    return Line(at, reader, subscription or reader, status, Change.STARTED, Money(delta, currency), source)


def test_an_empty_ledger_is_all_noughts() -> None:
    assert overview([], since=MONTH) == Overview(0, 0, 0, 0, 0, ())


def test_counts_patrons_by_where_they_stand() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(OCTOBER, 2, Status.ACTIVE, 500),
        line(NOVEMBER, 2, Status.CANCELED, -500),
        line(NOVEMBER, 3, Status.TRIALING, 0),
        line(NOVEMBER, 4, Status.ACTIVE, 417),
        line(NOVEMBER, 4, Status.PAST_DUE, 0),
    ]
    figures = overview(lines, since=MONTH)
    assert figures == Overview(patrons=3, trials=1, in_grace=1, new=2, ended=1, monthly=(Money(917, "eur"),))


def test_who_came_and_went_within_the_month_is_neither_new_nor_ended() -> None:
    lines = [line(NOVEMBER, 1, Status.ACTIVE, 500), line(NOVEMBER, 1, Status.CANCELED, -500)]
    assert overview(lines, since=MONTH) == Overview(0, 0, 0, 0, 0, ())


def test_who_left_before_the_month_and_came_back_is_new() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(OCTOBER, 1, Status.CANCELED, -500),
        line(NOVEMBER, 1, Status.ACTIVE, 500, subscription=9),
    ]
    figures = overview(lines, since=MONTH)
    assert (figures.patrons, figures.new, figures.ended) == (1, 1, 0)


def test_a_second_subscription_makes_no_second_patron_and_its_end_ends_none() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 500),
        line(NOVEMBER, 1, Status.ACTIVE, 500, subscription=9),
        line(NOVEMBER, 1, Status.CANCELED, -500, subscription=9),
    ]
    figures = overview(lines, since=MONTH)
    assert (figures.patrons, figures.new, figures.ended) == (1, 0, 0)


def test_a_group_is_one_patron_however_many_seats_it_has() -> None:
    lines = [
        line(OCTOBER, 1, Status.ACTIVE, 2000),
        line(NOVEMBER, 2, Status.ACTIVE, 0, source=Source.GROUP),
        line(NOVEMBER, 3, Status.ACTIVE, 0, source=Source.GROUP),
        line(NOVEMBER, 3, Status.CANCELED, 0, source=Source.GROUP),
        line(NOVEMBER, 4, Status.ACTIVE, 500),
        line(NOVEMBER, 4, Status.ACTIVE, 0, subscription=9, source=Source.GROUP),
    ]
    figures = overview(lines, since=MONTH)
    assert figures == Overview(2, 0, 0, new=1, ended=0, monthly=(Money(2500, "eur"),), members=2)


def test_currencies_are_never_added() -> None:
    lines = [line(NOVEMBER, 1, Status.ACTIVE, 500), line(NOVEMBER, 2, Status.ACTIVE, 600, currency="usd")]
    assert overview(lines, since=MONTH).monthly == (Money(500, "eur"), Money(600, "usd"))
