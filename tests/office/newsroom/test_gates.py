"""Rules and unlocks on a page: in force at the door, and on record."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.accounts.trail import StaffAct
from paywall.articles.models import GateRule, Unlock
from paywall.db import db
from tests.accounts.browser import send
from tests.articles.files import publish
from tests.office.newsroom.desk import button
from tests.office.newsroom.test_editor import reads
from tests.staffing import Staff

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PAGE = "/staff/gates"
RULE = {"section": "", "tag": "", "gate": "public", "is_metered": ""}
UNLOCK = {"article": "the-house", "until": "2099-01-01T09:00", "why": "Evacuation"}


def test_a_rule_is_set_and_dropped(app: Flask, client: FlaskClient, staff: Staff) -> None:
    with app.app_context():
        publish(gate="")
    vera = staff("editor")
    assert reads(app, client) is False
    answer = send(
        vera,
        f"{PAGE}/rule",
        page=PAGE,
        **RULE | {"section": "city", "is_metered": "no", "reason": "Local news"},
    )
    assert answer.status_code == 303
    assert reads(app, client) is True
    send(vera, f"{PAGE}/rule", page=PAGE, **RULE | {"gate": "patrons", "first_hours": "48", "position": "1"})
    assert reads(app, client) is False
    page = vera.get(PAGE).text
    assert "for patrons first for 48 hours" in page
    assert page.index("all other articles") < page.index("the section City")
    with app.app_context():
        first = db.session.scalars(select(GateRule).order_by(GateRule.position)).first()
        assert first is not None
        number = first.id
    assert button(vera, PAGE, f"{PAGE}/rule/{number}/drop", reason="A trial").status_code == 303
    assert reads(app, client) is True
    assert vera.post(f"{PAGE}/rule/{number}/drop", data={}).status_code == 400
    with app.app_context():
        whys = list(db.session.scalars(select(StaffAct.reason).order_by(StaffAct.id)))
    assert whys == ["Local news", "", "A trial"]


def test_an_article_is_unlocked_and_closed_again(app: Flask, client: FlaskClient, staff: Staff) -> None:
    with app.app_context():
        publish()
    vera = staff("editor")
    assert send(vera, f"{PAGE}/unlock", page=PAGE, **UNLOCK).status_code == 303
    assert reads(app, client) is True
    with app.app_context():
        opened = db.session.scalars(select(Unlock)).one()
        assert (opened.opened_by, opened.why) == ("editor@staff.example", "Evacuation")
        path = f"{PAGE}/unlock/{opened.id}/close"
    assert button(vera, PAGE, path, reason="The water fell").status_code == 303
    assert reads(app, client) is False
    assert "closed" in vera.get(PAGE).text
    with app.app_context():
        acts = db.session.execute(select(StaffAct.act, StaffAct.reason).order_by(StaffAct.id))
        assert list(acts) == [("unlock opened", "Evacuation"), ("unlock closed", "The water fell")]


def test_what_is_no_good_is_told_and_kept_in_the_form(app: Flask, staff: Staff) -> None:
    with app.app_context():
        publish()
    vera = staff("editor")
    for path, sent, says in (
        ("rule", RULE | {"section": "city", "tag": "floods"}, "for a section or for a tag"),
        ("rule", RULE | {"tag": "Not A Tag"}, "is no tag"),
        ("rule", RULE | {"gate": "plan"}, "Tick at least one plan"),
        ("rule", RULE | {"first_hours": "99999"}, "Number must be between 1 and 8760"),
        ("rule", RULE | {"section": "gone"}, "Not a valid choice"),
        ("unlock", UNLOCK | {"until": "2020-01-01T09:00"}, "The end must lie ahead"),
        ("unlock", UNLOCK | {"until": "soon"}, "is no date and time"),
        ("unlock", UNLOCK | {"why": ""}, "Say why"),
        ("unlock", UNLOCK | {"article": "gone"}, "There is no article"),
        ("unlock", UNLOCK | {"tag": "floods"}, "Give an article or a tag"),
    ):
        answer = send(vera, f"{PAGE}/{path}", page=PAGE, **sent)
        assert answer.status_code == 400, says
        assert says in answer.text
    with app.app_context():
        assert db.session.scalars(select(GateRule.id)).all() == []
        assert db.session.scalars(select(Unlock.id)).all() == []
