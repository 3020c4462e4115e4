"""The portal's pages, from its home and from deep links."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paywall.sandbox import AfterRetries, Dunning, wording
from tests.sandbox.shop import DECLINED, FAILS_LATER, GOOD, Shop
from tests.sandbox.visit import BACK, CARD, Visit, owing, said, where


def test_home_shows_all_that_a_customer_has(shop: Shop, visit: Visit) -> None:
    empty = visit.get(f"/sandbox/portal/{shop.portal()}")
    assert "You have no subscription at present." in empty.text
    assert "No card is kept." in empty.text
    shop.subscribe()
    page = visit.get(f"/sandbox/portal/{shop.portal()}")
    for text in (
        "Patron",
        "€9 per month",
        "Renews on",
        "Visa •••• 4242",
        "Change plan",
        "Cancel subscription",
    ):
        assert text in page.text
    assert f'href="{BACK}"' in page.text
    assert shop.v1.invoices.list().data[0].number in page.text


def test_what_the_configuration_forbids_is_not_there(shop: Shop, visit: Visit) -> None:
    id = shop.subscribe().id
    off = {"enabled": False}
    features = ("subscription_cancel", "subscription_update", "payment_method_update", "invoice_history")
    portal = shop.portal(**dict.fromkeys(features, off))
    page = visit.get(f"/sandbox/portal/{portal}")
    for text in ("Change plan", "Cancel subscription", "Change card", "Invoices</h2>"):
        assert text not in page.text
    visit.get(f"/sandbox/portal/{portal}/subscriptions/{id}/cancel")
    refused = visit.post(f"/sandbox/portal/{portal}/subscriptions/{id}/cancel")
    assert refused.status_code == 400
    assert "does not allow" in refused.text


def test_cancel_tells_the_date_takes_the_reason_and_can_be_undone(shop: Shop, visit: Visit) -> None:
    id = shop.subscribe().id
    asked = {"enabled": True, "options": ["too_expensive", "other"]}
    portal = shop.portal(
        subscription_cancel={"enabled": True, "mode": "at_period_end", "cancellation_reason": asked}
    )
    here = f"/sandbox/portal/{portal}/subscriptions/{id}"
    end = datetime.fromtimestamp(shop.subscriptions()[0].items.data[0].current_period_end, UTC)
    page = visit.get(f"{here}/cancel")
    assert f"until {end:%-d %b %Y}" in page.text
    assert re.findall(r'name="feedback" value="(\w+)"', page.text) == ["too_expensive", "other"]
    home = visit.follow(visit.post(f"{here}/cancel", feedback="other", comment=" Moving "))
    assert said(home) == [f"Cancelled. Ends on {end:%-d %b %Y} and will not renew."]
    assert "Ends soon" in home.text
    details = shop.subscriptions()[0].cancellation_details
    assert (details.feedback, details.comment) == ("other", "Moving")
    home = visit.follow(visit.post(f"{here}/undo"))
    assert said(home) == [f"Your subscription goes on. Renews on {end:%-d %b %Y}."]


def test_cancel_at_once(shop: Shop, visit: Visit) -> None:
    id = shop.subscribe().id
    portal = shop.portal(subscription_cancel={"enabled": True, "mode": "immediately"})
    here = f"/sandbox/portal/{portal}/subscriptions/{id}/cancel"
    page = visit.get(here)
    assert "It ends at once" in page.text
    assert 'name="feedback"' not in page.text
    assert said(visit.follow(visit.post(here)))[0].startswith("Cancelled. Ended on ")


def test_another_card(shop: Shop, visit: Visit) -> None:
    shop.subscribe()
    here = f"/sandbox/portal/{shop.portal()}/card"
    assert 'value="4242 4242 4242 4242"' in visit.get(f"{here}?card={GOOD}").text
    assert visit.post(here, **{**CARD, "name": ""}).status_code == 422
    declined = visit.post(here, **{**CARD, "number": DECLINED})
    assert (declined.status_code, said(declined)) == (402, ["Your card was declined."])
    home = visit.follow(visit.post(here, **{**CARD, "number": "5555555555554444"}))
    assert said(home) == ["The new card will be charged from now on."]


@pytest.mark.parametrize(
    ("behavior", "text"),
    [
        ("always_invoice", "settled at once"),
        ("create_prorations", "comes on the next invoice"),
        ("none", "counts from the next invoice"),
    ],
)
def test_another_price(shop: Shop, visit: Visit, behavior: str, text: str) -> None:
    id = shop.subscribe().id
    prices = {"product": shop.product(), "prices": [shop.price(), shop.price("year", 9000)]}
    feature = {"enabled": True, "default_allowed_updates": ["price"], "products": [prices]}
    portal = shop.portal(subscription_update={**feature, "proration_behavior": behavior})
    here = f"/sandbox/portal/{portal}/subscriptions/{id}/price"
    page = visit.get(here)
    assert text in page.text
    assert re.findall(r'name="price" value="(\w+)"', page.text) == [shop.price("year", 9000)]
    home = visit.follow(visit.post(here, price=shop.price("year", 9000)))
    assert said(home) == ["Changed: from now on it is €90 per year."]
    assert visit.post(here, price="price_other").status_code == 400


def test_no_other_price(shop: Shop, visit: Visit) -> None:
    id = shop.subscribe().id
    portal = shop.portal(subscription_update={"enabled": True, "default_allowed_updates": [], "products": []})
    page = visit.get(f"/sandbox/portal/{portal}/subscriptions/{id}/price")
    assert "There is no other plan to change to." in page.text


def test_open_invoices_are_paid_with_the_card_on_file(shop: Shop, visit: Visit) -> None:
    invoice, portal = owing(shop), shop.portal()
    page = visit.get(f"/sandbox/portal/{portal}")
    assert "Payment overdue" in page.text
    assert "Pay with Visa •••• 0341" in page.text
    home = visit.follow(visit.post(f"/sandbox/portal/{portal}/invoices/{invoice}"))
    assert said(home) == ["The invoice is paid."]


@pytest.mark.parametrize(
    ("token", "asked"), [("pm_card_visa_chargeDeclined", False), ("pm_card_authenticationRequired", True)]
)
def test_the_card_on_file_may_not_do(shop: Shop, visit: Visit, token: str, asked: bool) -> None:  # noqa: FBT001
    invoice, portal = owing(shop), shop.portal()
    method = shop.v1.payment_methods.attach(token, {"customer": shop.customer()}).id
    shop.v1.subscriptions.update(shop.subscriptions()[0].id, {"default_payment_method": method})
    visit.get(f"/sandbox/portal/{portal}")
    page = visit.follow(visit.post(f"/sandbox/portal/{portal}/invoices/{invoice}"))
    assert ("Is this you?" in page.text) is asked
    assert (said(page) == ["Your card was declined."]) is not asked


def test_ended_and_foreign_things_are_refused(shop: Shop, visit: Visit) -> None:
    portal = shop.portal()
    assert visit.get("/sandbox/portal/bps_nobody").status_code == 404
    assert visit.get(f"/sandbox/portal/{portal}/subscriptions/sub_other/cancel").status_code == 404
    shop.sandbox.advance(by=timedelta(days=1))
    gone = visit.get(f"/sandbox/portal/{portal}")
    assert gone.status_code == 410
    assert "This page has expired" in gone.text


def test_every_state_of_a_subscription_has_its_words(shop: Shop, visit: Visit) -> None:
    shop.sandbox.dunning = Dunning((1,), AfterRetries.UNPAID)
    shop.subscribe(subscription_data={"trial_period_days": 90})
    paused = shop.subscribe().id
    shop.v1.subscriptions.pause(paused)
    shop.v1.subscriptions.cancel(shop.subscribe().id)
    shop.subscribe(FAILS_LATER, subscription_data={"billing_mode": {"type": "classic"}})
    classic = shop.subscribe(subscription_data={"billing_mode": {"type": "classic"}}).id
    base = {"customer": shop.customer(), "items": [{"price": shop.price()}]}
    shop.v1.subscriptions.create({**base, "payment_behavior": "default_incomplete"})
    first = visit.get(f"/sandbox/portal/{shop.portal()}").text
    for text in (
        "Trial",
        "Free until",
        "Paused: nothing is charged.",
        "Ended on",
        "Payment incomplete",
        "Active",
    ):
        assert text in first
    shop.sandbox.advance(months=1, by=timedelta(days=3))
    shop.v1.subscriptions.update(classic, {"cancel_at_period_end": True})
    later = visit.get(f"/sandbox/portal/{shop.portal()}").text
    for text in ("Unpaid", "The last payment failed.", "Expired", "Ends soon"):
        assert text in later


def flow(shop: Shop, kind: str, *, after: dict[str, Any] | None = None, **about: Any) -> str:
    """A portal session that goes straight to one step; its path."""
    shop.portal()
    configuration = shop.v1.billing_portal.configurations.list().data[0].id
    data: dict[str, Any] = {"type": kind, **({kind: about} if about else {})}
    data |= {"after_completion": after} if after else {}
    facts = {
        "customer": shop.customer(),
        "configuration": configuration,
        "return_url": BACK,
        "flow_data": data,
    }
    return f"/sandbox/portal/{shop.v1.billing_portal.sessions.create(facts).id}"


def test_cancel_and_straight_back(shop: Shop, visit: Visit) -> None:
    id = shop.subscribe().id
    after = {"type": "redirect", "redirect": {"return_url": BACK + "/account"}}
    address = flow(shop, "subscription_cancel", subscription=id, after=after)
    step = where(visit.get(address))
    assert step == f"{address}/subscriptions/{id}/cancel"
    page = visit.get(step)
    assert "Billing</a>" not in page.text
    assert where(visit.post(step)) == BACK + "/account"


def test_a_card_and_a_confirmation(shop: Shop, visit: Visit) -> None:
    shop.subscribe()
    after = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "See you"}}
    address = flow(shop, "payment_method_update", after=after)
    visit.follow(visit.get(address))
    done = visit.follow(visit.post(f"{address}/card", **CARD))
    assert said(done) == ["The new card will be charged from now on."]
    assert "See you" in done.text
    assert f'href="{BACK}"' in done.text


def test_one_price_to_confirm_and_home(shop: Shop, visit: Visit) -> None:
    subscription = shop.subscribe()
    item = {"id": subscription.items.data[0].id, "price": shop.price("year", 9000)}
    address = flow(shop, "subscription_update_confirm", subscription=subscription.id, items=[item])
    page = visit.follow(visit.get(address))
    assert re.findall(r'name="price" value="(\w+)"', page.text) == [item["price"]]
    step = f"{address}/subscriptions/{subscription.id}/price"
    assert where(visit.post(step, price=item["price"])) == f"{address}/home"


def test_update_and_what_has_no_step_of_its_own(shop: Shop, visit: Visit) -> None:
    id = shop.subscribe().id
    address = flow(shop, "subscription_update", subscription=id)
    assert where(visit.get(address)) == f"{address}/subscriptions/{id}/price"
    address = flow(shop, "customer_update")
    assert where(visit.get(address)) == f"{address}/home"


@pytest.mark.parametrize(
    ("at", "flag", "end"), [(None, False, None), (None, True, 99), (50, False, 50), (50, True, 50)]
)
def test_the_end_of_a_subscription_is_read_in_both_billing_modes(
    *, at: int | None, flag: bool, end: int | None
) -> None:
    items = {"data": [{"current_period_end": 99}, {"current_period_end": 70}]}
    assert wording.ends_at({"cancel_at": at, "cancel_at_period_end": flag, "items": items}) == end
