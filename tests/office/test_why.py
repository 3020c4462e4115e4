"""Why a reader can read: in the shell and in the browser, with what lies behind each answer."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from paywall import clock as ours
from paywall.access.decision import RULES
from paywall.access.words import ANSWERS
from paywall.accounts.models import StaffRole
from paywall.articles import gatekeeping
from paywall.articles.terms import Terms
from paywall.db import db
from paywall.mail import Letter
from tests.accounts.browser import sign_up
from tests.articles.files import SECRET, publish
from tests.articles.patrons import hold
from tests.staffing import Staff

ANA = "ana@example.org"
Run = Callable[..., Result]
Letters = Callable[[], list[Letter]]


@pytest.fixture
def run(app: Flask) -> Run:
    return lambda *given: app.test_cli_runner().invoke(args=["paywall", *given])


@pytest.fixture
def paper(app: Flask, client: FlaskClient, letters: Letters) -> None:
    """An article under a rule, and Ana, a reader who held a membership."""
    sign_up(app.test_client(), letters, ANA)
    with app.app_context():
        publish("bridge", gate="", tags=" floods ")
        gatekeeping.set_rule(Terms("patrons", archive_days=30), section="city")
        until = ours.now() + timedelta(hours=1)
        gatekeeping.unlock(tag="floods", since=until, until=until + timedelta(days=1), why="x", by="Vera")
        hold("supporter", ANA, days=-1)
        db.session.commit()


def test_every_rule_of_the_door_has_its_words() -> None:
    assert {*ANSWERS, "refusal"} == set(RULES)


def test_the_shell_names_each_rule_the_membership_and_its_date(app: Flask, paper: None, run: Run) -> None:
    lines = run("why", ANA, "bridge").output.splitlines()
    assert lines[0] == "Article  bridge: for patrons"
    assert lines[1].strip() == "for patrons: the rule for the section city"
    assert "unlocked for everyone (shut now)" in lines[2]
    assert "for patrons (shut now)" in lines[3]
    assert lines[4] == f"Reader   {ANA}: account open, address confirmed"
    assert "supporter by comp (supporter of ana@example.org), active: reads until" in lines[5]
    assert lines[5].endswith(", Paid")
    assert [line.split()[0] for line in lines[6:-1]] == list(RULES)
    assert lines[-2].endswith("A membership would open it.")
    assert lines[-1] == "Decision teaser; reason=patrons_only"
    with app.app_context():
        hold("supporter", ANA, days=1)
        db.session.commit()
    assert run("why", ANA, "bridge").output.endswith("Decision full; reason=patron\n")


@pytest.mark.settings(meter_visitor_reads=3)
def test_a_visitor_is_explained_too(paper: None, run: Run) -> None:
    found = run("why", "visitor", "bridge").output
    assert "A free read opens it. After it 2 are left." in found
    assert found.endswith("Decision full; reason=metered\n")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((ANA, "none"), "Error: There is no article 'none'.\n"),
        (("eva@example.org", "bridge"), "Error: No reader has the address eva@example.org.\n"),
        (("not an address", "bridge"), "Error: 'not an address' is not an address.\n"),
    ],
)
def test_who_or_what_is_not_there_is_said_plainly(
    paper: None, run: Run, given: tuple[str, str], said: str
) -> None:
    assert run("why", *given).output == said


def test_an_article_that_is_not_out_can_be_tried(app: Flask, paper: None, run: Run) -> None:
    with app.app_context():
        publish("draft", gate="plan:supporter", published_at=None)
    found = run("simulate", "draft").output
    assert found.startswith("Title of draft: for the plan supporter\n")
    assert "Patron, supporter" in found
    assert "not out yet: -" in run("why", ANA, "draft").output


@pytest.mark.parametrize("role", [StaffRole.OWNER, StaffRole.MEMBERSHIP, StaffRole.BOOKKEEPER])
def test_staff_see_it_in_the_browser(paper: None, staff: Staff, role: StaffRole) -> None:
    client = staff(role)
    page = client.get("/staff/why", query_string={"reader": ANA, "article": "bridge"}).text
    for sentence in (
        "Teaser: patrons only",
        "A membership would open it.",
        "the rule for the section city",
        f"supporter of {ANA}",
    ):
        assert sentence in page
    assert SECRET not in page
    assert "Full: unlocked" not in page
    for path in ("/staff/why", "/staff/simulate"):
        assert client.get(path).status_code == 200
        missing = client.get(path, query_string={"article": "none"})
        assert (missing.status_code, "There is no article" in missing.text) == (404, True)
    samples = client.get("/staff/simulate", query_string={"article": "bridge"}).text
    assert "Payment failed three days ago (supporter)" in samples
    assert SECRET not in samples


def test_an_editor_sees_who_would_read_but_nothing_of_a_reader(paper: None, staff: Staff) -> None:
    client = staff("editor")
    assert client.get("/staff/simulate", query_string={"article": "bridge"}).status_code == 200
    assert client.get("/staff/why", query_string={"reader": ANA, "article": "bridge"}).status_code == 403


def test_nobody_else_sees_it(app: Flask, paper: None, letters: Letters) -> None:
    reader = app.test_client()
    sign_up(reader, letters, "eva@example.org")
    for path in ("/staff/why", "/staff/simulate"):
        assert reader.get(path).status_code == 403
        assert app.test_client().get(path).status_code == 302


def test_a_reader_of_an_institution_is_let_in_by_it(app: Flask, paper: None, run: Run) -> None:
    for words in (
        ("institution", "add", "library", "--name", "City library", "--until", "2030-01-01"),
        ("institution", "domain", "library", "example.org"),
    ):
        done = run(*words)
        assert done.exit_code == 0, done.output
    assert run("why", ANA, "bridge").output.endswith("Decision full; reason=institution\n")
