"""The demo's past: it ends now, its books agree with the stand-in's, and it comes before anything else."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from paywall import clock
from paywall.accounts.models import Reader
from paywall.articles.models import Article
from paywall.billing.gateway import gateway
from paywall.billing.models import EventState, StripeEvent
from paywall.billing.reconcile import runs
from paywall.db import db
from paywall.demo import history
from paywall.demo.seed import seed
from paywall.errors import WrongSetting
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import PAYING
from paywall.reports.asked import Asked
from paywall.reports.journey import found, path


@pytest.mark.story
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_ends_now_and_the_books_agree(app: Flask, context: None) -> None:
    history.begin(1)
    seed()
    with pytest.raises(WrongSetting, match="make clean"):
        history.begin(1)
    history.play()
    assert abs(clock.wall() - clock.now()) < timedelta(minutes=2)
    born = db.session.scalars(select(Reader.created_at).order_by(Reader.created_at)).all()
    assert born[-1] - born[0] > timedelta(days=20)
    assert db.session.scalars(select(StripeEvent.state).distinct()).all() == [EventState.HANDLED]
    paying = select(func.sum(Subscription.monthly)).where(Subscription.status.in_(PAYING))
    assert db.session.scalar(paying) == db.session.scalar(select(func.sum(MembershipEvent.monthly_delta)))
    held = db.session.scalar(select(func.count()).select_from(Subscription))
    db.session.commit()
    said = app.test_cli_runner().invoke(args=["paywall", "reconcile", "--dry-run", "--json"])
    assert json.loads(said.output) == {
        "finished": True,
        "clean": True,
        "counts": {"subscriptions": held, "rows": held},
    }
    walked = runs.last(gateway().mode)
    assert walked is not None
    assert walked.finished_at is not None
    _the_path_narrows()


def _the_path_narrows() -> None:
    """Each step is taken, by fewer than the one before; articles are seen, and bring who pays."""
    asked = Asked(clock.now().date() - timedelta(days=40), clock.now().date())
    figures = path.path(asked).figures
    taken = {figure.name: figure.now for figure in figures if isinstance(figure.now, int)}
    assert len(taken) == len(figures)
    assert all(taken.values()), taken
    for wide, narrow in (
        ("Visits", "Offers shown"),
        ("Offers shown", "Free reads spent"),
        ("Offers shown", "Sign-up pages"),
        ("Sign-up pages", "Accounts made"),
        ("Plan pages", "Checkouts opened"),
        ("Checkouts opened", "First payments"),
    ):
        assert taken[narrow] < taken[wide], (narrow, taken)
    told = found.found(asked, clock.now().date(), "visits", 100)
    assert len(told.articles) == db.session.scalar(select(func.count()).select_from(Article))
    assert told.total.visits == taken["Visits"]
    assert 0 < told.total.last <= taken["First payments"]
    assert told.total.last <= told.total.any
