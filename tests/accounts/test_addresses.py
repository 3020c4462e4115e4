"""One person, one address, one account."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from paywall.accounts import addresses, proofs, readers
from paywall.accounts.models import Reader
from paywall.db import db


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("ana@example.org", "ana@example.org"),
        (" Ana.B@EXAMPLE.Org ", "ana.b@example.org"),
        ("ana+news@example.org", "ana+news@example.org"),
        ("ana@ВЕСТИ.бг", "ana@xn--b1agj9af.xn--90ae"),
        ("ana@xn--b1agj9af.xn--90ae", "ana@xn--b1agj9af.xn--90ae"),
        ("ана@example.org", None),
        ("ana@courier.example", "ana@courier.example"),
        ("ana", None),
        ("", None),
        ("ana@@example.org", None),
        ("ana@example.org, eve@example.org", None),
        ("Ana <ana@example.org>", None),
        ("ana@[127.0.0.1]", None),
        ("ana@localhost", None),
        ("ana@paper.test", None),
        ("a" * 250 + "@example.org", None),
    ],
)
def test_each_address_has_one_spelling(raw: str, kept: str | None) -> None:
    assert addresses.normalise(raw) == kept


def test_two_tabs_that_prove_one_address_make_one_account(app: Flask) -> None:
    def prove(_tab: int) -> int:
        with app.app_context():
            reader = readers.find_or_add("ana@example.org")
            db.session.commit()
            return reader.id

    with ThreadPoolExecutor(4) as tabs:
        assert len(set(tabs.map(prove, range(8)))) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Reader)) == 1


def test_an_account_that_appears_in_between_is_taken(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        db.session.add(Reader(email="ana@example.org"))
        db.session.commit()
        monkeypatch.setattr(readers, "find", lambda _email: None)
        assert readers.find_or_add("ana@example.org").id == db.session.scalars(select(Reader.id)).one()


def test_two_presses_at_once_prove_once(app: Flask) -> None:
    with app.app_context():
        begun = proofs.begin("ana@example.org")
        db.session.commit()

    def press(number: int) -> bool:
        with app.app_context():
            by_code = number % 2
            proven = proofs.spend_code(begun.id, begun.code) if by_code else proofs.spend_link(begun.token)
            db.session.commit()
            return proven is not None

    with ThreadPoolExecutor(4) as browsers:
        assert sum(browsers.map(press, range(8))) == 1
