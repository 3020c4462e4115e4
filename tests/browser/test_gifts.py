"""Gifts and promotion codes in Chromium: every page of theirs looked at, on desktop and phone."""

import re
from collections.abc import Callable

import pytest
import stripe

from paywall.sandbox import Sandbox
from tests.browser.reader import Reader
from tests.browser.test_story import SECRET, SLUG
from tests.live import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]

Visit = Callable[[str], Reader]


def test_a_visitor_gives_and_somebody_else_reads(visit: Visit) -> None:
    gina, luca = visit("gina"), visit("luca")
    gives(gina, luca)
    link = re.search(r"/redeem\?code=\S+", luca.letter())
    assert link
    redeems(luca, link.group(0))
    luca.opens("/join")
    luca.sees("Your gift pays for this until")
    luca.looks("join-gift")
    is_refused(gina, link.group(0))


def gives(gina: Reader, luca: Reader) -> None:
    """Fill in the form and pay."""
    gina.opens("/gift")
    gina.looks("gift")
    gina.page.get_by_label("3 months").first.check()
    gina.page.get_by_label("Name of the person").fill("Luca")
    gina.page.get_by_label("Their e-mail").fill(luca.email)
    gina.page.get_by_label("Your message").fill("Read and enjoy.")
    gina.page.get_by_label("Your name").fill("Gina")
    gina.page.get_by_label("Your e-mail").fill(gina.email)
    gina.clicks("Go on to the payment")
    gina.looks("gift-checkout")
    gina.pays()
    gina.sees("Thank you for your gift")
    gina.looks("gift-paid")


def redeems(luca: Reader, path: str) -> None:
    """Follow the link of the letter, by way of a new account."""
    luca.opens(path)
    luca.looks("redeem-visitor")
    luca.clicks("Create an account")
    luca.signs_up()
    luca.sees("The code of your gift")
    luca.looks("redeem")
    assert not luca.reads(SLUG, SECRET)
    luca.opens(path)
    luca.clicks("Redeem")
    luca.sees("You read thanks to a gift")
    luca.looks("account-gift")
    assert luca.reads(SLUG, SECRET)


def is_refused(gina: Reader, path: str) -> None:
    """A code is good once."""
    gina.opens(path)
    gina.clicks("Create an account")
    gina.signs_up()
    gina.clicks("Redeem")
    gina.sees("This code cannot be redeemed")
    gina.looks("redeem-refused")


def test_a_code_makes_it_cheaper(visit: Visit, server: Server) -> None:
    sandbox = Sandbox(server.data / "sandbox.sqlite3", public_url=server.url)
    v1 = stripe.StripeClient(sandbox.api_key, http_client=sandbox.http_client()).v1
    coupon = v1.coupons.create({"percent_off": 20, "duration": "repeating", "duration_in_months": 3})
    v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING"})
    vera = visit("vera")
    vera.opens("/join?code=spring")
    vera.sees("Your code SPRING: 20 % off for 3 months.")
    vera.looks("join-code")
    vera.opens("/join?code=autumn")
    vera.sees("is not valid")
    vera.looks("join-no-code")
    vera.opens("/sign-up?next=/join")
    vera.signs_up()
    vera.chooses()
    vera.looks("checkout-code")
    vera.page.get_by_label("Promotion code").fill("spring")
    vera.clicks("Apply")
    vera.looks("checkout-discount")
    vera.pays()
    vera.opens("/account")
    vera.sees("20 % off until")
    vera.looks("account-discount")
