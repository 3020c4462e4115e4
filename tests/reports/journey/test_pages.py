"""The path and the articles: what staff read there is a plain count of what was counted."""

import csv
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from paywall.access.decision import Reason
from paywall.access.journey import paying
from paywall.access.journey.steps import Seen, Step
from paywall.accounts.models import StaffRole
from paywall.articles.models import Article
from paywall.db import db
from paywall.membership import plans
from paywall.membership.models import Plan
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from paywall.reports.asked import Asked
from paywall.reports.journey import articles, found, path
from paywall.reports.journey.found import COUNTED
from tests.articles.files import publish
from tests.moving import MovingClock
from tests.reports.house import FEW, check_rows
from tests.reports.journey.past import (
    FIRST,
    NOW,
    PLANS,
    STORIES,
    TODAY,
    History,
    Past,
    histories,
    one_history,
    shares,
    stretches,
    summed,
)
from tests.staffing import Staff

# At the edges of days, months and years.
STRETCHES = [
    (date(2026, 11, 1), TODAY),
    (date(2026, 10, 1), date(2026, 10, 31)),
    (date(2026, 9, 10), date(2026, 11, 3)),
    (date(2026, 10, 5), date(2026, 10, 5)),
    (date(2026, 3, 10), TODAY),
    (date(2026, 2, 1), date(2026, 9, 12)),
    (FIRST, TODAY),
]
asked = st.lists(st.sampled_from(STRETCHES) | stretches(), min_size=2, max_size=2)


class Paper:
    """Five articles by two authors in two sections, and two plans."""

    def __init__(self) -> None:
        price = {Interval.MONTH: Money(500, "eur")}
        for slug in PLANS:
            plans.write(PlanText(slug, slug.title(), "", price), "For the test")
        db.session.flush()
        for number in range(STORIES):
            section, author = ("City", "Culture")[number % 2], ("Ada Writer", "=Bo Writer", "")[number % 3]
            publish(f"story-{number}", section=section, byline=author)
        rows = db.session.scalars(select(Article).order_by(Article.id)).all()
        self.sites = {str(row.id): (row.section.name, row.byline) for row in rows}
        self.plan_ids = list(db.session.scalars(select(Plan.id).order_by(Plan.id)))
        db.session.rollback()

    def had(self, history: History) -> Past:
        """What was counted there, and not committed: with the transaction it is gone."""
        db.session.rollback()
        made = Past(history, self.sites, self.plan_ids)
        made.write()
        return made


@pytest.fixture
def paper(app: Flask, context: None, clock: MovingClock) -> Paper:
    clock.set(NOW)
    return Paper()


@pytest.fixture
def past(paper: Paper) -> Past:
    """One history, for good."""
    made = paper.had(one_history(7))
    db.session.commit()
    return made


@FEW
@given(history=histories, stretches=asked, order=st.sampled_from(COUNTED))
def test_articles_sections_and_authors_are_a_plain_count(
    paper: Paper, history: History, stretches: list[tuple[date, date]], order: str
) -> None:
    past = paper.had(history)
    for since, until in stretches:
        plain = past.counts(since, until)
        told = found.found(Asked(since, until), TODAY, order, 100)
        assert dict(told.articles) == plain
        ranks = [getattr(counts, order) for _, counts in told.articles]
        assert ranks == sorted(ranks, reverse=True)
        for at, grouped in enumerate((told.sections, told.authors)):
            assert dict(grouped) == past.grouped(plain, at)
        assert told.total == summed(list(plain.values()))
        in_order = [key for key, _, _ in found.every(Asked(since, until), TODAY, order)]
        assert in_order == [key for key, _ in told.articles]


def test_their_figures_have_the_days_before_and_rows(past: Past) -> None:
    sums = {"Sign-ups after an article": "Sign-ups", "Paid after an article": "Last touch", "Visits": "Times"}
    for since, until in STRETCHES:
        asked = Asked(since, until)
        told = articles.articles(asked)
        before = summed(list(past.counts(asked.before.since, asked.before.until).values()))
        figures = {figure.name: figure.before for figure in told.figures}
        assert figures["Visits"] == before.visits
        assert figures["Sign-ups after an article"] == before.sign_ups
        check_rows("articles", told, asked, **sums)


@FEW
@given(history=histories, stretches=asked, plan=st.integers(0, len(PLANS) - 1))
def test_a_plan_narrows_the_payments_alone(
    paper: Paper, history: History, stretches: list[tuple[date, date]], plan: int
) -> None:
    past = paper.had(history)
    for since, until in stretches:
        told = found.found(Asked(since, until, plan=PLANS[plan]), TODAY, "last", 100)
        assert dict(told.articles) == past.counts(since, until, paper.plan_ids[plan])


def test_a_month_whose_days_are_gone_is_counted_whole(past: Past, clock: MovingClock) -> None:
    clock.set(NOW + timedelta(days=420))
    paying.forget()
    today = TODAY + timedelta(days=420)
    told = found.found(Asked(date(2026, 9, 10), date(2026, 10, 3)), today, "visits", 100)
    plain = past.counts(date(2026, 9, 1), date(2026, 10, 31))
    assert {key: counts.visits for key, counts in told.articles} == {
        key: counts.visits for key, counts in plain.items()
    }


@FEW
@given(history=histories, stretches=asked)
def test_the_path_is_a_plain_count(
    paper: Paper, history: History, stretches: list[tuple[date, date]]
) -> None:
    past = paper.had(history)
    for since, until in stretches:
        asked = Asked(since, until)
        told = path.path(asked)
        plain, before = past.path(since, until), past.path(asked.before.since, asked.before.until)
        assert {figure.name: figure.now for figure in told.figures} == plain
        assert {figure.name: figure.before for figure in told.figures} == before
        counted = {one.name: "Times" for one in told.figures if one.name != "First payments"}
        check_rows("path", told, asked, **counted)
        steps, in_time = told.tables
        was, became = shares(before), shares(plain)
        assert {row[0]: row[1:5] for row in steps.rows} == {
            name: (plain[name], became[name], before[name], was[name]) for name in plain
        }
        for at, column in enumerate(in_time.columns[1:], start=1):
            assert sum(row[at] for row in in_time.rows) == plain[column.name]  # type: ignore[misc]  # ints


def test_each_reason_of_the_door_is_a_visit() -> None:
    for reason in Reason:
        assert Seen(TODAY, reason).steps[0] is Step.VISIT
    alone = [step for step in Step if step is not Step.METER_SPENT]
    assert [Seen(TODAY, step).steps for step in alone] == [(step,) for step in alone]


@pytest.mark.parametrize(
    ("role", "path_status", "articles_status"),
    [
        (StaffRole.OWNER, 200, 200),
        (StaffRole.MEMBERSHIP, 200, 200),
        (StaffRole.BOOKKEEPER, 200, 200),
        (StaffRole.EDITOR, 403, 200),
    ],
)
def test_who_may_see_them(
    app: Flask, staff: Staff, role: StaffRole, path_status: int, articles_status: int
) -> None:
    browser = staff(role)
    assert browser.get("/staff/reports/path").status_code == path_status
    assert browser.get("/staff/reports/path/rows/paid.csv").status_code == path_status
    for rows in (
        "",
        "/rows/articles",
        "/rows/days.csv",
        "/rows/payments",
        "/rows/first",
        "/articles.csv?order=visits",
    ):
        assert browser.get(f"/staff/reports/articles{rows}").status_code == articles_status
    assert browser.get("/staff/reports/articles?order=name").status_code == 400


def lines(browser: FlaskClient, file: str) -> list[dict[str, str]]:
    answer = browser.get(f"/staff/reports/{file}?since={FIRST}&until={TODAY}&order=visits")
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(answer.get_data().decode("utf-8-sig").splitlines()))


def test_files_have_the_same_rows_and_no_formula(past: Past, staff: Staff) -> None:
    db.session.rollback()
    browser = staff(StaffRole.OWNER)
    plain = past.counts(FIRST, TODAY)
    for file in ("articles/articles.csv", "articles/rows/articles.csv"):
        rows = lines(browser, file)
        assert [int(row["Visits"]) for row in rows] == sorted(
            (one.visits for one in plain.values()), reverse=True
        )
        assert {row["Author"] for row in rows} == {"Ada Writer", "'=Bo Writer", ""}
    days = lines(browser, "articles/rows/days.csv")
    assert sum(int(row["Times"]) for row in days) == sum(
        times for seen, times in past.seen if seen.word != "account"
    )
    paid = lines(browser, "articles/rows/payments.csv")
    assert sum(int(row["Last touch"]) for row in paid) == len(past.paid)
    money = {
        currency: sum(100 + number for number, one in enumerate(past.paid) if one[2] == currency.lower())
        for currency in ("EUR", "USD")
    }
    for currency, cents in money.items():
        its = [row for row in paid if row["Currency"] == currency]
        assert round(sum(float(row["Money: last touch"]) for row in its) * 100) == cents
        table = lines(browser, f"articles/money-in-{currency.lower()}.csv")
        assert round(sum(float(row["Money: last touch"]) for row in table) * 100) == cents
    first = browser.get(f"/staff/reports/path/rows/paid.csv?since={FIRST}&until={TODAY}")
    assert len(first.text.splitlines()) == len(past.paid) + 1


def test_a_column_leads_to_the_same_in_its_order(past: Past, staff: Staff) -> None:
    db.session.rollback()
    text = staff(StaffRole.EDITOR).get("/staff/reports/articles?order=any").text
    assert 'aria-sort="descending"' in text
    assert "order=visits#articles" in text
