"""What every report has: days to ask for, figures with meanings, rows behind, CSV, and who may see it."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from babel.numbers import format_currency, format_decimal, format_percent
from flask.testing import FlaskClient

from paywall.accounts.models import Reader, StaffRole
from paywall.db import db
from paywall.errors import BadInput
from paywall.mail import Letter
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import Change, Interval, Source, Status
from paywall.money import MixedCurrencies, Money
from paywall.reports import page, shown
from paywall.reports.asked import NARROWS, Asked, Preset, preset, read
from paywall.reports.page import Chart, Column, Figure, Kind, Link, Shape, Table
from tests.accounts.browser import sign_up
from tests.shop import Shop
from tests.staffing import Staff

OCTOBER = Asked(date(2026, 10, 1), date(2026, 10, 31))


class TestAsked:
    """Days, months and the time before."""

    @pytest.mark.parametrize(
        ("since", "until", "first", "last"),
        [
            ("2026-10-01", "2026-10-31", "2026-09-01", "2026-09-30"),
            ("2026-03-01", "2026-03-31", "2026-02-01", "2026-02-28"),
            ("2025-11-01", "2026-10-31", "2024-11-01", "2025-10-31"),
            ("2026-10-02", "2026-10-31", "2026-09-02", "2026-10-01"),
            ("2026-11-01", "2026-11-26", "2026-10-01", "2026-10-26"),
            ("2026-03-01", "2026-03-30", "2026-02-01", "2026-02-28"),
            ("2025-12-01", "2026-11-26", "2024-12-01", "2025-11-26"),
            ("2026-11-05", "2026-11-05", "2026-11-04", "2026-11-04"),
        ],
    )
    def test_before_is_as_long(self, since: str, until: str, first: str, last: str) -> None:
        asked = Asked(date.fromisoformat(since), date.fromisoformat(until), "circle", Source.GIFT)
        found = asked.before
        assert (str(found.since), str(found.until)) == (first, last)
        assert (found.plan, found.source) == ("circle", Source.GIFT)

    def test_a_day_begins_where_the_paper_is_made(self) -> None:
        asked = Asked(date(2026, 10, 1), date(2026, 10, 31), zone=ZoneInfo("Europe/Sofia"))
        assert asked.start == datetime(2026, 9, 30, 21, tzinfo=UTC)
        assert asked.end == datetime(2026, 10, 31, 22, tzinfo=UTC)

    def test_months_make_up_the_whole(self) -> None:
        asked = Asked(date(2026, 11, 15), date(2027, 2, 3))
        parts = [(str(one.since), str(one.until)) for one in asked.months()]
        assert parts == [
            ("2026-11-15", "2026-11-30"),
            ("2026-12-01", "2026-12-31"),
            ("2027-01-01", "2027-01-31"),
            ("2027-02-01", "2027-02-03"),
        ]

    @pytest.mark.parametrize(
        ("which", "since", "until"),
        [
            (Preset.THIS_MONTH, "2026-01-01", "2026-01-15"),
            (Preset.LAST_MONTH, "2025-12-01", "2025-12-31"),
            (Preset.YEAR, "2025-02-01", "2026-01-15"),
            (Preset.THIS_YEAR, "2026-01-01", "2026-01-15"),
            (Preset.LAST_YEAR, "2025-01-01", "2025-12-31"),
            (Preset.FIVE_YEARS, "2021-02-01", "2026-01-15"),
        ],
    )
    def test_stretches_by_name(self, which: Preset, since: str, until: str) -> None:
        assert preset(which, date(2026, 1, 15)) == (date.fromisoformat(since), date.fromisoformat(until))

    def test_what_is_left_out_is_as_usual(self) -> None:
        assert read({}, OCTOBER, {"circle"}, NARROWS) == OCTOBER
        said = {"since": "2026-10-05", "until": "", "plan": "circle", "source": "patreon"}
        asked = read(said, OCTOBER, {"circle"}, NARROWS)
        assert asked == Asked(date(2026, 10, 5), date(2026, 10, 31), "circle", Source.PATREON)
        assert asked.query == "since=2026-10-05&until=2026-10-31&plan=circle&source=patreon"

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"since": "yesterday"}, "write it like 2026-10-31"),
            ({"since": "2026-02-30"}, "not a day"),
            ({"since": "0001-01-01"}, "too far away"),
            ({"until": "9999-12-31"}, "too far away"),
            ({"until": "2026-09-30"}, "before the first"),
            ({"plan": "nothing"}, "no plan 'nothing'"),
            ({"source": "cash"}, "choose from stripe, patreon"),
        ],
    )
    def test_what_cannot_be_asked_is_said_in_words(self, said: dict[str, str], words: str) -> None:
        with pytest.raises(BadInput, match=words):
            read(said, OCTOBER, {"circle"}, NARROWS)

    def test_a_report_that_knows_no_plans_says_so(self) -> None:
        with pytest.raises(BadInput, match="not told apart by plan"):
            read({"plan": "circle"}, OCTOBER, {"circle"}, ())


MIXED = (
    Column("Month", Kind.MONTH),
    Column("Patrons", Kind.NUMBER),
    Column("MRR", Kind.MONEY),
    Column("Churn", Kind.SHARE),
    Column("Reader"),
)
ROW: page.Row = (date(2026, 10, 1), 1200, Money(-1250, "eur"), Fraction(1, 8), Link("=ana", "/staff/desk/1"))


class TestShown:
    """One cell, three looks."""

    def test_as_words(self) -> None:
        said = [shown.words(cell, column.kind) for cell, column in zip(ROW, MIXED, strict=True)]
        assert said == ["Oct 2026", "1,200", "-€12.50", "12.5%", "=ana"]
        assert shown.words(None) == "–"

    @pytest.mark.parametrize("number", [0, 1, -1, 999, -1000, 123456, -98765432, 10**12])
    def test_numbers_are_as_babel_writes_them(self, number: int) -> None:
        assert shown.words(number) == format_decimal(number, locale="en")
        share = Fraction(number, 2000)
        assert shown.words(share) == format_percent(float(share), "#,##0.0%", locale="en")
        for currency in ("eur", "usd", "gbp", "jpy", "chf", "kwd", "xxx"):
            money = Money(number, currency)
            in_full = format_currency(money.major(), currency.upper(), locale="en")
            assert shown.words(money, Kind.MONEY) == in_full

    def test_in_a_row_of_a_page(self) -> None:
        long = "No word of this is so long that it may not be broken"
        assert list(shown.cells((*MIXED, Column("Why")), (*ROW, long))) == [
            ("Oct 2026", "", ""),
            ("1,200", "", "num"),
            ("-€12.50", "", "num"),
            ("12.5%", "", "num"),
            ("=ana", "/staff/desk/1", ""),
            (long, "", "long"),
        ]

    def test_as_csv(self) -> None:
        assert shown.header(MIXED) == ["Month", "Patrons", "Currency", "MRR", "Churn", "Reader"]
        (line,) = shown.lines(MIXED, [ROW])
        assert [str(cell) for cell in line] == ["2026-10", "1200", "EUR", "-12.50", "0.125", "=ana"]

    def test_two_currencies_in_one_row_are_a_mistake(self) -> None:
        columns = (Column("A", Kind.MONEY), Column("B", Kind.MONEY))
        with pytest.raises(MixedCurrencies):
            list(shown.lines(columns, [(Money(1, "eur"), Money(1, "usd"))]))

    def test_as_a_chart(self) -> None:
        table = Table("All", "", MIXED, [ROW], Chart(Shape.BARS, ("MRR",)))
        assert shown.chart(table) == {
            "shape": "bars",
            "labels": ["Oct 2026"],
            "series": [{"name": "MRR", "values": [-12.5]}],
            "share": False,
            "currency": "EUR",
        }

    def test_figures_as_csv(self) -> None:
        figures = [
            Figure("Lifetime value in EUR", None, Money(1250, "eur"), "What a patron brings."),
            Figure("Paying in EUR", 1200, 0, "Who pays.", "paying", "eur"),
            Figure("Churn", Fraction(1, 8), None, "Who leaves."),
        ]
        assert [[str(cell) for cell in line] for line in shown.figures(figures)] == [
            ["Lifetime value in EUR", "EUR", "None", "12.50", "What a patron brings."],
            ["Paying in EUR", "EUR", "1200", "0", "Who pays."],
            ["Churn", "", "0.125", "None", "Who leaves."],
        ]

    @pytest.mark.parametrize(
        ("now", "before", "words"),
        [
            (12, 10, "+20%"),
            (Money(500, "eur"), Money(1000, "eur"), "-50%"),
            (Fraction(1, 4), Fraction(1, 8), "+12.5 points"),
            (5, 0, ""),
            (5, 5, ""),
            (Money(5, "eur"), Money(4, "usd"), ""),
            ("never", None, ""),
        ],
    )
    def test_what_has_moved(self, now: page.Cell, before: page.Cell, words: str) -> None:
        assert shown.change(Figure("", now, before, "")) == words


@pytest.fixture
def bookkeeper(shop: Shop, staff: Staff) -> FlaskClient:
    """A browser in which the bookkeeper is signed in."""
    return staff("bookkeeper")


def leave(shop: Shop, email: str, feedback: str | None, at: datetime, before: Status = Status.ACTIVE) -> None:
    """A reader whose membership came to an end."""
    reader = Reader(email=email, confirmed_at=at)
    plan = shop.price().plan_id
    held = Subscription(
        reader=reader, plan_id=plan, source=Source.STRIPE, external_id=f"sub_{email}", status=Status.CANCELED,
        amount=500, currency="eur", interval=Interval.MONTH, monthly=0, started_at=at - timedelta(days=90),
    )  # fmt: skip
    db.session.add_all([reader, held])
    db.session.flush()
    same = {"reader_id": reader.id, "subscription_id": held.id, "plan_id": plan, "source": Source.STRIPE}
    money = {"currency": "eur", "monthly_delta": 0}
    db.session.add(
        MembershipEvent(at=at - timedelta(days=5), change=Change.STARTED, status=before, **same, **money)
    )
    db.session.flush()
    ended = MembershipEvent(
        at=at, change=Change.ENDED, status=Status.CANCELED, feedback=feedback, **same, **money
    )
    db.session.add(ended)
    db.session.commit()


class TestPages:
    """A report over HTTP: why patrons leave."""

    @pytest.fixture
    def left(self, shop: Shop, bookkeeper: FlaskClient) -> FlaskClient:
        """Three who left in October, one in September, one in November."""
        october = datetime(2026, 10, 15, 12, tzinfo=UTC)
        leave(shop, "a@example.org", "too_expensive", october)
        leave(shop, "b@example.org", None, october, before=Status.PAST_DUE)
        leave(shop, "=c@example.org", "a_new_word", october)
        leave(shop, "d@example.org", "unused", october - timedelta(days=30))
        leave(shop, "e@example.org", "unused", october + timedelta(days=30))
        return bookkeeper

    ASKED = "since=2026-10-01&until=2026-10-31"

    def test_figures_have_their_meaning_and_the_period_before(self, left: FlaskClient) -> None:
        text = left.get(f"/staff/reports/leaving?{self.ASKED}").text
        assert "1 Oct 2026 to 31 Oct 2026" in text
        assert "“Before” is 1 Sep 2026 to 30 Sep 2026" in text
        figures = re.sub(r"<[^>]+>|\s+", " ", text.split("<dl")[1].split("</dl>")[0])
        assert re.search(r"Left +3 +Before: 1 +\+200% +Memberships that readers pay for", figures)
        assert re.search(r"Gave a reason +2 +Before: 1", figures)
        assert re.search(r"Never paid +1 +Before: 0", figures)
        assert "A new word" in text

    def test_each_table_is_a_file_too(self, left: FlaskClient) -> None:
        answer = left.get(f"/staff/reports/leaving/reasons.csv?{self.ASKED}")
        assert answer.mimetype == "text/csv"
        assert "leaving-reasons-2026-10-01-2026-10-31.csv" in answer.headers["Content-Disposition"]
        rows = {row["Reason"]: row for row in read_csv(answer.get_data())}
        assert rows["Too expensive"]["Left"] == "1"
        assert rows["Too expensive"]["Share"] == "0.333333"
        assert rows["Does not use it enough"]["Before"] == "1"
        assert left.get(f"/staff/reports/leaving/nothing.csv?{self.ASKED}").status_code == 404

    def test_the_rows_behind_a_figure_are_a_page_and_a_file(self, left: FlaskClient) -> None:
        text = left.get(f"/staff/reports/leaving/rows/left?{self.ASKED}").text
        assert "Rows 1 to 3." in text
        assert "d@example.org" not in text
        answer = left.get(f"/staff/reports/leaving/rows/left.csv?{self.ASKED}")
        rows = read_csv(answer.get_data())
        assert [(row["Day"], row["Reader"], row["Reason"]) for row in rows] == [
            ("2026-10-15", "a@example.org", "Too expensive"),
            ("2026-10-15", "b@example.org", "Never paid a bill that had failed"),
            ("2026-10-15", "'=c@example.org", "A new word"),
        ]
        for path in ("rows/nothing", "rows/nothing.csv", "rows/left?page=0", "rows/left?page=101"):
            assert left.get(f"/staff/reports/leaving/{path}").status_code == 404

    def test_the_figures_are_a_file_too(self, left: FlaskClient) -> None:
        page_of_it = left.get(f"/staff/reports/leaving?{self.ASKED}").text
        assert f"/staff/reports/leaving/figures.csv?{self.ASKED}".replace("&", "&amp;") in page_of_it
        answer = left.get(f"/staff/reports/leaving/figures.csv?{self.ASKED}")
        assert "leaving-figures-2026-10-01-2026-10-31.csv" in answer.headers["Content-Disposition"]
        rows = {row["Figure"]: row for row in read_csv(answer.get_data())}
        assert (rows["Left"]["Now"], rows["Left"]["Before"], rows["Left"]["Currency"]) == ("3", "1", "")
        assert rows["Left"]["Meaning"].startswith("Memberships that readers pay for")
        assert left.get("/staff/reports/leaving/figures.csv?plan=none").status_code == 400

    def test_rows_can_be_asked_for_in_one_currency(self, left: FlaskClient, shop: Shop) -> None:
        shop.join()
        path = "/staff/reports/movement/rows/new.csv"
        for currency, count in (("eur", 1), ("usd", 0)):
            answer = left.get(f"{path}?currency={currency}")
            assert len(read_csv(answer.get_data())) == count
            assert f"movement-new-{currency}-" in answer.headers["Content-Disposition"]
            text = left.get(f"/staff/reports/movement/rows/new?currency={currency}").text
            assert f", {currency.upper()} only." in text
            assert f"new.csv?since=2025-12-01&amp;until=2026-11-26&amp;currency={currency}" in text
        paying = left.get("/staff/reports/patrons/rows/paying.csv?currency=eur")
        assert [row["MRR"] for row in read_csv(paying.get_data())] == ["5.00"]
        assert left.get(f"{path}?currency=gold").status_code == 400

    def test_many_rows_come_page_by_page(self, left: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("paywall.reports.listed.ON_A_PAGE", 2)
        first = left.get(f"/staff/reports/leaving/rows/left?{self.ASKED}").text
        assert "Rows 1 to 2." in first
        assert "page=2" in first
        second = left.get(f"/staff/reports/leaving/rows/left?{self.ASKED}&page=2").text
        assert "Rows 3 to 3." in second
        assert "page=3" not in second

    @pytest.mark.parametrize("query", ["since=soon", "source=cash", "until=1999-01-01", "plan=none"])
    def test_what_cannot_be_asked_is_said_on_the_page(self, bookkeeper: FlaskClient, query: str) -> None:
        answer = bookkeeper.get(f"/staff/reports/leaving?{query}")
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
        assert bookkeeper.get(f"/staff/reports/leaving/reasons.csv?{query}").status_code == 400

    def test_by_plan_and_source(self, left: FlaskClient) -> None:
        none = left.get(f"/staff/reports/leaving/reasons.csv?{self.ASKED}&plan=circle")
        assert read_csv(none.get_data()) == []
        patreon = left.get(f"/staff/reports/leaving/reasons.csv?{self.ASKED}&source=patreon")
        assert read_csv(patreon.get_data()) == []
        all_of_it = left.get(f"/staff/reports/leaving/reasons.csv?{self.ASKED}&plan=supporter&source=stripe")
        assert len(read_csv(all_of_it.get_data())) == 4

    def test_every_report_opens_with_nothing_in_it(self, bookkeeper: FlaskClient) -> None:
        for one in page.all_of_them():
            if StaffRole.BOOKKEEPER not in one.roles:
                continue
            text = bookkeeper.get(one.path).text
            assert f'href="{one.path}" aria-current="page"' in text, "it is in the staff's menu"
            assert f"<h1>{one.title}" in text
            for name in re.findall(rf'href="({one.path}/[a-z-]+\.csv\?[^"]+)"', text):
                assert bookkeeper.get(name.replace("&amp;", "&")).status_code == 200
            for which in one.lists:
                assert bookkeeper.get(f"{one.path}/rows/{which}").status_code == 200
                assert bookkeeper.get(f"{one.path}/rows/{which}.csv").status_code == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_else_sees_a_report(
    client: FlaskClient, letters: Callable[[], list[Letter]], staff: Staff
) -> None:
    paths = [f"/staff/reports/leaving{rest}" for rest in ("", "/reasons.csv", "/rows/left", "/rows/left.csv")]
    assert [client.get(path).status_code for path in paths] == [302] * len(paths)
    sign_up(client, letters, "boris@example.org")
    for browser in (client, staff("editor")):
        assert [browser.get(path).status_code for path in paths] == [403] * len(paths)


def read_csv(body: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of its columns."""
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
