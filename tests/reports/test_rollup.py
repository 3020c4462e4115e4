"""The roll-up: written once, whoever else is at it; a page has all figures, or says how old they are."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from paywall import clock as ours
from paywall.db import db, read_only
from paywall.membership.models import Subscription
from paywall.reports import rolled, rollup
from paywall.reports.asked import Asked
from paywall.reports.models import ReportCohort, ReportDay, ReportMark, ReportParting
from paywall.reports.patrons.look import look
from tests.reports import histories
from tests.reports.naive import Row

pytestmark = pytest.mark.usefixtures("context")
JOINED = datetime(2026, 3, 10, 12, tzinfo=UTC)
ASKED = Asked(date(2026, 3, 1), date(2026, 3, 31))


@pytest.fixture(autouse=True)
def readers(app: Flask, context: None) -> None:
    """Those whom the lines are about."""
    histories.newsroom()


def line(number: int, membership: int, *, day: int = 10, delta: int = 500, status: str = "active") -> Row:
    at = JOINED.replace(day=day)
    reader, source = histories.MEMBERSHIPS[membership - 1]
    change = "ended" if status == "canceled" else "started"
    return Row(number, at, reader, membership, 1, source.value, change, status, delta, "eur")


def rows() -> set[tuple[object, ...]]:
    """All that is written, but for what has come to nothing."""
    found = [
        tuple(row)
        for table in (ReportDay, ReportCohort, ReportParting)
        for row in db.session.execute(select(*table.__table__.columns))
        if any(getattr(row, name, 0) for name in rollup.ADDED)
    ]
    db.session.commit()
    return set(found)


def monthly() -> int:
    db.session.commit()
    read_only()
    found = look(ASKED).now.whole().monthly("eur")
    db.session.commit()
    return found


def test_the_second_time_nothing_is_left_to_do() -> None:
    histories.put_down([line(1, 1), line(2, 3)])
    assert rollup.roll_up() == 2
    before = rows()
    assert rollup.roll_up() == 0
    assert rows() == before
    assert rollup.roll_up(anew=True) == 2
    assert rows() == before


@pytest.mark.parametrize("chunk", [1, 2, 5000])
def test_bit_by_bit_is_the_same_as_at_once(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "CHUNK", chunk)
    histories.put_down([line(number, 1 + number % 4, day=number) for number in range(1, 7)])
    rollup.roll_up()
    late = [line(7, 1, day=2, delta=-500, status="canceled"), line(8, 3, day=1, delta=300)]
    # What had ended before is taken back with the rest of that reader's, and counted again.
    late.append(line(9, 1, day=9))
    histories.put_down(late)
    assert rollup.roll_up() == 3
    bit_by_bit = rows()
    rollup.roll_up(anew=True)
    assert rows() == bit_by_bit


def test_a_page_counts_what_is_not_rolled_up_yet() -> None:
    histories.put_down([line(1, 1)])
    assert monthly() == 500
    rollup.roll_up()
    assert monthly() == 500
    histories.put_down([line(2, 3, delta=700)])
    assert monthly() == 1200


def test_with_too_much_that_is_new_a_page_says_how_old_it_is_and_has_the_rest_counted(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[], int]
) -> None:
    monkeypatch.setattr(rolled, "MOST", 1)
    histories.put_down([line(1, 1), line(2, 2)])
    rollup.roll_up()
    histories.put_down([line(3, 3), line(4, 4)])
    assert monthly() == 1000
    assert "They are being counted" in look(ASKED).notes[0]
    db.session.commit()
    assert work() > 0
    assert monthly() == 2000
    assert look(ASKED).notes == ()


def test_before_the_first_time_a_page_with_too_much_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "MOST", 1)
    histories.put_down([line(1, 1), line(2, 2)])
    assert monthly() == 0
    assert len(look(ASKED).notes) == 1


def test_rows_of_other_rules_do_not_count_and_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    histories.put_down([line(1, 1)])
    rollup.roll_up()
    made = rows()
    db.session.execute(update(ReportDay).values(amount=9, readers=9))
    db.session.commit()
    assert monthly() != 500
    monkeypatch.setattr(rollup, "RULES", "others")
    assert monthly() == 500
    rollup.roll_up()
    assert rows() == made


def test_what_came_to_be_another_readers_is_counted_with_the_rest_of_theirs() -> None:
    histories.put_down([line(1, 1, day=3), line(2, 3, day=5)])
    rollup.roll_up()
    assert look(ASKED).now.whole().patrons() == 2
    db.session.execute(update(Subscription).where(Subscription.id == 3).values(reader_id=1))
    rollup.count_anew()
    db.session.commit()
    assert look(ASKED).now.whole().patrons() == 1
    db.session.commit()
    rollup.roll_up()
    assert look(ASKED).now.whole().patrons() == 1
    assert monthly() == 1000


def test_while_one_is_at_work_another_leaves_it_alone() -> None:
    histories.put_down([line(1, 1)])
    rollup.roll_up()
    histories.put_down([line(2, 3)])
    db.session.execute(update(ReportMark).values(claimed_until=ours.wall() + timedelta(minutes=5)))
    db.session.commit()
    assert rollup.roll_up() == 0
    db.session.execute(update(ReportMark).values(claimed_until=ours.wall() - timedelta(minutes=5)))
    db.session.commit()
    assert rollup.roll_up() == 1


def test_who_was_overtaken_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    histories.put_down([line(1, 1), line(2, 2)])
    rollup.roll_up()
    histories.put_down([line(3, 3)])
    real = rollup.news_of

    def slow(after: int, upto: int) -> object:
        found = real(after, upto)
        monkeypatch.setattr(rollup, "news_of", real)
        db.session.rollback()
        db.session.execute(update(ReportMark).values(claimed_until=None))
        db.session.commit()
        assert rollup.roll_up() == 1
        return found

    monkeypatch.setattr(rollup, "news_of", slow)
    assert rollup.roll_up() == 0
    once = rows()
    rollup.roll_up(anew=True)
    assert rows() == once


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_no_line_is_passed_over_whose_number_was_given_out_but_not_committed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywall.db.PATIENCE", "SET LOCAL lock_timeout = '100ms'")
    histories.put_down([line(1, 1)])
    slow = db.engine.connect()
    slow.execute(histories.adding(line(2, 3)))
    histories.put_down([line(3, 4)])
    with pytest.raises(OperationalError):
        rollup.roll_up()
    db.session.rollback()
    slow.commit()
    slow.close()
    assert rollup.roll_up() == 3
