"""What counts as missing here: the rule alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from paywall.billing.reconcile.drift import Kind, compare
from paywall.membership.rules import Facts, Interval, Source, Status
from paywall.money import Money

FACTS = Facts(
    source=Source.STRIPE,
    external_id="sub_1",
    plan_id=1,
    status=Status.ACTIVE,
    price=Money(500, "eur"),
    interval=Interval.MONTH,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
)
NEVER_BEGAN = (Status.INCOMPLETE, Status.INCOMPLETE_EXPIRED)


@pytest.mark.parametrize("status", list(Status))
def test_what_we_lack_is_missing_unless_it_never_began(status: Status) -> None:
    expected = [] if status in NEVER_BEGAN else [(Kind.MISSING_HERE, "nothing", status.value)]
    assert list(compare(None, replace(FACTS, status=status))) == expected
