"""The membership report: figures, the list behind them, and who may see it."""

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from paywall.billing import customers
from paywall.billing.gateway import gateway
from paywall.mail import Letter
from paywall.reports.export import cell
from tests.accounts.browser import sign_up
from tests.shop import Shop
from tests.staffing import Staff


@pytest.fixture
def bookkeeper(shop: Shop, staff: Staff) -> FlaskClient:
    """A browser in which the bookkeeper is signed in."""
    return staff("bookkeeper")


def test_an_empty_newsroom_has_a_report_too(bookkeeper: FlaskClient) -> None:
    text = bookkeeper.get("/staff").text
    assert re.search("<b><a[^>]+>0</a></b> <span>active patrons</span>", text)
    assert "a month (MRR)" in text


def test_the_figures_come_from_the_ledger(shop: Shop, bookkeeper: FlaskClient) -> None:
    shop.join()
    text = bookkeeper.get("/staff").text
    assert large(text) == {
        "active patrons": ("1", "0"),
        "new this month": ("1", "0"),
        "ended this month": ("0", "0"),
        "a month (MRR, EUR)": ("€5", "€0"),
    }


def test_each_figure_of_the_first_page_leads_to_its_rows(shop: Shop, bookkeeper: FlaskClient) -> None:
    shop.join()
    text = bookkeeper.get("/staff").text
    named = re.findall(r'<th scope="row">([^<]+)</th><td class="num"><a href="([^"]+)">', text)
    rows = {name: said(bookkeeper.get(path.replace("&amp;", "&")).text) for name, path in named}
    assert rows == {
        "Active patrons": ["ana@example.org"],
        "of these in trial": [],
        "of these with a failed payment": [],
        "New this month": ["ana@example.org"],
        "Ended this month": [],
        "MRR in EUR": ["ana@example.org"],
    }


def large(text: str) -> dict[str, tuple[str, str]]:
    """The large numbers by what is said below them, each with the one before."""
    number = r"<b><a[^>]+>([^<]+)</a></b> <span>([^<]+)</span> <small>before: ([^<]+)</small>"
    return {name: (now, before) for now, name, before in re.findall(number, text)}


def said(text: str) -> list[str]:
    """The addresses that a page has in its table."""
    return re.findall(r"\w+@example.org", text.partition("<tbody>")[2])


def test_staff_see_when_access_ends(bookkeeper: FlaskClient) -> None:
    text = bookkeeper.get("/staff/policy").text
    assert "7 days from then on" in text
    assert "The bank has taken a payment back" in text


def test_who_pays_twice_is_shown_until_it_is_put_right(shop: Shop, bookkeeper: FlaskClient) -> None:
    first = shop.join()
    assert "Paying twice" not in bookkeeper.get("/staff").text
    api = gateway().client.v1.subscriptions
    bought = api.retrieve(first.external_id)
    second = api.create(
        {"customer": str(bought.customer), "items": [{"price": bought.items.data[0].price.id}]}
    )
    customers.sync_reader(shop.reader.id)
    text = bookkeeper.get("/staff").text
    assert "Paying twice" in text
    assert text.count("ana@example.org") == 2
    assert first.external_id in text
    assert second.id in text
    assert "paywall_patrons_paying_twice 1.0" in bookkeeper.get("/metrics").text
    api.cancel(second.id)
    customers.sync_reader(shop.reader.id)
    assert "Paying twice" not in bookkeeper.get("/staff").text


def test_the_list_opens_in_a_spreadsheet(shop: Shop, bookkeeper: FlaskClient) -> None:
    shop.join()
    answer = bookkeeper.get("/staff/patrons.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment; filename=patrons-" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [(row["e-mail"], row["plan"], row["price"], row["monthly"], row["currency"]) for row in rows] == [
        ("ana@example.org", "Supporter", "5.00", "5.00", "EUR")
    ]


@pytest.mark.parametrize("path", ["/staff", "/staff/patrons.csv"])
def test_a_reader_does_not_see_it(
    shop: Shop, client: FlaskClient, letters: Callable[[], list[Letter]], path: str
) -> None:
    shop.join()
    assert client.get(path).status_code == 302
    sign_up(client, letters, "boris@example.org")
    answer = client.get(path)
    assert answer.status_code == 403
    assert "ana@example.org" not in answer.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-5", "'-5"),
        ("@home", "'@home"),
        ("\tx", "'\tx"),
        ("\r=x", "'\r=x"),
        ("\n=x", "'\n=x"),
        ("plain", "plain"),
        (-5, "-5"),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula(value: object, text: str) -> None:
    assert cell(value) == text
