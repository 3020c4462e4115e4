"""From a teaser to the whole article, by each way in."""

from collections.abc import Callable

import pytest

from tests.accounts.browser import code_in, link_in, press, send
from tests.articles.files import SECRET, publish
from tests.shop import Shop
from tests.staffing import set_up
from tests.stories.conftest import ARTICLE, EMAIL, Person

pytestmark = pytest.mark.story

Deliver = Callable[[], int]


def test_a_visitor_pays_and_reads_on_at_the_same_address(vera: Person, price: str, deliver: Deliver) -> None:
    assert not vera.reads()
    assert f"/join?next={ARTICLE}" in vera.open(ARTICLE).text.replace("%2F", "/")
    vera.sign_up()
    assert not vera.reads()
    payment = vera.pay(vera.choose(price))
    assert not vera.reads()
    assert vera.come_back(payment) == ARTICLE
    assert vera.reads()
    deliver()
    assert vera.reads()
    assert vera.kinds() == ["confirm", "welcome"]


def test_who_never_comes_back_from_paying_reads_by_stripes_event_alone(
    vera: Person, price: str, deliver: Deliver
) -> None:
    vera.sign_up()
    vera.pay(vera.choose(price))
    assert not vera.reads()
    assert deliver() > 0
    assert vera.reads()


def test_a_declined_card_opens_nothing_and_the_next_one_opens_it(
    vera: Person, price: str, deliver: Deliver
) -> None:
    vera.sign_up()
    page = vera.choose(price)
    vera.pay(page, "4000000000000002")
    deliver()
    assert not vera.reads()
    assert vera.come_back(vera.pay(page)) == ARTICLE
    assert vera.reads()


def test_the_link_of_the_letter_makes_the_account_and_leads_back_to_the_article(vera: Person) -> None:
    publish("for-guests", gate="registered")
    browser, path = vera.browser, "/article/for-guests"
    assert SECRET not in browser.get(path).text
    send(browser, "/sign-up", page=f"/sign-up?next={path}", email=EMAIL, next=path)
    answer = press(browser, link_in(vera.letters()[-1]))
    assert answer.location == path
    assert SECRET in browser.get(path).text


def test_what_one_browser_paid_for_another_does_not_read(patron: Person, shop: Shop) -> None:
    stranger = Person(shop.app.test_client(), shop, patron.letters)
    assert patron.reads()
    assert not stranger.reads()
    send(patron.browser, "/sign-out", page="/account")
    assert not patron.reads()


def test_staff_appointed_by_the_command_see_the_report(patron: Person, shop: Shop) -> None:
    assert patron.open("/staff").status_code == 403
    told = shop.app.test_cli_runner().invoke(
        args=["paywall", "staff", EMAIL, "--role", "owner", "--why", "New here"]
    )
    assert told.exit_code == 0, told.output
    set_up(patron.browser)
    report = patron.open("/staff")
    assert report.status_code == 200
    assert "€5" in report.text


def test_staff_without_an_account_sign_in_with_the_code_of_a_letter(vera: Person, shop: Shop) -> None:
    told = shop.app.test_cli_runner().invoke(
        args=["paywall", "staff", EMAIL, "--role", "owner", "--why", "New here"]
    )
    assert told.exit_code == 0, told.output
    send(vera.browser, "/sign-in/letter", page="/sign-in?next=/staff", email=EMAIL, next="/staff")
    answer = send(vera.browser, "/sign-in/code", code=code_in(vera.letters()[-1]))
    assert answer.location == "/staff"
    assert vera.open("/staff").location == "/sign-in/factor?next=/staff"
    set_up(vera.browser)
    assert vera.open("/staff").status_code == 200
