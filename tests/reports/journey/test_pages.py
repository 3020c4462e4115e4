"""The path and the articles: what staff read there is a plain count of what was counted."""

import csv
import random
from collections import Counter
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.access.decision import Reason
from paywall.access.journey import counting, paying
from paywall.access.journey.models import CarriedTouches
from paywall.access.journey.steps import Seen, Step
from paywall.accounts.models import Reader, StaffRole
from paywall.articles.models import Article
from paywall.db import db
from paywall.membership import plans
from paywall.membership.models import Plan
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from paywall.reports.asked import Asked
from paywall.reports.journey import articles, found, path
from paywall.reports.journey.found import COUNTED, Counts
from tests.articles.files import publish
from tests.moving import MovingClock
from tests.reports.house import check_rows
from tests.staffing import Staff

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TODAY = NOW.date()
FIRST = date(2025, 11, 5)
WORDS = ("open", "patron", "metered", "patrons_only", "sign_in", "higher_plan", "meter_spent", "account")
OFFERED = {"patrons_only", "sign_in", "higher_plan", "meter_spent"}
STRETCHES = [
    (date(2026, 11, 1), TODAY),
    (date(2026, 10, 1), date(2026, 10, 31)),
    (date(2026, 9, 10), date(2026, 11, 3)),
    (date(2026, 10, 5), date(2026, 10, 5)),
    (date(2026, 3, 10), TODAY),
    (date(2026, 2, 1), date(2026, 9, 12)),
    (FIRST, TODAY),
]


class Past:
    """Counts of some months, made at random, and the same written down plainly."""

    def __init__(self, dice: random.Random, sites: dict[str, tuple[str, str]], plan_ids: list[int]) -> None:
        self.sites = sites
        keys, days = (
            list(sites),
            [FIRST + timedelta(days=passed) for passed in range((TODAY - FIRST).days + 1)],
        )
        self.seen = [Seen(dice.choice(days), dice.choice(WORDS), dice.choice(keys)) for _ in range(400)]
        self.paid = [
            (dice.choice(days), dice.choice(plan_ids), dice.choice(["eur", "usd"]), dice.sample(keys, 3))
            for _ in range(30)
        ]

    def write(self) -> None:
        """As the door and the sync do it."""
        for part in (self.seen[::2], self.seen[1::2]):
            counting.add(db.session.connection(), Counter(part))
        for number, (day, plan_id, currency, keys) in enumerate(self.paid):
            reader = Reader(email=f"={number}@example.org")
            db.session.add(reader)
            db.session.flush()
            db.session.add(CarriedTouches(reader_id=reader.id, keys="/".join(keys), at=NOW))
            at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
            paying.first_paid(reader.id, plan_id, Money(100 + number, currency), at)
        db.session.commit()

    def counts(self, since: date, until: date, plan_id: int | None = None) -> dict[str, Counts]:
        """Of each article, one by one."""
        rows: dict[str, Counter[str]] = {key: Counter() for key in self.sites}
        for seen in self.seen:
            if since <= seen.day <= until:
                row = rows[seen.key]
                row["sign_ups" if seen.word == "account" else "visits"] += 1
                row["offers"] += seen.word in OFFERED
                row["meter_spent"] += seen.word == "meter_spent"
        for day, its_plan, _, keys in self.paid:
            if since <= day <= until and plan_id in {None, its_plan}:
                rows[keys[-1]]["last"] += 1
                for key in keys:
                    rows[key]["any"] += 1
        return {key: Counts(**row) for key, row in rows.items() if sum(row.values())}

    def path(self, since: date, until: date) -> dict[str, int]:
        """How often each step was taken."""
        words = [seen.word for seen in self.seen if since <= seen.day <= until]
        return {
            "Visits": sum(word != "account" for word in words),
            "Offers shown": sum(word in OFFERED for word in words),
            "Free reads spent": words.count("meter_spent"),
            "Accounts made": words.count("account"),
            "First payments": sum(since <= day <= until for day, *_ in self.paid),
        }

    def grouped(self, plain: dict[str, Counts], at: int) -> dict[str, Counts]:
        """The same by section (at 0) or author (at 1)."""
        names = {self.sites[key][at] for key in plain}
        return {
            name: summed([counts for key, counts in plain.items() if self.sites[key][at] == name])
            for name in names
        }


def summed(counts: list[Counts]) -> Counts:
    return Counts(*(sum(column) for column in zip(*map(astuple, counts), strict=True)))


@pytest.fixture
def past(app: Flask, context: None, clock: MovingClock) -> Past:
    """Five articles by two authors in two sections, and what was counted of them."""
    clock.set(NOW)
    price = {Interval.MONTH: Money(500, "eur")}
    for slug in ("supporter", "circle"):
        plans.write(PlanText(slug, slug.title(), "", price))
    db.session.flush()
    for number in range(5):
        section, author = ("City", "Culture")[number % 2], ("Ada Writer", "=Bo Writer", "")[number % 3]
        publish(f"story-{number}", section=section, byline=author)
    rows = db.session.scalars(select(Article)).all()
    sites = {str(row.id): (row.section.name, row.byline) for row in rows}
    made = Past(random.Random(7), sites, list(db.session.scalars(select(Plan.id))))
    made.write()
    return made


def test_articles_sections_and_authors_are_a_plain_count(past: Past) -> None:
    for since, until in STRETCHES:
        asked, plain = Asked(since, until), past.counts(since, until)
        for order in COUNTED:
            told = found.found(asked, TODAY, order, 100)
            assert dict(told.articles) == plain
            ranks = [getattr(counts, order) for _, counts in told.articles]
            assert ranks == sorted(ranks, reverse=True)
            for at, grouped in enumerate((told.sections, told.authors)):
                assert dict(grouped) == past.grouped(plain, at)
            assert told.total == summed(list(plain.values()))
            in_order = [key for key, _, _ in found.every(asked, TODAY, order)]
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


def test_a_plan_narrows_the_payments_alone(past: Past) -> None:
    circle = db.session.scalars(select(Plan.id).where(Plan.slug == "circle")).one()
    told = found.found(Asked(FIRST, TODAY, plan="circle"), TODAY, "last", 100)
    assert dict(told.articles) == past.counts(FIRST, TODAY, circle)


def test_a_month_whose_days_are_gone_is_counted_whole(past: Past, clock: MovingClock) -> None:
    clock.set(NOW + timedelta(days=420))
    paying.forget()
    today = TODAY + timedelta(days=420)
    told = found.found(Asked(date(2026, 9, 10), date(2026, 10, 3)), today, "visits", 100)
    plain = past.counts(date(2026, 9, 1), date(2026, 10, 31))
    assert {key: counts.visits for key, counts in told.articles} == {
        key: counts.visits for key, counts in plain.items()
    }


def test_the_path_is_a_plain_count(past: Past) -> None:
    for since, until in STRETCHES:
        asked = Asked(since, until)
        told = path.path(asked)
        plain, before = past.path(since, until), past.path(asked.before.since, asked.before.until)
        figures = {figure.name: figure.now for figure in told.figures}
        assert {name: figures[name] for name in plain} == plain
        assert {one.name: one.before for one in told.figures if one.name in plain} == before
        counted = {one.name: "Times" for one in told.figures if one.name != "First payments"}
        check_rows("path", told, asked, **counted)
        steps, in_time = told.tables
        assert {row[0]: row[1] for row in steps.rows} == figures
        for at, column in enumerate(in_time.columns[1:], start=1):
            assert sum(row[at] for row in in_time.rows) == figures[column.name]  # type: ignore[misc]  # ints


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
    assert sum(int(row["Times"]) for row in days) == sum(seen.word != "account" for seen in past.seen)
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
