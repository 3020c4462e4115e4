"""Countries: each figure is what plain Python makes of the same payments."""

from collections import defaultdict
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall import clock
from paywall.billing.cashbook.models import Payment
from paywall.billing.remote import Mode
from paywall.membership.rules import Status
from paywall.money import Money
from paywall.office.money import countries
from paywall.reports.asked import Asked
from tests.billing.cashbook.town import fetch, gift
from tests.reports.house import (
    CURRENCY,
    FEW,
    HOURS,
    asked_for,
    at,
    check_rows,
    figures,
    house,
    share,
    table,
    within,
)
from tests.shop import Shop

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("context"),
]

NAMES = {"DE": "Germany", "BG": "Bulgaria", "AT": "Austria", None: "Not told"}


class Came(NamedTuple):
    """A payment."""

    hour: int
    amount: int
    refunded: int
    currency: str
    country: str | None
    reader: int | None
    status: str


CAME = st.builds(
    Came,
    HOURS,
    st.integers(100, 9000),
    st.integers(0, 100),
    CURRENCY,
    st.sampled_from(["DE", "BG", "AT", None]),
    st.none() | st.integers(0, 2),
    st.sampled_from(["succeeded", "succeeded", "failed", "pending"]),
)


@FEW
@given(came=st.lists(CAME, max_size=14), asked=asked_for(by_plan=False))
def test_countries(came: list[Came], asked: Asked) -> None:
    with house() as home:
        readers = [home.held("circle", Status.ACTIVE).reader_id for _ in range(3)]
        for nth, one in enumerate(came):
            home.add(
                Payment(
                    mode=Mode.SANDBOX,
                    ticket=1,
                    stripe_id=f"ch_{nth}",
                    amount=one.amount,
                    refunded=one.refunded,
                    currency=one.currency,
                    status=one.status,
                    is_disputed=False,
                    made_at=at(one.hour),
                    country=one.country,
                    reader_id=None if one.reader is None else readers[one.reader],
                )
            )
        report = countries.countries(asked)
        rows = list(countries.payments(asked))
        check_rows("countries", report, asked, money="Paid less Given back")
    good = [one for one in came if one.status == "succeeded"]
    now, before = ([one for one in good if within(at(one.hour), some)] for some in (asked, asked.before))
    got = figures(report)
    assert got["Payments"] == (len(now), len(before)) == (len(rows), len(before))
    known = [{one.country for one in some if one.country} for some in (now, before)]
    assert got["Countries"] == (len(known[0]), len(known[1]))
    for currency in {one.currency for one in (*now, *before)}:
        sums = [
            sum(one.amount - one.refunded for one in some if one.currency == currency)
            for some in (now, before)
        ]
        assert got[f"Came in, {currency.upper()}"] == (Money(sums[0], currency), Money(sums[1], currency))
        mine = [one for one in now if one.currency == currency]
        check_table(table(report, f"By country, {currency.upper()}"), mine, currency)


def check_table(shown: list[dict[str, Any]], now: list[Came], currency: str) -> None:
    """The table of one currency."""
    by_country: dict[str, list[Came]] = defaultdict(list)
    for one in now:
        by_country[NAMES[one.country]].append(one)
    assert {row["Country"] for row in shown if row["Payments"]} == set(by_country)
    whole = sum(one.amount - one.refunded for one in now)
    for row in shown:
        mine = by_country[row["Country"]]
        kept = sum(one.amount - one.refunded for one in mine)
        assert row["Payments"] == len(mine)
        assert row["Readers"] == len({one.reader for one in mine if one.reader is not None})
        assert row["Came in"] == Money(kept, currency)
        assert row["Given back"] == Money(sum(one.refunded for one in mine), currency)
        assert row["Share"] == share(kept, whole)


def test_the_country_is_that_of_the_card(shop: Shop) -> None:
    shop.join(number="4000002760000016")
    gift(shop, "4000001000000000")
    fetch()
    today = clock.now().date()
    rows = [(row[1], row[2]) for row in countries.payments(Asked(today, today))]
    assert sorted(map(str, rows)) == ["('a guest', 'Bulgaria')", "('ana@example.org', 'Germany')"]
