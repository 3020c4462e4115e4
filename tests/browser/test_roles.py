"""An owner appoints a bookkeeper, who sets up a phone and reads the reports, and is refused elsewhere."""

import re
from collections.abc import Callable

import pytest

from tests.browser.reader import Reader
from tests.staffing import Phone

pytestmark = [pytest.mark.browser, pytest.mark.server]

Visit = Callable[[str], Reader]


def test_an_owner_appoints_a_bookkeeper_who_reads_the_books_and_nothing_else(visit: Visit) -> None:
    owner, books = visit("owner"), visit("books")
    appoints(owner, books.email)
    opens_the_letter_and_sets_up(books)
    books.is_at("/staff")
    books.clicks("Why they leave")
    books.is_at("/staff/reports/leaving")
    books.sees("Download this table (CSV)")
    for path in ("/staff/people", "/staff/desk/1/access", "/staff/plans"):
        answer = books.page.goto(path)
        assert answer
        assert answer.status == 403
    owner.opens("/staff/trail")
    owner.page.get_by_label("About the reader").fill(books.email)
    owner.clicks("Show")
    owner.page.get_by_role("rowheader", name="second factor set up").wait_for()
    owner.looks("trail")


def appoints(owner: Reader, email: str) -> None:
    """With the owner's own phone, which the demo shows."""
    owner.comes_as("owner", "/staff/people")
    owner.looks("people")
    owner.page.get_by_label("E-mail address").fill(email)
    owner.page.get_by_label(re.compile("Bookkeeper")).check()
    owner.page.get_by_label("Why", exact=True).fill("Does the books now")
    owner.clicks("Appoint")
    owner.sees(f"{email} is now bookkeeper.")
    owner.clicks(email)
    owner.looks("person")


def opens_the_letter_and_sets_up(books: Reader) -> None:
    """The link of the letter signs in, and leads nowhere but to the second factor."""
    found = re.search(r"http\S+/sign-in/link/\S+", books.letter())
    assert found
    books.opens(found.group(0))
    books.clicks(re.compile("Sign in to"))
    books.is_at("/account/factor/set-up")
    books.looks("set-up")
    books.opens("/staff/reports/leaving")
    books.is_at(re.compile("/account/factor/set-up"))
    phone = Phone(books.page.locator("code.key").inner_text())
    books.page.get_by_label("The six digits").fill(phone.shows())
    books.clicks("Set up")
    books.looks("recovery-codes")
    books.opens("/staff")
    books.opens("/sign-in/factor")
    books.looks("ask")
    books.opens("/staff")
