"""Rules and unlocks as the newsroom sets them, from the shell to the door."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall import clock as ours
from paywall.articles.models import Unlock
from paywall.db import db
from tests.articles.files import publish
from tests.moving import MovingClock

PEARL = "pearl"
ZONE = ZoneInfo("Europe/Sofia")
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Run a command of ours; its output."""

    def invoke(*words: str) -> Result:
        done = app.test_cli_runner().invoke(args=["paywall", *words])
        app.extensions["door"].forget()
        return done

    return invoke


def put_out(app: Flask) -> None:
    with app.app_context():
        publish("bridge", gate="", tags=" floods winter ")
        publish("stage", gate="", section="Culture")
        publish("vault", gate="patrons", tags=" floods ")


def shown(client: FlaskClient) -> str:
    """Which of the three is shown in full, by first letters."""
    found = ""
    for slug in ("bridge", "stage", "vault"):
        answer = client.get(f"/article/{slug}")
        is_full = answer.headers["X-Paywall"].startswith("full")
        assert (PEARL in answer.text) is is_full
        found += slug[0] if is_full else "-"
    return found


def test_the_first_rule_that_fits_holds(app: Flask, client: FlaskClient, run: Run) -> None:
    put_out(app)
    assert shown(client) == "---"
    assert run("gate", "rule", "public", "--section", "city").exit_code == 0
    assert shown(client) == "b--"
    run("gate", "rule", "registered", "--tag", "floods", "--position", "1")
    assert shown(client) == "---"
    run("gate", "rule", "public", "--archive-days", "30")
    assert shown(client) == "-s-"
    listed = run("gate", "list").output.splitlines()
    assert [line.strip() for line in listed[:3]] == [
        "1  tag floods: registered",
        "2  section city: public",
        "3  all articles: public, for patrons again after 30 days",
    ]
    assert listed[3].strip() == "all other articles: patrons"
    assert run("gate", "drop", "1").exit_code == 0
    assert shown(client) == "bs-"
    assert run("gate", "drop", "3").output == "Error: There is no rule 3.\n"
    assert run("gate", "list").output.startswith("   1  section city: public\n")


def test_a_rule_set_again_replaces_the_one_before_and_keeps_its_place(app: Flask, run: Run) -> None:
    put_out(app)
    run("gate", "rule", "public", "--section", "city")
    run("gate", "rule", "public", "--section", "culture")
    run("gate", "rule", "patrons", "--section", "city", "--first-hours", "48", "--not-metered")
    assert [line.split("  ")[-1] for line in run("gate", "list").output.splitlines()] == [
        "section city: patrons, for patrons first for 48 h, not metered",
        "section culture: public",
        "all other articles: patrons",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("members",), "Gate 'members' is unknown"),
        (("plan:gone",), "There is no plan gone."),
        (("plan:",), "There is no plan in this gate."),
        (("public", "--section", "sport"), "There is no section 'sport'; there are: city, culture."),
        (("public", "--tag", "Floods!"), "'Floods!' is no tag"),
        (("public", "--tag", "floods", "--section", "city"), "give one of them"),
    ],
)
def test_a_rule_that_makes_no_sense_changes_nothing(
    app: Flask, run: Run, words: tuple[str, ...], said: str
) -> None:
    put_out(app)
    done = run("gate", "rule", *words)
    assert (done.exit_code, said in done.output) == (1, True)
    assert run("gate", "list").output.strip() == "all other articles: patrons"


def test_an_unlock_opens_and_closes_by_itself(
    app: Flask, client: FlaskClient, run: Run, clock: MovingClock
) -> None:
    put_out(app)
    until = (ours.now() + timedelta(hours=2)).isoformat()
    done = run("unlock", "open", "vault", "--until", until, "--why", "Flood warning", "--by", "Vera")
    assert done.exit_code == 0, done.output
    assert shown(client) == "--v"
    assert client.get("/article/vault").headers["X-Paywall"] == "full; reason=unlocked"
    assert "by Vera: Flood warning" in run("unlock", "list").output
    clock.advance(hours=2)
    app.extensions["door"].forget()
    assert shown(client) == "---"
    assert run("unlock", "list").output == "Nothing is unlocked.\n"
    assert "Flood warning" in run("unlock", "list", "--all").output


def test_readers_are_told_until_when_it_is_open(
    app: Flask, client: FlaskClient, run: Run, clock: MovingClock
) -> None:
    put_out(app)
    words = ("unlock", "open", "vault", "--why", "Flood warning", "--by", "Vera", "--until")
    evening = ours.now().astimezone(ZONE).replace(hour=18, minute=0) + timedelta(days=2)
    for end in (evening, evening + timedelta(hours=1)):
        run(*words, f"{end:%Y-%m-%d %H:%M}")
        said = f"This article is open to everyone until {end:%A} {end.day} {end:%B, %H:%M}."
        assert said in client.get("/article/vault").text
        run("unlock", "close", run("unlock", "list").output.split()[0], "--by", "Vera")
    assert "open to everyone" not in client.get("/article/vault").text


def test_a_whole_tag_can_be_unlocked_and_closed_early(app: Flask, client: FlaskClient, run: Run) -> None:
    put_out(app)
    until = (ours.now() + timedelta(days=2)).isoformat()
    done = run("unlock", "open", "--tag", "floods", "--until", until, "--why", "Flood", "--by", "Vera")
    number = done.output.split()[0]
    assert shown(client) == "b-v"
    assert run("unlock", "close", number, "--by", "Ivo").exit_code == 0
    assert shown(client) == "---"
    assert "closed" in run("unlock", "list", "--all").output
    assert "by Ivo" in run("unlock", "list", "--all").output
    assert (
        run("unlock", "close", number, "--by", "Ivo").output == f"Error: Unlock {number} is over already.\n"
    )
    assert run("unlock", "close", "99", "--by", "Ivo").output == "Error: There is no unlock 99.\n"


def test_an_end_without_a_zone_is_meant_in_the_time_of_the_site(app: Flask, run: Run) -> None:
    put_out(app)
    run("unlock", "open", "vault", "--since", "2027-07-01 08:00", "--until", "2027-07-02 18:00",
        "--why", "x", "--by", "Vera")  # fmt: skip
    with app.app_context():
        one = db.session.scalars(select(Unlock)).one()
        assert one.since == datetime(2027, 7, 1, 5, tzinfo=UTC)
        assert one.until == datetime(2027, 7, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none", "--until", "2027-01-01", "--why", "x"), "There is no article 'none'."),
        (("vault", "--until", "2020-01-01", "--why", "x"), "The end must lie ahead"),
        (("vault", "--since", "2028-01-01", "--until", "2027-01-01", "--why", "x"), "The end must lie ahead"),
        (("vault", "--until", "Friday", "--why", "x"), "'Friday' is no date"),
        (("vault", "--until", "2027-01-01", "--why", " "), "Say why"),
        (("vault", "--tag", "floods", "--until", "2027-01-01", "--why", "x"), "Give an article or a tag"),
        (("--until", "2027-01-01", "--why", "x"), "Give an article or a tag"),
    ],
)
def test_an_unlock_that_makes_no_sense_opens_nothing(
    app: Flask, run: Run, words: tuple[str, ...], said: str
) -> None:
    put_out(app)
    done = run("unlock", "open", *words, "--by", "Vera")
    assert (done.exit_code, said in done.output) == (1, True)
    assert run("unlock", "list").output == "Nothing is unlocked.\n"
