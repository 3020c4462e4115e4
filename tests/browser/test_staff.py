"""The staff in Chromium: who helps a patron at the desk, who keeps the books, and every page of the menu."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.reader import Reader

pytestmark = [pytest.mark.browser, pytest.mark.server]

Visit = Callable[[str], Reader]

PATRON = "patron@demo.example"


def test_a_patron_who_was_unhappy_is_helped_at_the_desk(visit: Visit) -> None:
    mila = visit("mila")
    mila.comes_as("membership", "/staff/desk")
    mila.page.get_by_label(re.compile("E-mail, its beginning")).fill("patron@")
    mila.clicks("Find")
    mila.clicks(PATRON)
    mila.looks("desk")
    gives_back(mila, "2.50")
    gives_access(mila)
    mila.page.get_by_role("link", name="Staff", exact=True).last.click()
    expect(mila.page.locator(".timeline")).to_contain_text("The September issue never came.")
    expect(mila.page.locator(".timeline")).to_contain_text("Cannot pay this winter.")
    answer = mila.page.goto("/staff/people")
    assert answer
    assert answer.status == 403


def gives_back(mila: Reader, amount: str) -> None:
    """A part of the last payment, after a page that says what will happen."""
    mila.page.get_by_role("link", name="Give it back").first.click()
    mila.page.get_by_label("How much").fill(amount)
    mila.page.get_by_label("Reason, for the trail").fill("The September issue never came.")
    mila.clicks("Go on")
    mila.sees(re.compile("is this right"))
    mila.looks("desk-refund")
    mila.page.locator("main form button").first.click()
    mila.is_at(re.compile(r"/staff/desk/\d+$"))
    expect(mila.page.locator(".timeline")).to_contain_text(f"€{amount}")


def gives_access(mila: Reader) -> None:
    """For nothing, until a day."""
    mila.page.get_by_role("link", name="Give access").click()
    mila.page.get_by_label("Reads up to and including").fill("2027-03-31")
    mila.page.get_by_label(re.compile("hardship", re.IGNORECASE)).check()
    mila.page.get_by_label("Reason, for the trail").fill("Cannot pay this winter.")
    mila.clicks("Go on")
    mila.sees("Nothing is charged, and it ends by itself.")
    mila.page.locator("main form button").first.click()
    mila.is_at(re.compile(r"/staff/desk/\d+$"))
    mila.sees(re.compile("hardship"))


def test_a_bookkeeper_looks_whether_the_month_ties_out(visit: Visit) -> None:
    boyan = visit("boyan")
    boyan.comes_as("bookkeeper", "/staff/tie-out")
    boyan.clicks("The month after")
    boyan.sees(re.compile("It ties out"))
    boyan.looks("tie-out")
    with boyan.page.expect_download() as begun:
        boyan.clicks("Download (CSV)")
    assert begun.value.suggested_filename.endswith(".csv")
    boyan.opens("/staff/reports/movement")
    boyan.clicks("This month")
    expect(boyan.page.locator("canvas").first).to_be_visible()
    boyan.looks("movement")
    with boyan.page.expect_download() as begun:
        boyan.page.get_by_role("link", name="Download this table (CSV)").first.click()
    rows = begun.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert rows[0].startswith("Month,Currency") or rows[0].startswith("Month,")
    boyan.opens("/staff/desk/1")
    expect(boyan.page.get_by_role("link", name="Give access")).to_have_count(0)


def test_every_page_of_the_menu_can_be_used_by_everyone(visit: Visit) -> None:
    olga = visit("olga")
    olga.comes_as("owner", "/staff")
    for path in pages(olga):
        olga.opens(path)
        assert olga.page.title()
        olga.looks(path.strip("/").replace("/", "-"), quick=True)


# Pages that no menu names: the list or form before each, and what on it leads there ("": itself).
DEEPER = {
    "article-new": ("/staff/articles/new", ""),
    "article": ("/staff/articles", "main table th a"),
    "plan-new": ("/staff/plans/new", ""),
    "plan": ("/staff/plans", "main table th a"),
    "event": ("/staff/inbox", "main table th a"),
    "rows": ("/staff/reports/movement", "main a[href*='/rows']"),
    "reader": (f"/staff/desk?q={PATRON}", ""),
    "as-reader": (f"/staff/desk?q={PATRON}", "main a:text('See their account page')"),
}


def test_pages_behind_the_menu_can_be_used_by_everyone(visit: Visit) -> None:
    olga = visit("olga")
    olga.comes_as("owner", "/staff")
    olga.page.route("**/as", unboxed)
    for name, (path, link) in DEEPER.items():
        olga.opens(path)
        if link:
            olga.page.locator(link).first.click()
            olga.page.wait_for_load_state()
        olga.looks(f"deeper-{name}", quick=True)


def unboxed(route: Route) -> None:
    """The same page without its policy, in whose sandbox no timer ever runs out: axe would wait for ever."""
    answer = route.fetch()
    kept = {name: said for name, said in answer.headers.items() if name != "content-security-policy"}
    route.fulfill(response=answer, headers=kept)


def pages(olga: Reader) -> list[str]:
    """Where the menu leads, group after group."""
    found: list[str] = []
    for group in addresses(olga, "Staff"):
        olga.opens(group)
        found += addresses(olga, "Pages") or [group]
    assert len(found) > 20
    return found


def addresses(olga: Reader, name: str) -> list[str]:
    """The links of one navigation."""
    links = olga.page.get_by_role("navigation", name=name, exact=True).get_by_role("link").all()
    return [str(link.get_attribute("href")) for link in links]
