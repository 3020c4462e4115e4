"""Time and closed sets in the database: aware UTC in and out, and no word that is none of ours."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from paywall import clock
from paywall.db import db
from paywall.mail import Letter

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def letter(created_at: datetime) -> Letter:
    """A letter that says when it was written."""
    return Letter(kind="k", to="a@example.org", subject="", text="", html="", created_at=created_at)


@pytest.mark.parametrize("instant", [NOON, NOON.astimezone(timezone(timedelta(hours=2)))])
def test_an_instant_comes_back_in_utc(app: Flask, instant: datetime) -> None:
    with app.app_context():
        db.session.add(letter(instant))
        db.session.commit()
        found = db.session.scalars(select(Letter.created_at)).one()
    assert found == NOON
    assert found.tzinfo is UTC


def test_a_naive_instant_is_refused(app: Flask) -> None:
    with app.app_context():
        db.session.add(letter(NOON.replace(tzinfo=None)))
        with pytest.raises(StatementError, match="naive datetime"):
            db.session.commit()
        db.session.rollback()


def test_a_word_that_is_none_of_ours_is_refused(app: Flask) -> None:
    add = text("INSERT INTO stripe_twin (kind, mode, own_id, stripe_id) VALUES ('horse', 'test', 1, 'x')")
    with app.app_context(), pytest.raises(IntegrityError, match=r"(?i)check constraint"):
        db.session.execute(add)


def test_our_clock_is_aware_and_can_be_moved_and_put_back() -> None:
    clock.use(lambda: NOON)
    assert clock.now() == NOON
    assert clock.wall() > NOON - timedelta(days=3650)
    clock.use(None)
    assert abs(clock.now() - clock.wall()) < timedelta(seconds=5)
    assert clock.now().tzinfo is UTC
