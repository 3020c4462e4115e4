"""The tie-out page: whatever happens at Stripe, its sums are the stand-in's own; differences are named."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from paywall import clock
from paywall.billing.cashbook import months
from paywall.billing.cashbook.facts import Entries
from paywall.billing.cashbook.keeping import keep
from paywall.billing.cashbook.models import (
    BalanceTransaction,
    CashWalk,
    Dispute,
    Invoice,
    InvoiceLine,
    Payment,
    Payout,
    Refund,
)
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.office.money import at_stripe
from paywall.office.money.behind import TITLES
from paywall.sandbox import Sandbox
from tests.billing.cashbook.lives import Step, all_of, apart, balance_of, own_sums
from tests.billing.cashbook.test_sums import STEP, USUAL
from tests.shop import SITE
from tests.staffing import Staff

TABLES = (Invoice, InvoiceLine, Payment, Refund, Dispute, BalanceTransaction, Payout, CashWalk)
NAMES = {
    "Paid on invoices": "invoices",
    "Paid without an invoice": "payments",
    "Given back": "refund",
    "Disputed": "dispute",
    "Stripe’s fees": "fees",
    "Net, as the balance has it": "net",
    "Paid out": "payout",
}
SUMS = {"refund": "refunds", "dispute": "disputes", "payout": "payouts"}
Own = dict[tuple[str, str], dict[str, int]]


@pytest.fixture
def bookkeeper(context: None, staff: Staff) -> FlaskClient:
    """A bookkeeper at their browser."""
    return staff("bookkeeper")


def lived(steps: list[Step]) -> tuple[Entries, Own, dict[str, int], list[tuple[str, str, int]]]:
    """What our gateway reads of some lives; and the stand-in's own sums, balance and payouts."""
    db.session.rollback()
    with TemporaryDirectory() as folder:
        gateway, lives = apart(Sandbox(Path(folder) / "stripe.db", public_url=SITE, seed=1))
        lives.play(steps)
        payouts = [(one.id, one.currency, one.amount) for one in lives.v1.payouts.list({"limit": 100}).data]
        return all_of(gateway, lives.v1), own_sums(lives.v1), balance_of(lives.v1), payouts


def write(books: Entries) -> None:
    """Let our tables have these books and no others, read to their end."""
    for table in TABLES:
        db.session.execute(delete(table))
    keep(books, 1, readers={})
    last = max(one.made_at for one in books.transactions) if books.transactions else clock.now()
    until = months.following(months.month(f"{last:%Y-%m}"))
    db.session.add(CashWalk(mode=Mode.SANDBOX, part="lines", seen_until=max(until, clock.now())))
    db.session.commit()


def shown(bookkeeper: FlaskClient, name: str) -> list[dict[str, str]]:
    """The page's own file for a month."""
    answer = bookkeeper.get(f"/staff/tie-out.csv?month={name}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def cents(rows: list[dict[str, str]], line: str) -> int:
    """An amount of the file, in minor units of euros."""
    return sum(round(float(row["amount"]) * 100) for row in rows if row["line"] == line)


def behind(bookkeeper: FlaskClient, which: str, name: str) -> int:
    """What the rows behind a sum in euros come to, in minor units."""
    return added(bookkeeper, f"/staff/tie-out/rows/{which}.csv?month={name}&currency=eur")


def added(bookkeeper: FlaskClient, path: str) -> int:
    """What counts in a file, added up, in minor units."""
    answer = bookkeeper.get(path)
    assert answer.status_code == 200
    rows = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    return sum(round(float(row["Counts as"]) * 100) for row in rows)


def months_of(own: Own) -> Iterator[str]:
    """Each month from the first to the last."""
    names = sorted(month for month, _ in own)
    start = months.month(names[0]) if names else None
    while start and f"{start:%Y-%m}" <= names[-1]:
        yield f"{start:%Y-%m}"
        start = months.following(start)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=4, max_size=12))
def test_each_sum_is_that_of_the_stand_ins_own_lines(bookkeeper: FlaskClient, steps: list[Step]) -> None:
    books, own, balance, payouts = lived(steps)
    write(books)
    held, sent = 0, []
    for name in months_of(own):
        rows, theirs = shown(bookkeeper, name), own[name, "eur"]
        got = {key: cents(rows, line) for line, key in NAMES.items()}
        assert {key: behind(bookkeeper, SUMS.get(key, key), name) for key in got} == got
        got["charge"] = got.pop("invoices") + got.pop("payments")
        assert got == {key: theirs.get(key, 0) for key in got}
        assert cents(rows, "Held by Stripe before") == held
        held += theirs.get("net", 0) + theirs.get("payout", 0)
        assert cents(rows, "Held by Stripe after") == held
        assert [row for row in rows if row["line"].startswith("Difference")] == []
        sent += [row["object"] for row in rows if row["line"].startswith("Payout")]
        assert "It ties out" in bookkeeper.get(f"/staff/tie-out?month={name}").text
    assert held == balance.get("eur", 0)
    assert sorted(sent) == sorted(stripe_id for stripe_id, _, _ in payouts)


class TestPage:
    """What a bookkeeper sees."""

    @pytest.fixture
    def month(self, bookkeeper: FlaskClient) -> str:
        """The month of some lives that are in our books."""
        books = lived(USUAL)[0]
        write(books)
        return f"{min(one.made_at for one in books.transactions):%Y-%m}"

    def test_a_month_in_which_all_that_came_back_was_sent_again_names_both(
        self, bookkeeper: FlaskClient
    ) -> None:
        books, _, _, payouts = lived([("join", 1), ("month", 0), ("send_back", 0), ("month", 0)])
        write(books)
        names = sorted({f"{one.made_at:%Y-%m}" for one in books.payouts})
        rows = [row for name in names for row in shown(bookkeeper, name)]
        sent = {row["object"]: row["amount"] for row in rows if row["line"].startswith("Payout")}
        assert sent == {stripe_id: f"{amount / 100:.2f}" for stripe_id, _, amount in payouts}

    def test_a_payout_leads_to_the_lines_that_it_is_made_of(self, bookkeeper: FlaskClient) -> None:
        books = lived([("join", 1), ("join", 0), ("month", 0)])[0]
        write(books)
        sent = [one for one in books.payouts if one.is_automatic]
        assert sent
        for one in sent:
            path = f"/staff/tie-out/payouts/{one.stripe_id}"
            assert f'"{path}"' in bookkeeper.get(f"/staff/tie-out?month={one.made_at:%Y-%m}").text
            assert added(bookkeeper, f"{path}.csv") == one.amount
            listed = bookkeeper.get(path).text
            parts = [each for each in books.transactions if each.payout == one.stripe_id]
            assert all(each.stripe_id in listed for each in parts if each.source != one.stripe_id)
        assert bookkeeper.get("/staff/tie-out/payouts/po_none").status_code == 404

    def test_a_difference_names_its_objects(self, bookkeeper: FlaskClient, month: str) -> None:
        assert "What differs" not in bookkeeper.get(f"/staff/tie-out?month={month}").text
        paid = db.session.scalars(select(Payment).where(Payment.invoice.is_not(None))).first()
        assert paid is not None
        ids = (paid.stripe_id, paid.transaction or "", paid.invoice or "")
        db.session.execute(update(Payment).where(Payment.id == paid.id).values(amount=Payment.amount + 1))
        db.session.commit()
        text = bookkeeper.get(f"/staff/tie-out?month={month}").text
        assert "It does not tie out" in text
        for stripe_id in ids:
            assert f"<code>{stripe_id}</code>" in text
        named = {row["object"]: row for row in shown(bookkeeper, month) if "Difference" in row["line"]}
        assert named[ids[0]]["amount"] == "-0.01"
        assert named[ids[0]]["held against"] == ids[1]
        assert named[ids[2]]["amount"] == "0.01"
        assert named[ids[2]]["held against"] == ids[0]

    def test_each_figure_leads_to_its_lines_with_their_things(
        self, bookkeeper: FlaskClient, month: str
    ) -> None:
        text = bookkeeper.get(f"/staff/tie-out?month={month}").text
        lists = dict(re.findall(r'<a href="(/staff/tie-out/rows/(\w+)\?[^"]+)">[^<]+</a>', text))
        assert sorted(lists.values()) == sorted(TITLES)
        (path,) = (path for path, which in lists.items() if which == "invoices")
        listed = re.sub(r"<[^>]+>", " ", bookkeeper.get(path.replace("&amp;", "&")).text)
        assert "Paid on invoices" in listed
        of_it = Payment.invoice.is_not(None), Payment.made_at < months.following(months.month(month))
        for paid in db.session.scalars(select(Payment).where(*of_it)):
            bill = db.session.scalars(select(Invoice).filter_by(stripe_id=paid.invoice)).one()
            for said in (paid.stripe_id, paid.transaction or "", bill.number or bill.stripe_id):
                assert said in listed

    def test_what_was_given_back_is_listed_with_what_it_is_of(
        self, bookkeeper: FlaskClient, month: str
    ) -> None:
        refund = db.session.scalars(select(Refund)).one()
        path = f"/staff/tie-out/rows/refunds?month={refund.made_at:%Y-%m}&currency=eur"
        listed = bookkeeper.get(path).text
        for said in ("Given back", refund.stripe_id, refund.transaction or "", "Rows 1 to 1."):
            assert said in listed

    def test_a_list_names_what_differs_and_still_comes_to_the_figure(
        self, bookkeeper: FlaskClient, month: str
    ) -> None:
        paid = db.session.scalars(select(Payment).where(Payment.invoice.is_not(None))).first()
        assert paid is not None
        db.session.execute(update(Payment).where(Payment.id == paid.id).values(amount=Payment.amount + 1))
        db.session.commit()
        figure = cents(shown(bookkeeper, month), "Paid on invoices")
        assert behind(bookkeeper, "invoices", month) == figure
        listed = bookkeeper.get(f"/staff/tie-out/rows/difference?month={month}&currency=eur").text
        assert paid.stripe_id in listed
        assert "its lines say otherwise" in listed

    def test_what_cannot_be_asked_has_no_rows(self, bookkeeper: FlaskClient, month: str) -> None:
        for rest in ("", ".csv"):
            path = f"/staff/tie-out/rows/fees{rest}"
            assert bookkeeper.get(f"{path}?month={month}&currency=gold").status_code == 400
            assert bookkeeper.get(f"{path}?month=2026-13&currency=eur").status_code == 400
            assert bookkeeper.get(f"/staff/tie-out/rows/all{rest}?currency=eur").status_code == 404

    def test_what_was_not_read_is_not_said_to_tie_out(self, bookkeeper: FlaskClient, month: str) -> None:
        earlier = months.month(month)
        db.session.execute(update(CashWalk).values(seen_until=earlier))
        db.session.commit()
        clock.use(lambda: months.following(months.following(earlier)))
        text = bookkeeper.get(f"/staff/tie-out?month={month}").text
        assert "was read up to" in text
        assert "It ties out" not in text

    def test_a_month_that_is_none(self, bookkeeper: FlaskClient) -> None:
        answer = bookkeeper.get("/staff/tie-out?month=October")
        assert answer.status_code == 400
        assert "write it like 2026-10" in answer.text
        assert bookkeeper.get("/staff/tie-out.csv?month=2026-13").status_code == 400
        assert "No money moved" in bookkeeper.get("/staff/tie-out?month=2020-01").text

    @pytest.mark.parametrize("role", ["editor", "membership"])
    def test_it_is_for_the_owner_and_the_bookkeeper(self, staff: Staff, role: str) -> None:
        rows = "/staff/tie-out/rows/fees"
        sent = "/staff/tie-out/payouts/po_1"
        for path in ("/staff/tie-out", "/staff/tie-out.csv", rows, f"{rows}.csv", sent, f"{sent}.csv"):
            assert staff(role).get(path).status_code == 403


@pytest.mark.parametrize(
    ("stripe_id", "mode", "url"),
    [
        ("in_1", Mode.LIVE, "https://dashboard.stripe.com/invoices/in_1"),
        ("ch_1", Mode.TEST, "https://dashboard.stripe.com/test/payments/ch_1"),
        ("txn_1", Mode.LIVE, "https://dashboard.stripe.com/search?query=txn_1"),
        ("po_1", Mode.SANDBOX, None),
    ],
)
def test_things_are_found_at_stripe(stripe_id: str, mode: Mode, url: str | None) -> None:
    assert at_stripe.address(stripe_id, mode) == url
