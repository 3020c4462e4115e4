"""The whole path in Chromium: a reader signs up, pays, reads, cancels; and what can go wrong on the way."""

import re
from collections.abc import Callable

import pytest

from tests.browser.reader import ASKS_BANK, DECLINED, Reader

pytestmark = [pytest.mark.browser, pytest.mark.server]

Visit = Callable[[str], Reader]

SLUG = "the-second-stove"
TITLE = re.compile("stove", re.IGNORECASE)
SECRET = "goes to sleep in her coat, so as not to be the one who is spoiling it for the children."
STATUS = "You are a patron. The next payment"


def comes_to_the_payment_page(reader: Reader) -> None:
    """From the teaser, by way of a new account, to Stripe."""
    assert not reader.reads(SLUG, SECRET)
    reader.clicks("Become a patron")
    reader.clicks("Create an account")
    reader.signs_up()
    reader.is_at(re.compile(r"/join"))
    reader.chooses()
    reader.is_at(re.compile(r"/sandbox/checkout/"))


def test_a_reader_signs_up_pays_reads_cancels_and_reads_on_to_the_last_day(visit: Visit) -> None:
    vera = visit("vera")
    vera.opens("/")
    vera.looks("front")
    searches(vera)
    assert not vera.reads(SLUG, SECRET)
    vera.looks("teaser")
    signs_up_from_the_teaser(vera)
    vera.looks("join")
    vera.chooses()
    vera.looks("checkout")
    vera.pays()
    vera.is_at(f"/article/{SLUG}")
    vera.sees("Thank you. You are a patron now")
    vera.looks("article")
    assert vera.reads(SLUG, SECRET)
    cancels(vera)
    assert vera.reads(SLUG, SECRET)
    vera.moves_clock("Next month")
    vera.looks("console")
    assert not vera.reads(SLUG, SECRET)
    vera.opens("/account/back")
    vera.sees("Your membership ended on")


def searches(vera: Reader) -> None:
    """From the box at the top of the page."""
    box = vera.page.get_by_role("searchbox", name="Search the paper")
    box.fill('"the second stove"')
    box.press("Enter")
    vera.is_at(re.compile(r"/search\?q="))
    vera.sees("The second stove")
    vera.looks("search")


def signs_up_from_the_teaser(vera: Reader) -> None:
    """Every page on the way to the join page, looked at."""
    vera.clicks("Become a patron")
    vera.looks("join-visitor")
    vera.clicks("Create an account")
    vera.looks("sign-up")
    vera.page.get_by_label("E-mail").fill(vera.email)
    vera.clicks("Sign up")
    vera.sees("Look into your mail")
    vera.looks("code")
    vera.page.get_by_label("code").fill(vera.code())
    vera.clicks("Go on")
    vera.is_at(re.compile(r"/join"))


def cancels(vera: Reader) -> None:
    """From the account page, with a reason, and back."""
    vera.opens("/account")
    vera.sees(STATUS)
    vera.clicks("Make my feed")
    vera.sees("Secret address")
    vera.looks("account")
    vera.clicks("Cancel the membership")
    vera.looks("cancel")
    vera.page.get_by_label("It costs too much").check()
    vera.clicks("Cancel the membership")
    vera.is_at("/account")
    vera.sees("You cancelled. You can read everything until")
    vera.looks("account-cancelled")


def test_a_patron_changes_plan_and_takes_a_pause(visit: Visit) -> None:
    vera = visit("changes")
    comes_to_the_payment_page(vera)
    vera.pays()
    vera.opens("/account")
    vera.clicks("Change the plan")
    vera.is_at(re.compile("/plan$"))
    vera.looks("plan")
    vera.clicks("See what it comes to")
    vera.is_at(re.compile(r"/plan/\d+$"))
    vera.looks("plan-price")
    vera.clicks(re.compile("Change and pay"))
    vera.is_at("/account")
    vera.sees("Your plan is changed.")
    vera.clicks("Pause the membership")
    vera.is_at(re.compile("/pause$"))
    vera.looks("pause")
    vera.clicks("Pause the membership")
    vera.sees("Your membership is paused and nothing is charged.")
    vera.clicks("Resume the membership")
    vera.looks("resume")
    vera.clicks("Resume the membership")
    vera.sees(STATUS)


def test_a_declined_card_is_said_beside_the_form_and_another_one_works(visit: Visit) -> None:
    vera = visit("declined")
    comes_to_the_payment_page(vera)
    vera.pays(DECLINED)
    vera.sees(re.compile("declined"))
    vera.looks("checkout-declined")
    other = visit("other")
    assert not other.reads(SLUG, SECRET)
    vera.pays()
    vera.is_at(f"/article/{SLUG}")
    assert vera.reads(SLUG, SECRET)


def test_the_bank_asks_before_it_pays(visit: Visit) -> None:
    vera = visit("bank")
    comes_to_the_payment_page(vera)
    vera.pays(ASKS_BANK)
    vera.looks("bank")
    vera.clicks("Fail")
    vera.looks("bank-refused")
    vera.pays(ASKS_BANK)
    vera.clicks("Complete")
    vera.is_at(f"/article/{SLUG}")
    assert vera.reads(SLUG, SECRET)


def test_two_tabs_paying_at_once_end_in_one_subscription(visit: Visit) -> None:
    vera = visit("tabs")
    comes_to_the_payment_page(vera)
    first = vera.page
    second = first.context.new_page()
    tab = Reader(second, vera.email, vera._site)
    tab.opens("/join")
    tab.chooses()
    vera.fills_in("4242 4242 4242 4242")
    tab.fills_in("4242 4242 4242 4242")
    first.locator("form button[type=submit]").last.click(no_wait_after=True)
    second.locator("form button[type=submit]").last.click(no_wait_after=True)
    tab.is_at("/account")
    tab.sees(STATUS)
    tab.opens("/sandbox")
    customer = second.locator("li", has_text=vera.email)
    assert len(re.findall(r"\bActive\b", customer.first.inner_text(), re.IGNORECASE)) == 1


def test_a_browser_closed_before_the_return_reads_all_the_same(visit: Visit) -> None:
    vera = visit("closed")
    comes_to_the_payment_page(vera)
    vera.page.route("**/join/return*", lambda route: route.abort())
    vera.pays()
    vera.page.wait_for_timeout(300)
    vera.page.unroute("**/join/return*")
    vera.waits_until_open(SLUG, SECRET)
    vera.opens("/account")
    vera.sees(STATUS)


def test_a_lost_webhook_is_made_good_by_the_return(visit: Visit) -> None:
    vera = visit("lost")
    comes_to_the_payment_page(vera)
    console = Reader(vera.page.context.new_page(), vera.email, vera._site)
    console.opens("/sandbox")
    switch = console.page.get_by_label("Webhooks are lost")
    switch.check()
    console.clicks("Apply")
    try:
        vera.pays()
        vera.is_at(f"/article/{SLUG}")
        assert vera.reads(SLUG, SECRET)
    finally:
        switch.uncheck()
        console.clicks("Apply")


def test_staff_see_the_figures_and_a_reader_does_not(visit: Visit) -> None:
    owner = visit("owner")
    owner.opens("/sign-in?next=/staff")
    owner.looks("sign-in")
    owner.comes_as("owner", "/staff")
    owner.sees("active patrons")
    owner.looks("staff")
    with owner.page.expect_download() as download:
        owner.clicks(re.compile("CSV"))
    assert "patron@demo.example" in download.value.path().read_text(encoding="utf-8-sig")
    owner.opens("/account/security")
    owner.looks("security")
    stranger = visit("stranger")
    answer = stranger.page.goto("/staff")
    assert answer is not None
    assert "active patrons" not in answer.text()
    stranger.is_at("/sign-in?next=/staff")


def test_staff_ask_why_a_reader_can_read_and_who_would(visit: Visit) -> None:
    owner = visit("owner")
    owner.comes_as("owner", "/staff/why")
    owner.page.get_by_label("Reader’s e-mail").fill("patron@demo.example")
    owner.page.get_by_label("Article").fill("the-gauge-that-went-quiet")
    owner.clicks("Explain")
    owner.sees("They are a patron, but of a plan that does not open it.")
    owner.looks("why")
    owner.clicks("Who else would read it?")
    owner.sees("Payment failed three days ago (supporter)")
    owner.looks("simulate")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("section", "/section/environment"),
        ("public-article", "/article/night-shift-on-the-rails"),
        ("registered-teaser", "/article/two-thousand-drawers"),
        ("circle-teaser", "/article/the-gauge-that-went-quiet"),
        ("forgot", "/reset"),
        ("not-found", "/article/there-is-none"),
        ("mails", "/sandbox/mails"),
    ],
)
def test_every_page_can_be_read_by_everyone(visit: Visit, name: str, path: str) -> None:
    reader = visit(name)
    reader.opens(path)
    reader.looks(name)
