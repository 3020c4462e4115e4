"""`flask paywall ...`: each command does what it says, twice without harm, and errs in one plain line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from paywall.accounts.models import Reader
from paywall.articles.models import Article
from paywall.billing.models import StripeTwin
from paywall.db import db
from paywall.mail import Letter
from paywall.membership.models import Plan, PlanState, Price

ARTICLES = Path(__file__).parent.parent / "paywall" / "demo" / "articles"


@pytest.fixture
def shell(app: Flask) -> FlaskCliRunner:
    """Someone at a shell of the server."""
    return app.test_cli_runner()


def run(shell: FlaskCliRunner, *words: str) -> str:
    """Run a command that must succeed; what it said."""
    result = shell.invoke(args=["paywall", *words])
    assert result.exit_code == 0, result.output
    return result.output


def fails(shell: FlaskCliRunner, *words: str) -> str:
    """Run a command that must fail with an explanation and no traceback; what it said."""
    result = shell.invoke(args=["paywall", *words])
    assert result.exit_code in {1, 2}, result.output
    assert isinstance(result.exception, SystemExit)
    return result.output


def test_staff_are_appointed_once(
    shell: FlaskCliRunner, app: Flask, letters: Callable[[], list[Letter]]
) -> None:
    assert "is now owner" in run(shell, "staff", "Editor@Example.org", "--role", "owner", "--why", "New here")
    assert "was already owner" in run(
        shell, "staff", "editor@example.org", "--role", "owner", "--role", "editor", "--why", "New here"
    )
    with app.app_context():
        assert db.session.scalars(select(Reader)).one().staff_roles == {"owner", "editor"}
    assert {letter.to for letter in letters()} == {"editor@example.org"}


def test_a_wrong_role_or_address_is_refused(shell: FlaskCliRunner) -> None:
    assert "emperor" in fails(shell, "staff", "editor@example.org", "--role", "emperor", "--why", "New here")
    assert "is not an e-mail address" in fails(
        shell, "staff", "editor", "--role", "owner", "--why", "New here"
    )


def test_a_plan_is_written_down_and_changed(shell: FlaskCliRunner, app: Flask) -> None:
    run(
        shell,
        "plan",
        "supporter",
        "--name",
        "Supporter",
        "--month",
        "5",
        "--year",
        "50,00",
        "--trial-days",
        "7",
        "--why",
        "New here",
    )
    run(
        shell,
        "plan",
        "supporter",
        "--name",
        "Supporters",
        "--month",
        "5.50",
        "--state",
        "hidden",
        "--why",
        "New here",
    )
    with app.app_context():
        plan = db.session.scalars(select(Plan)).one()
        assert (plan.name, plan.state) == ("Supporters", PlanState.HIDDEN)
        prices = db.session.execute(select(Price.amount, Price.active).order_by(Price.amount)).all()
        assert [tuple(price) for price in prices] == [(500, False), (550, True), (5000, True)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "a", "--name", "A", "--why", "New here"], "needs a price"),
        (["plan", "a", "--name", "A", "--month", "five", "--why", "New here"], "is not an amount"),
        (["plan", "a", "--name", "A", "--month", "5.001", "--why", "New here"], "more digits than EUR has"),
        (
            ["plan", "a", "--name", "A", "--month", "5.5", "--currency", "JPY", "--why", "New here"],
            "more digits than JPY has",
        ),
        (["plan", "a", "--name", "A", "--month", "0", "--why", "New here"], "must be more than nothing"),
        (["plan", "a", "--name", "A", "--month", "-5", "--why", "New here"], "must be more than nothing"),
        (["import", "/no/such/place"], "does not exist"),
        (["plan", "a"], "Missing option"),
    ],
)
def test_bad_input_says_what_to_do_and_changes_nothing(
    shell: FlaskCliRunner, app: Flask, words: list[str], said: str
) -> None:
    assert said in fails(shell, *words)
    with app.app_context():
        assert db.session.scalar(select(func.count(Plan.id))) == 0


def test_articles_come_in_once(shell: FlaskCliRunner, app: Flask) -> None:
    for slug in ("supporter", "circle"):
        run(shell, "plan", slug, "--name", slug, "--month", "5", "--why", "New here")
    assert "14 new, 0 changed" in run(shell, "import", str(ARTICLES))
    assert "0 new, 0 changed, 14 as before" in run(shell, "import", str(ARTICLES))


def test_one_bad_article_keeps_all_out(shell: FlaskCliRunner, app: Flask, tmp_path: Path) -> None:
    good = (ARTICLES / "night-shift-on-the-rails.md").read_text()
    (tmp_path / "good.md").write_text(good.replace("picture:", "picture: # none\nx:"))
    (tmp_path / "bad.md").write_text("---\nslug: bad\ngate: members\n---\nText\n")
    said = fails(shell, "import", str(tmp_path))
    assert "bad.md:3:" in said
    assert "Nothing was changed" in said
    with app.app_context():
        assert db.session.scalar(select(func.count(Article.id))) == 0


def test_stripe_is_made_ready_once(shell: FlaskCliRunner, app: Flask) -> None:
    run(shell, "plan", "supporter", "--name", "Supporter", "--month", "5", "--why", "New here")
    first = run(shell, "stripe-setup")
    assert "made   price €5 a month" in first
    assert "PAYWALL_STRIPE_WEBHOOK_SECRETS=whsec_" in first
    again = run(shell, "stripe-setup")
    assert "made" not in again
    assert "whsec_" not in again
    with app.app_context():
        assert db.session.scalar(select(func.count(StripeTwin.id))) == 4
