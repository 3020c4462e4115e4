"""A changed policy holds for what is written already, in time and by hand."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from paywall.db import db
from paywall.membership import applied
from paywall.membership.models import AppliedPolicy, Subscription
from paywall.membership.policy import Cause
from paywall.membership.rules import Status
from tests.conftest import let_settings_say
from tests.shop import Shop


def test_a_longer_grace_reaches_those_of_whom_stripe_says_nothing(app: Flask, shop: Shop) -> None:
    held = shop.join()
    values = {"status": Status.PAST_DUE, "unpaid_since": held.started_at}
    db.session.execute(update(Subscription).values(**values))
    db.session.commit()
    applied.apply_if_changed()
    assert shop.held()[0].access_until == held.started_at + timedelta(days=7)
    let_settings_say(app, grace_days=20)
    applied.apply_if_changed()
    late = shop.held()[0]
    assert late.access_until == held.started_at + timedelta(days=20)
    assert (late.grace_from, late.access_cause) == (held.started_at, Cause.PAYMENT_FAILED)


def test_a_policy_that_is_the_same_is_not_reckoned_again(shop: Shop) -> None:
    shop.join()
    applied.apply_if_changed()
    first = db.session.scalars(select(AppliedPolicy.applied_at)).one()
    db.session.execute(update(Subscription).values(access_until=None))
    db.session.commit()
    applied.apply_if_changed()
    assert db.session.scalars(select(AppliedPolicy.applied_at)).one() == first
    assert shop.held()[0].access_until is None


@pytest.mark.parametrize("batch", [1, 500])
def test_by_hand_it_says_how_many_dates_moved(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(applied, "BATCH", batch)
    shop.join()
    let_settings_say(app, renewal_slack_hours=48)
    told = app.test_cli_runner().invoke(args=["paywall", "policy", "--apply"])
    assert "full:  until 2 days after the end of the paid period" in told.output
    assert "Dates that moved: 1." in told.output
    assert "Dates that moved" not in app.test_cli_runner().invoke(args=["paywall", "policy"]).output
