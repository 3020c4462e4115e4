"""`flask paywall institution ...`: written down, changed, ended, reported; and no two have the same."""

import csv
import io
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from paywall.access.institutions import keeping, reading
from paywall.access.institutions.keeping import Term
from paywall.access.institutions.models import Institution, InstitutionRange, InstitutionUse, Way
from paywall.db import db
from paywall.errors import Conflict
from paywall.membership import plans
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from tests.articles.files import publish
from tests.moving import MovingClock
from tests.test_cli import fails, run, shell

__all__ = ["shell"]  # a fixture

# 14:00 in Sofia.
NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
LIBRARY = ("institution", "add", "library", "--name", "City Library", "--until", "2027-12-31")


@pytest.fixture(autouse=True)
def _noon(clock: MovingClock) -> None:
    clock.set(NOON)


def one(slug: str = "library") -> Institution:
    return db.session.scalars(
        select(Institution).where(Institution.slug == slug).execution_options(populate_existing=True)
    ).one()


def test_its_days_are_the_papers_own(shell: FlaskCliRunner, context: None) -> None:
    said = run(shell, *LIBRARY, "--from", "2027-01-01")
    assert (
        "library             reads    2027-01-01 to 2027-12-31  City Library (articles for patrons)" in said
    )
    assert "Now say who belongs to it" in said
    assert one().starts_at == datetime(2026, 12, 31, 22, tzinfo=UTC)
    assert one().ends_at == datetime(2027, 12, 31, 22, tzinfo=UTC)
    assert "already" in fails(shell, *LIBRARY)


def test_without_a_first_day_it_begins_today(shell: FlaskCliRunner, context: None) -> None:
    run(shell, *LIBRARY)
    assert one().starts_at == datetime(2027, 1, 14, 22, tzinfo=UTC)


def test_what_is_not_given_stays(shell: FlaskCliRunner, context: None) -> None:
    plans.write(PlanText("circle", "Circle", "", {Interval.MONTH: Money(500, "eur")}), "For the test")
    db.session.commit()
    run(shell, *LIBRARY, "--plan", "circle")
    assert "2027-01-15 to 2028-12-31  City Library (plan circle)" in run(
        shell, "institution", "change", "library", "--until", "2028-12-31"
    )
    assert "2027-02-01 to 2028-12-31  Library (articles for patrons)" in run(
        shell, "institution", "change", "library", "--name", "Library", "--from", "2027-02-01", "--plan", ""
    )
    assert "no plan gold" in fails(shell, "institution", "change", "library", "--plan", "gold")
    assert "before the first" in fails(shell, "institution", "change", "library", "--until", "2027-01-31")
    assert "no institution nobody" in fails(shell, "institution", "change", "nobody", "--name", "x")


def test_an_end_before_its_beginning_is_refused(shell: FlaskCliRunner) -> None:
    assert "before the first" in fails(shell, *LIBRARY, "--from", "2028-01-01")
    assert "does not match" in fails(shell, *LIBRARY[:-1], "31.12.2027")


def test_it_ends_now_or_after_a_day_and_never_later_than_before(shell: FlaskCliRunner, context: None) -> None:
    run(shell, *LIBRARY)
    assert "to 2027-06-30" in run(shell, "institution", "end", "library", "--on", "2027-06-30")
    assert "to 2027-06-30" in run(shell, "institution", "end", "library", "--on", "2027-11-30")
    assert "ended" in run(shell, "institution", "end", "library")
    assert one().ends_at == NOON
    assert run(shell, "institution", "list") == "There are no institutions.\n"
    assert "City Library" in run(shell, "institution", "list", "--ended")


def test_one_that_has_not_begun_can_be_ended(shell: FlaskCliRunner, context: None) -> None:
    assert "to come" in run(shell, *LIBRARY, "--from", "2027-03-01")
    assert "ended" in run(shell, "institution", "end", "library")
    assert one().starts_at == one().ends_at == NOON


def test_domains_come_and_go(shell: FlaskCliRunner) -> None:
    assert "Nobody belongs" in run(shell, *LIBRARY) + run(shell, "institution", "show", "library")
    run(shell, "institution", "domain", "library", "@Lib.Example.org", "bücher.example.org")
    said = run(shell, "institution", "domain", "library", "lib.example.org", "--subdomains")
    assert "  domain  lib.example.org and below\n" in said
    assert "  domain  xn--bcher-kva.example.org\n" in said
    said = run(shell, "institution", "domain", "library", "lib.example.org", "--remove")
    assert "lib.example.org" not in said
    assert "has no domain" in fails(shell, "institution", "domain", "library", "lib.example.org", "--remove")


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        ("gmail.com", "open the paper to everybody"),
        ("Yahoo.Co.UK", "open the paper to everybody"),
        ("ac.uk", "no institution's domain"),
        ("localhost", "is no domain"),
        ("a b", "is no domain"),
        ("ana@uni.example.org", "is no domain"),
    ],
)
def test_a_domain_that_cannot_be_is_refused_and_nothing_is_written(
    shell: FlaskCliRunner, domain: str, why: str
) -> None:
    run(shell, *LIBRARY)
    assert why in fails(shell, "institution", "domain", "library", "good.example.org", domain)
    assert "good.example.org" not in run(shell, "institution", "show", "library")


def test_ranges_come_and_go(shell: FlaskCliRunner, context: None) -> None:
    run(shell, *LIBRARY)
    run(shell, "institution", "range", "library", "192.0.2.0/24", "2001:db8::/48", "192.0.2.7")
    said = run(shell, "institution", "show", "library")
    assert [line for line in said.splitlines() if "range" in line] == [
        "  range   192.0.2.0/24",
        "  range   2001:db8::/48",
    ]
    assert "has no range" in fails(shell, "institution", "range", "library", "192.0.2.0/25", "--remove")
    run(shell, "institution", "range", "library", "192.0.2.0-192.0.2.255", "--remove")
    assert [str(row.range) for row in db.session.scalars(select(InstitutionRange))] == ["2001:db8::/48"]


def test_private_ranges_are_refused_unless_told(shell: FlaskCliRunner) -> None:
    run(shell, *LIBRARY)
    assert "10.0.0.0/24 is private" in fails(shell, "institution", "range", "library", "10.0.0.0/24")
    assert "10.0.0.0/24" in run(shell, "institution", "range", "library", "10.0.0.0/24", "--private")


def test_two_institutions_have_no_range_or_domain_in_common(shell: FlaskCliRunner) -> None:
    run(shell, *LIBRARY)
    run(shell, "institution", "range", "library", "192.0.2.128-192.0.2.200", "2001:db8::/48")
    run(shell, "institution", "domain", "library", "lib.example.org")
    run(shell, "institution", "add", "uni", "--name", "University", "--until", "2027-06-30")
    said = fails(shell, "institution", "range", "uni", "192.0.2.0/24")
    assert "192.0.2.0/24 overlaps 192.0.2.128-192.0.2.200 of City Library (library)." in said
    assert "overlaps" in fails(shell, "institution", "range", "uni", "2001:db8:0:1::7")
    assert "belongs to City Library" in fails(shell, "institution", "domain", "uni", "LIB.example.org")
    run(shell, "institution", "range", "uni", "192.0.2.0/25", "192.0.2.201", "2001:db8:1::/48")
    run(shell, "institution", "domain", "uni", "west.lib.example.org")


def test_one_follows_another_on_the_same_network(shell: FlaskCliRunner) -> None:
    run(shell, *LIBRARY)
    run(shell, "institution", "range", "library", "192.0.2.0/24")
    run(shell, "institution", "domain", "library", "lib.example.org")
    then = ("--from", "2028-01-01", "--until", "2028-12-31")
    run(shell, "institution", "add", "next", "--name", "Next", *then)
    run(shell, "institution", "range", "next", "192.0.2.0/24")
    run(shell, "institution", "domain", "next", "lib.example.org")
    assert "overlaps" in fails(shell, "institution", "change", "library", "--until", "2028-01-01")
    run(shell, "institution", "range", "library", "192.0.2.0/24", "--remove")
    assert "belongs to" in fails(shell, "institution", "change", "library", "--until", "2028-01-01")


def test_of_two_who_write_the_same_range_at_the_same_instant_one_has_it(app: Flask, context: None) -> None:
    term = Term(NOON, NOON + timedelta(days=1))
    slugs = ["a", "b", "c", "d"]
    for slug in slugs:
        keeping.add(slug, slug, term, None)
    db.session.commit()
    start, refused = threading.Barrier(len(slugs)), []

    def add(slug: str) -> None:
        with app.app_context():
            start.wait(10)
            try:
                keeping.add_ranges(slug, ["192.0.2.0/24"])
                db.session.commit()
            except Conflict:
                db.session.rollback()
                refused.append(slug)

    threads = [threading.Thread(target=add, args=(slug,)) for slug in slugs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    assert len(db.session.scalars(select(InstitutionRange)).all()) == 1


def test_there_are_not_more_than_the_door_can_hold(
    shell: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reading.MOST >= 1000
    monkeypatch.setattr(keeping, "MOST", 2)
    run(shell, *LIBRARY)
    run(shell, "institution", "range", "library", "192.0.2.1", "192.0.2.3")
    assert "There are 2 already" in fails(shell, "institution", "range", "library", "192.0.2.5")


@pytest.fixture
def read(shell: FlaskCliRunner, context: None) -> None:
    """Articles that were read through the library in December and January."""
    run(shell, *LIBRARY, "--from", "2026-12-01")
    publish("the-house")
    publish("=the-tram", title="=1+1")
    january, december = date(2027, 1, 2), date(2026, 12, 31)
    for day, way, key, reads in (
        (december, Way.RANGE, "1", 7),
        (january, Way.RANGE, "1", 3),
        (january, Way.DOMAIN, "2", 4),
        (date(2027, 1, 15), Way.RANGE, "2", 2),
        (date(2027, 1, 15), Way.RANGE, "99", 1),
    ):
        db.session.add(InstitutionUse(institution_id=one().id, day=day, way=way, key=key, reads=reads))
    db.session.commit()


def test_the_report_tells_days_ways_and_articles(shell: FlaskCliRunner, read: None) -> None:
    lines = run(shell, "institution", "report", "library").splitlines()
    assert lines[0] == "City Library, 2027-01-01 to 2027-01-15: 10 articles read."
    assert [line.split() for line in lines[3:5]] == [["2027-01-02", "4", "3"], ["2027-01-15", "0", "3"]]
    assert lines[6:] == [
        "Most read:",
        "     6  =the-tram: =1+1",
        "     3  the-house: Title of the-house",
        "     1  99: no longer there",
    ]


def test_the_report_of_other_days_and_of_none(shell: FlaskCliRunner, read: None) -> None:
    december = ("--from", "2026-12-01", "--until", "2026-12-31")
    assert ": 7 articles read." in run(shell, "institution", "report", "library", *december)
    assert run(shell, "institution", "report", "library", "--until", "2026-11-30") == (
        "City Library, 2026-11-01 to 2026-11-30: 0 articles read.\n"
    )
    assert "before the first" in fails(shell, "institution", "report", "library", "--from", "2027-02-01")
    assert "no institution uni" in fails(shell, "institution", "report", "uni")


def test_the_report_for_a_spreadsheet_has_each_article_and_no_formula(
    shell: FlaskCliRunner, read: None
) -> None:
    said = run(shell, "institution", "report", "library", "--csv")
    rows = list(csv.reader(io.StringIO(said.removeprefix("\ufeff"))))
    assert rows[0] == ["institution", "day", "way", "article", "title", "reads"]
    assert rows[1] == ["library", "2027-01-02", "domain", "'=the-tram", "'=1+1", "4"]
    assert rows[-1] == ["library", "2027-01-15", "range", "99", "", "1"]
    assert len(rows) == 5
