"""How access ends, on the day it should, and how it comes back."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from paywall.sandbox import Fault, FaultKind
from tests.shop import Shop, card
from tests.stories.conftest import ARTICLE, Person

pytestmark = pytest.mark.story

Deliver = Callable[[], int]
FAILS_LATER = "4000000000000341"


def _cancel(patron: Person, shop: Shop) -> None:
    page = patron.portal("subscription_cancel")
    shop.sandbox.portal.cancel(page, shop.held()[0].external_id, feedback="unused")


def _button(page: str) -> str:
    """Where the one button of a page leads."""
    (found,) = re.findall(r'class="button" href="([^"]+)"', page)
    return str(found)


def test_who_cancels_reads_on_to_the_end_of_what_was_paid(
    patron: Person, shop: Shop, deliver: Deliver
) -> None:
    _cancel(patron, shop)
    deliver()
    assert "You cancelled" in patron.open("/account").text
    assert patron.reads()
    shop.sandbox.advance(by=timedelta(days=20))
    deliver()
    assert patron.reads()
    shop.sandbox.advance(by=timedelta(days=15))
    deliver()
    assert not patron.reads()
    assert "Your membership ended on" in patron.open("/account").text
    assert patron.open("/join").status_code == 200


def test_who_cancelled_loses_access_even_if_every_event_is_lost(
    patron: Person, shop: Shop, deliver: Deliver
) -> None:
    _cancel(patron, shop)
    deliver()
    shop.sandbox.faults.set(Fault(FaultKind.DROP, times=None))
    shop.sandbox.advance(by=timedelta(days=35))
    assert not patron.reads()


def test_a_renewal_goes_through_without_a_gap(patron: Person, shop: Shop, deliver: Deliver) -> None:
    ends = patron.paid_until()
    for passed in (timedelta(minutes=5), timedelta(hours=2), timedelta(days=10)):
        shop.sandbox.advance(to=ends + passed)
        assert patron.reads()
        deliver()
        assert patron.reads()
    assert patron.open("/account").text.count("€5") >= 2


def test_a_failed_renewal_is_told_borne_closed_and_made_good(
    vera: Person, shop: Shop, price: str, deliver: Deliver
) -> None:
    vera.sign_up()
    assert vera.come_back(vera.pay(vera.choose(price), FAILS_LATER)) == ARTICLE
    deliver()
    ends = vera.paid_until()
    shop.sandbox.advance(to=ends + timedelta(hours=3))
    deliver()
    assert vera.kinds() == ["confirm", "welcome", "payment_failed"]
    assert vera.reads()
    shop.sandbox.advance(to=ends + timedelta(days=9))
    deliver()
    assert not vera.reads()
    due = _button(vera.open(_button(vera.open("/account").text)).text)
    shop.sandbox.invoices.pay_hosted(due.rpartition("/")[2], card())
    deliver()
    assert vera.reads()
    assert "You are a patron" in vera.open("/account").text


def test_a_card_changed_after_a_failed_renewal_is_charged_at_the_next_try_without_a_gap(
    vera: Person, shop: Shop, price: str, deliver: Deliver
) -> None:
    vera.sign_up()
    vera.come_back(vera.pay(vera.choose(price), FAILS_LATER))
    deliver()
    ends = vera.paid_until()
    shop.sandbox.advance(to=ends + timedelta(hours=3))
    deliver()
    shop.sandbox.portal.change_card(vera.portal("payment_method_update"), card())
    for day in range(1, 15):
        shop.sandbox.advance(to=ends + timedelta(days=day, hours=3))
        deliver()
        assert vera.reads()
    assert vera.paid_until() > ends
