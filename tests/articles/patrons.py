"""Readers with accounts, and what they hold, for tests of what is shown to whom."""

from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall import clock
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import plans, record
from paywall.membership.models import Plan
from paywall.membership.plans import PlanText
from paywall.membership.policy import Policy
from paywall.membership.rules import Facts, Interval, Source, Status
from paywall.money import Money
from tests.accounts.browser import sign_up

EMAIL = "ana@example.org"
Letters = Callable[[], list[Letter]]


def enter(app: Flask, letters: Letters, plan: str | None = None, *, email: str = EMAIL) -> FlaskClient:
    """A new browser in which a reader is signed in, for 30 days with a membership of this plan."""
    client = app.test_client()
    sign_up(client, letters, email)
    client.get("/")
    if plan is not None:
        with app.app_context():
            hold(plan, email)
            db.session.commit()
    return client


def hold(plan: str, email: str = EMAIL, days: int = 30) -> None:
    """Let the reader hold a plan from now on; the plan is made if it is missing."""
    if db.session.scalar(select(Plan.id).where(Plan.slug == plan)) is None:
        plans.write(PlanText(plan, plan.title(), "", {Interval.MONTH: Money(500, "eur")}), "For the test")
        db.session.flush()
    now = clock.now()
    held = Facts(
        source=Source.COMP,
        external_id=f"{plan} of {email}",
        plan_id=db.session.scalars(select(Plan.id).where(Plan.slug == plan)).one(),
        status=Status.ACTIVE,
        price=Money(500, "eur"),
        interval=Interval.MONTH,
        started_at=now,
        period_end=now + timedelta(days=days),
    )
    reader = db.session.scalars(select(Reader).where(Reader.email == email)).one()
    record.record(reader, [held], Policy(timedelta(0), timedelta(0)))
