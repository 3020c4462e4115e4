"""The line of time: all once, newest first, a page at a time, and each address in its own days only."""

from datetime import timedelta

import pytest
from flask import Flask

from paywall import clock as ours
from paywall.accounts import readers
from paywall.accounts.models import Reader
from paywall.billing.cashbook.models import Payment
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.mail import Letter
from paywall.office.desk import timeline
from paywall.office.desk.timeline import Cursor, Entry, Kind


def pay(reader: Reader, number: int, days: float) -> Payment:
    """A payment so many days ago."""
    return Payment(
        mode=Mode.SANDBOX,
        stripe_id=f"ch_{number}",
        ticket=1,
        currency="eur",
        reader_id=reader.id,
        amount=100,
        refunded=0,
        status="succeeded",
        is_disputed=False,
        made_at=ours.now().replace(microsecond=0) - timedelta(days=days),
    )


def letter(to: str, subject: str, days: float) -> Letter:
    """A letter written so many days ago."""
    at = ours.now() - timedelta(days=days)
    return Letter(kind="gift", to=to, subject=subject, text="", html="", created_at=at)


@pytest.fixture
def reader(app: Flask, context: None) -> Reader:
    """A reader."""
    db.session.add(found := Reader(email="ana@example.org", created_at=ours.now() - timedelta(days=500)))
    db.session.commit()
    return found


def test_pages_follow_one_another_without_a_gap_or_a_doubling(reader: Reader) -> None:
    db.session.add_all(pay(reader, number, number // 3) for number in range(20))
    db.session.add_all(letter(reader.email, str(number), number // 2) for number in range(9))
    db.session.commit()
    seen: list[Entry] = []
    cursor: Cursor | None = None
    for _page in range(20):
        page = timeline.page(reader.id, before=cursor, most=7)
        seen += page.entries
        if page.older is None:
            break
        cursor = Cursor.read(str(page.older))
        assert cursor == page.older
    assert len(seen) == len({one.place for one in seen}) == 30
    assert seen == sorted(seen, key=lambda one: (one.at, one.place), reverse=True)
    assert len(timeline.page(reader.id, only=Kind.LETTERS).entries) == 9
    db.session.rollback()


def test_a_letter_belongs_to_whoever_had_the_address_when_it_was_written(reader: Reader) -> None:
    db.session.add(other := Reader(email="eva@example.org"))
    db.session.flush()
    readers.move(reader, "new@example.org")
    readers.move(other, "ana@example.org")
    db.session.add_all([letter("ana@example.org", "hers", 3), letter("ana@example.org", "evas", -3)])
    db.session.commit()

    def subjects(reader_id: int) -> list[str]:
        entries = timeline.page(reader_id, only=Kind.LETTERS).entries
        return [one.row.subject for one in entries]

    assert subjects(reader.id) == ["hers"]
    assert subjects(other.id) == ["evas"]
    db.session.rollback()
