"""Groups in Chromium: every page of theirs looked at, on desktop and phone."""

import re
from collections.abc import Callable

import pytest

from tests.browser.reader import Reader
from tests.browser.test_story import SECRET, SLUG

pytestmark = [pytest.mark.browser, pytest.mark.server]

Visit = Callable[[str], Reader]


def test_an_owner_buys_seats_and_somebody_else_reads(visit: Visit) -> None:
    olga, mia = visit("olga"), visit("mia")
    buys(olga)
    invites(olga, mia)
    link = re.search(r"/group/join\?token=\S+", mia.letter())
    assert link
    joins(mia, link.group(0))
    adds_seats(olga)
    takes_back(olga, mia)
    mia.opens(link.group(0))
    mia.sees("cannot be accepted")
    mia.looks("group-refused")


def buys(olga: Reader) -> None:
    """Choose four seats and pay."""
    olga.opens("/sign-up?next=/join")
    olga.signs_up()
    olga.sees("How many seats?")
    olga.looks("join-seats")
    plan = olga.page.locator(".plan", has=olga.page.get_by_role("heading", name="Group"))
    plan.get_by_label("How many seats?").first.fill("4")
    plan.get_by_role("button", name="Pay by the month").click()
    olga.sees("€16")
    olga.looks("group-checkout")
    olga.pays()
    olga.opens("/account")
    olga.sees("1 of 4 seats are taken.")
    olga.looks("account-owner")
    olga.clicks("Invite people and give seats")


def invites(olga: Reader, mia: Reader) -> None:
    """A slip of the pen first, then two good addresses."""
    olga.page.get_by_label("E-mail addresses").fill(f"{mia.email}\nnobody")
    olga.clicks("Send the invitations")
    olga.sees("does not look like an address")
    olga.looks("group-wrong-line")
    olga.page.get_by_label("E-mail addresses").fill(f"{mia.email}\nnoa@example.org")
    olga.clicks("Send the invitations")
    olga.sees("2 invitations are on their way.")
    olga.looks("group-invited")


def joins(mia: Reader, path: str) -> None:
    """Follow the link of the letter, by way of a new account."""
    mia.opens(path)
    mia.looks("group-join-visitor")
    mia.clicks("Create an account")
    mia.signs_up()
    mia.sees("You are signed in as")
    mia.looks("group-join")
    assert not mia.reads(SLUG, SECRET)
    mia.opens(path)
    mia.clicks("Take the seat")
    mia.sees("A seat in a group")
    mia.looks("account-member")
    assert mia.reads(SLUG, SECRET)


def adds_seats(olga: Reader) -> None:
    """See the price, and agree to it."""
    olga.opens("/account/group")
    olga.page.get_by_label("Seats", exact=True).fill("6")
    olga.clicks("Show the price")
    olga.sees("Charged today")
    olga.looks("group-price")
    olga.clicks("Add the seats")
    olga.sees("You have 6 seats now.")
    olga.looks("group-full-page")


def takes_back(olga: Reader, mia: Reader) -> None:
    """The member reads no more."""
    olga.page.get_by_role("button", name=f"Take back: {mia.email}").click()
    olga.sees("is free again")
    assert not mia.reads(SLUG, SECRET)
