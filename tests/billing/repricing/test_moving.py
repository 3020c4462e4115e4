"""A new price: newcomers pay it at once, patrons at a renewal after their letter, and nobody unannounced."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from paywall import clock, mail
from paywall.billing import checkout, reminders
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeCustomer
from paywall.billing.repricing import moving
from paywall.billing.repricing.models import PriceChange, PriceMove
from paywall.billing.sync import sync
from paywall.db import db
from paywall.mail import Letter, Unsent
from paywall.membership.models import MembershipEvent, Price
from paywall.membership.rules import Change, Interval
from paywall.money import Money
from paywall.sandbox import Fault, FaultKind
from tests.shop import Shop, card

pytestmark = pytest.mark.story

DAY = timedelta(days=1)
ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Deliver = Callable[[], int]
Letters = Callable[[], list[Letter]]

WHY = ("--why", "Paper costs more")


def day_in(days: int) -> str:
    """A day from now on, as staff type it where the paper is made."""
    return f"{clock.now().astimezone(ZoneInfo('Europe/Sofia')) + days * DAY:%Y-%m-%d}"


def set_price(shop: Shop, day: str, *more: str, amount: str = "6") -> tuple[int, str]:
    """`flask paywall plan-price`: exit code and output."""
    command = ["paywall", "plan-price", "supporter", "--interval", "month", "--amount", amount, *WHY]
    db.session.rollback()
    answer = shop.app.test_cli_runner().invoke(args=[*command, "--from", day, *more])
    db.session.rollback()
    return answer.exit_code, answer.output


def live_until(shop: Shop, deliver: Deliver, until: datetime, step: timedelta = DAY) -> None:
    """Let time pass as it does: events come in, jobs run, letters go out."""
    while clock.now() < until:
        shop.sandbox.advance(to=min(clock.now() + step, until))
        deliver()
        moving.carry_out()
        reminders.remind()
        deliver()


def ends(shop: Shop) -> datetime:
    """When the present period ends."""
    end = shop.held()[0].period_end
    assert end is not None
    return end


def amounts(shop: Shop) -> list[int]:
    """What the bills came to, oldest first."""
    found = shop.sandbox.ledger.customers()[0].customer["id"]
    bills = gateway().client.v1.invoices.list({"customer": found, "limit": 100}).data
    return [bill.total for bill in reversed(bills)]


def moves() -> list[bool]:
    """Whether each of the planned moves was carried out."""
    found = [move.moved_at is not None for move in db.session.scalars(select(PriceMove))]
    db.session.rollback()
    return found


def on_sale(shop: Shop) -> Money:
    """What newcomers pay."""
    money = shop.price().money
    db.session.rollback()
    return money


def count(kind: type[PriceChange] | type[Price]) -> int:
    """How many rows there are."""
    found = len(db.session.scalars(select(kind)).all())
    db.session.rollback()
    return found


def kinds(found: list[Letter]) -> list[str]:
    return [letter.kind for letter in found]


def test_a_patron_is_told_and_pays_it_at_the_first_renewal_after_the_day(
    shop: Shop, deliver: Deliver, letters: Letters
) -> None:
    shop.join()
    deliver()
    code, said = set_price(shop, day_in(40))
    assert (code, "Patrons who are written to: 1." in said) == (0, True)
    assert on_sale(shop) == Money(600, "eur")
    deliver()
    letter = letters()[-1]
    assert letter.kind == "price_change"
    assert letter.sent_at is not None
    for words in ("€5 a month", "€6 a month", "/account", "cancel"):
        assert words in letter.text
        assert words in letter.html
    first = ends(shop)
    live_until(shop, deliver, first + DAY, 5 * DAY)
    assert amounts(shop) == [500, 500]
    live_until(shop, deliver, ends(shop) - 3 * DAY, 9 * DAY)
    assert moves() == [False]
    live_until(shop, deliver, ends(shop) + DAY)
    assert amounts(shop) == [500, 500, 600]
    assert moves() == [True]
    assert shop.held()[0].price == Money(600, "eur")
    live_until(shop, deliver, ends(shop) + DAY, 9 * DAY)
    assert amounts(shop) == [500, 500, 600, 600]
    assert kinds(letters()).count("price_change") == 1
    changes = list(db.session.scalars(select(MembershipEvent.change).order_by(MembershipEvent.id)))
    assert changes == [Change.STARTED, Change.UPGRADED]


def test_the_command_can_be_broken_off_and_run_again(
    shop: Shop, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.join()
    day = day_in(40)
    with monkeypatch.context() as killing:

        def kill(*_args: object, **_kwargs: object) -> None:
            raise KeyboardInterrupt

        killing.setattr(mail, "write", kill)
        set_price(shop, day)
    assert kinds(letters()) == ["welcome"]
    assert moves() == []
    for _ in range(2):
        assert set_price(shop, day)[0] == 0
        moving.carry_out()
    assert kinds(letters()) == ["welcome", "price_change"]
    assert count(PriceChange) == 1


def test_while_stripe_is_down_nothing_changes(shop: Shop, letters: Letters) -> None:
    shop.join()
    day = day_in(40)
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    code, said = set_price(shop, day)
    shop.sandbox.faults.clear()
    assert (code, "Stripe does not answer" in said) == (1, True)
    assert on_sale(shop) == Money(500, "eur")
    db.session.rollback()
    assert kinds(letters()) == ["welcome"]
    assert set_price(shop, day)[0] == 0
    assert kinds(letters()) == ["welcome", "price_change"]


def test_a_dry_run_writes_nothing(shop: Shop, letters: Letters) -> None:
    shop.join()
    prices = count(Price)
    assert set_price(shop, day_in(40), "--dry-run") == (
        0,
        f"€6 a month. Patrons who would be written to: 1. From: {day_in(40)}.\n",
    )
    assert on_sale(shop) == Money(500, "eur")
    assert (count(PriceChange), count(Price)) == (0, prices)
    assert kinds(letters()) == ["welcome"]


@pytest.mark.parametrize(
    ("days", "more", "amount", "said"),
    [
        (20, (), "6", "too soon: patrons are to have 30 days' notice"),
        (20, ("--notice-days", "14"), "6", "Patrons who are written to: 0"),
        (20, ("--notice-days", "3"), "6", "not in the range"),
        (40, (), "0", "more than nothing"),
        (40, (), "six", "not an amount"),
    ],
)
@ONE_DATABASE
def test_what_the_command_refuses(
    shop: Shop, days: int, more: tuple[str, ...], amount: str, said: str
) -> None:
    assert said in set_price(shop, day_in(days), *more, amount=amount)[1]


@ONE_DATABASE
def test_an_unknown_plan_is_named(shop: Shop) -> None:
    command = ["plan-price", "nobody", "--interval", "month", "--amount", "6", "--from", day_in(40), *WHY]
    answer = shop.app.test_cli_runner().invoke(args=["paywall", *command])
    assert (answer.exit_code, "There is no plan nobody." in answer.output) == (1, True)


@ONE_DATABASE
def test_a_new_price_needs_a_reason_and_a_look_at_it_none(shop: Shop) -> None:
    command = ["plan-price", "supporter", "--interval", "month", "--amount", "6", "--from", day_in(40)]
    look = shop.app.test_cli_runner().invoke(args=["paywall", *command, "--dry-run"])
    assert look.exit_code == 0
    answer = shop.app.test_cli_runner().invoke(args=["paywall", *command])
    assert (answer.exit_code, "Say why" in answer.output) == (1, True)
    db.session.rollback()
    assert shop.price("supporter", Interval.MONTH).amount == 500


def test_whose_letter_did_not_go_out_is_not_moved(
    shop: Shop, deliver: Deliver, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.join()
    deliver()
    with monkeypatch.context() as closed:
        closed.setattr(mail, "_hand_over", lambda _letter, _message: False)
        set_price(shop, day_in(31))
        live_until(shop, deliver, clock.now() + 62 * DAY, 2 * DAY)
    assert amounts(shop) == [500, 500, 500]
    assert moves() == [False]


def test_who_cancels_is_neither_written_to_nor_moved_and_who_stays_after_all_has_the_same_notice(
    shop: Shop, deliver: Deliver, letters: Letters
) -> None:
    held = shop.join()
    deliver()
    client = gateway().client.v1.subscriptions
    client.update(held.external_id, {"cancel_at_period_end": True})
    deliver()
    set_price(shop, day_in(31))
    assert kinds(letters()) == ["welcome"]
    shop.sandbox.advance(by=20 * DAY)
    client.update(held.external_id, {"cancel_at_period_end": False})
    live_until(shop, deliver, ends(shop) + DAY, 2 * DAY)
    assert kinds(letters()) == ["welcome", "price_change"]
    live_until(shop, deliver, ends(shop) + DAY, 2 * DAY)
    assert amounts(shop)[:2] == [500, 500]
    live_until(shop, deliver, ends(shop) + DAY, 2 * DAY)
    assert 600 in amounts(shop)[2:]


def test_who_cancels_before_the_letter_goes_out_does_not_get_it(
    shop: Shop, work: Callable[[], int], letters: Letters
) -> None:
    held = shop.join()
    work()
    set_price(shop, day_in(40))
    gateway().client.v1.subscriptions.update(held.external_id, {"cancel_at_period_end": True})
    mine = db.session.scalars(select(StripeCustomer.id)).one()
    db.session.rollback()
    sync(mine)
    work()
    assert [letter.unsent for letter in letters()] == [None, Unsent.UNTRUE]
    gateway().client.v1.subscriptions.update(held.external_id, {"cancel_at_period_end": False})
    sync(mine)
    for _ in range(2):
        moving.carry_out()
        work()
    assert [letter.unsent for letter in letters()] == [None, None]


def test_who_could_not_be_reached_in_time_is_told_again_with_the_same_notice(
    shop: Shop, work: Callable[[], int], letters: Letters
) -> None:
    shop.join()
    work()
    set_price(shop, day_in(31))
    shop.app.extensions["jobs"].flush()
    shop.sandbox.advance(by=40 * DAY)
    mail.send_waiting()
    assert [letter.unsent for letter in letters()] == [None, Unsent.LATE]
    for _ in range(2):
        moving.carry_out()
        work()
    assert [letter.unsent for letter in letters()] == [None, Unsent.LATE, None]
    counts_from = db.session.scalars(select(PriceMove.counts_from)).one()
    db.session.rollback()
    assert counts_from > clock.now() + 29 * DAY


def test_a_later_change_takes_the_place_of_an_earlier_one(
    shop: Shop, deliver: Deliver, letters: Letters
) -> None:
    shop.join()
    deliver()
    set_price(shop, day_in(31), amount="60")
    set_price(shop, day_in(32), amount="6")
    deliver()
    assert [letter.unsent for letter in letters()] == [None, Unsent.UNTRUE, None]
    live_until(shop, deliver, ends(shop) + DAY, 9 * DAY)
    live_until(shop, deliver, ends(shop) + DAY)
    assert amounts(shop) == [500, 500, 600]


def test_killed_after_stripe_was_told_it_is_not_told_twice(
    shop: Shop, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.join()
    deliver()
    set_price(shop, day_in(31))
    deliver()
    live_until(shop, deliver, ends(shop) + DAY, 9 * DAY)
    live_until(shop, deliver, ends(shop) - 3 * DAY, 9 * DAY)
    shop.sandbox.advance(to=ends(shop) - DAY)
    real, told = gateway().change_price, list[str]()

    def change_and_die(subscription: str, price: str) -> None:
        told.append(price)
        real(subscription, price)
        raise SystemExit

    monkeypatch.setattr(gateway(), "change_price", change_and_die)
    with pytest.raises(SystemExit):
        moving.carry_out()
    db.session.rollback()
    moving.carry_out()
    assert (len(told), moves()) == (1, [True])
    live_until(shop, deliver, ends(shop) + DAY)
    assert amounts(shop) == [500, 500, 600]


def test_a_yearly_renewal_is_told_of_with_the_new_price(
    shop: Shop, deliver: Deliver, letters: Letters
) -> None:
    with shop.app.test_request_context():
        price = shop.price("supporter", Interval.YEAR)
        page = checkout.begin(shop.reader, price.id, None).rpartition("/")[2]
    shop.sandbox.checkout.pay(page, card())
    checkout.finish(shop.reader, page)
    deliver()
    command = ["plan-price", "supporter", "--interval", "year", "--amount", "60", "--from", day_in(40), *WHY]
    assert shop.app.test_cli_runner().invoke(args=["paywall", *command]).exit_code == 0
    deliver()
    live_until(shop, deliver, ends(shop) - 22 * DAY, 400 * DAY)
    live_until(shop, deliver, ends(shop) - 10 * DAY, 6 * DAY)
    assert kinds(letters()) == ["welcome", "price_change", "renewal_ahead"]
    assert "€60" in letters()[-1].text
    assert shop.held()[0].price == Money(5000, "eur")


def test_who_was_sold_a_quarter_by_staff_keeps_their_price(
    shop: Shop, deliver: Deliver, letters: Letters
) -> None:
    shop.join()
    shop.sell_by_the_quarter()
    assert (shop.held()[0].interval_count, shop.held()[0].monthly) == (3, 500)
    _, said = set_price(shop, day_in(40))
    assert "Patrons who are written to: 0." in said
    deliver()
    assert "price_change" not in kinds(letters())
