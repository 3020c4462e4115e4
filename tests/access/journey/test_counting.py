"""What is counted from teaser to payment, beside a plain count of what was done; what is left of a person."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from paywall import clock
from paywall.access.journey import paying, touches
from paywall.access.journey.counting import COLUMNS
from paywall.access.journey.models import (
    ArticleDay,
    ArticleMonth,
    ArticlePaid,
    ArticleYear,
    CarriedTouches,
    FirstPayment,
    JourneyDay,
)
from paywall.accounts.models import Reader
from paywall.articles.models import Article
from paywall.billing import customers, first_payments, inbox
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db
from paywall.money import Money
from tests.accounts.browser import Letters, send, sign_out, sign_up
from tests.articles.files import publish
from tests.moving import MovingClock
from tests.shop import SITE, Shop, card

ZONE = ZoneInfo("Europe/Sofia")
GATES = {"free": "public", "one": "patrons", "two": "patrons", "three": "registered"}
NOBODY = (
    {"method": "HEAD"},
    {"headers": {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}},
    {"headers": {"User-Agent": "curl/8.5.0"}},
    {"headers": {"Sec-Purpose": "prefetch"}},
)


def today() -> date:
    return clock.now().astimezone(ZONE).date()


def write_down(app: Flask) -> None:
    """Have counts written, which on SQLite waits for whoever writes."""
    db.session.rollback()
    for tally in app.extensions["tallies"]:
        tally.write()


def steps() -> dict[tuple[date, str], int]:
    return {(row.day, row.step): row.times for row in db.session.scalars(select(JourneyDay))}


@dataclass
class Counted:
    """The plain count: what was done, written down by whoever did it."""

    steps: Counter[tuple[date, str]] = field(default_factory=Counter)
    words: Counter[tuple[date, str, str]] = field(default_factory=Counter)
    paid: Counter[tuple[str, str]] = field(default_factory=Counter)
    money: Counter[tuple[str, str]] = field(default_factory=Counter)

    def saw(self, key: str, reason: str) -> None:
        self.words[today(), key, reason] += 1
        self.steps[today(), "visit"] += 1
        if reason in {"patrons_only", "sign_in", "meter_spent"}:
            self.steps[today(), "offer"] += 1
        if reason == "meter_spent":
            self.steps[today(), "meter_spent"] += 1


@dataclass
class Walker:
    """Somebody at a browser, and which gated articles they saw, as they themselves remember."""

    browser: FlaskClient
    shop: Shop
    letters: Letters
    counted: Counted
    keys: Mapping[str, str]
    email: str
    saw: dict[str, date] = field(default_factory=dict)
    is_reader: bool = False
    is_patron: bool = False
    session: str = ""
    brought: list[str] = field(default_factory=list)

    def visit(self, slug: str) -> None:
        # What waits to be said is said here: the page after it tells its reason.
        self.browser.get("/")
        db.session.rollback()
        answer = self.browser.get(f"/article/{slug}")
        reason = answer.headers["X-Paywall"].partition("reason=")[2]
        self.counted.saw(self.keys[slug], reason)
        if slug != "free" and not self.is_patron:
            self.saw.pop(slug, None)
            self.saw[slug] = today()

    def remembered(self) -> list[str]:
        return [slug for slug, day in self.saw.items() if (today() - day).days <= 7]

    def join(self) -> None:
        self.browser.get("/join")
        if not self.is_patron:
            self.counted.steps[today(), "plan_page"] += 1

    def sign_up(self) -> None:
        if self.is_reader:
            return
        sign_up(self.browser, self.letters, self.email)
        self.counted.steps[today(), "sign_up_page"] += 1
        self.counted.steps[today(), "account"] += 1
        if self.remembered():
            self.counted.words[today(), self.keys[self.remembered()[-1]], "account"] += 1
        self.is_reader = True

    def choose(self) -> None:
        if self.is_patron or not self.is_reader:
            return
        answer = send(self.browser, "/join/checkout", page="/join", price=str(self.shop.price().id))
        db.session.rollback()
        assert answer.status_code == 303, answer.text
        self.session, self.brought = answer.location.rpartition("/")[2], self.remembered()
        self.counted.steps[today(), "plan_page"] += 1
        self.counted.steps[today(), "checkout"] += 1

    def pay(self) -> None:
        if self.is_patron or not self.session:
            return
        payment = self.shop.sandbox.checkout.pay(self.session, card())
        if random.Random(self.session).random() < 0.5:
            self.browser.get((payment.redirect_url or "").removeprefix(SITE))
        self.is_patron = True
        for slug in self.brought:
            self.counted.paid[self.keys[slug], "any"] += 1
            self.counted.money[self.keys[slug], "any"] += 500
        for slug in self.brought[-1:]:
            self.counted.paid[self.keys[slug], "last"] += 1
            self.counted.money[self.keys[slug], "last"] += 500


@pytest.fixture
def keys(shop: Shop) -> dict[str, str]:
    """Four articles by slug, and their keys at the door."""
    for slug, gate in GATES.items():
        publish(slug, gate=gate)
    found = {row.slug: str(row.id) for row in db.session.execute(select(Article.slug, Article.id))}
    db.session.rollback()
    return found


@pytest.fixture
def walker(shop: Shop, keys: dict[str, str], letters: Letters) -> Callable[[str], Walker]:
    """A new browser for the reader with this address."""
    counted = Counted()

    def new(email: str = "vera@example.org") -> Walker:
        return Walker(shop.app.test_client(), shop, letters, counted, keys, email)

    return new


@pytest.mark.settings(meter_visitor_reads=1)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_counts_are_those_of_a_plain_count_of_what_was_done(
    app: Flask,
    walker: Callable[[str], Walker],
    clock: MovingClock,
    deliver: Callable[[], int],
    seed: int,
) -> None:
    dice = random.Random(seed)
    people = [walker(f"reader{number}@example.org") for number in range(3)]
    for _ in range(60):
        one = dice.choice(people)
        _begin_anew()
        what = dice.choice(
            ["visit"] * 6 + ["join", "nobody", "wait", "deliver"] + ["sign_up", "choose", "pay"] * 2
        )
        match what:
            case "visit":
                one.visit(dice.choice(list(GATES)))
            case "nobody":
                one.shop.app.test_client(use_cookies=False).open("/article/one", **dice.choice(NOBODY))
            case "wait":
                clock.advance(days=dice.randint(0, 4))
            case "deliver":
                deliver()
            case _:
                getattr(one, what)()
    deliver()
    clock.advance(minutes=1)
    for reader in db.session.scalars(select(Reader.id)).all():
        customers.sync_reader(reader)
    write_down(app)
    counted = people[0].counted
    assert {"last", "any"} <= {which for _, which in counted.paid}, "a walk without a payment shows nothing"
    _compare(counted, sum(one.is_patron for one in people))


def _begin_anew() -> None:
    """The test's own context stands around all requests: nothing of one browser is left for the next."""
    db.session.rollback()
    g.__dict__.clear()


def _compare(counted: Counted, patrons: int) -> None:
    assert steps() == dict(counted.steps)
    days = {(row.day, row.key, row.word): row.times for row in db.session.scalars(select(ArticleDay))}
    assert days == dict(counted.words)
    months = list(db.session.scalars(select(ArticleMonth)))
    for name, words in {
        "visits": set(counted.words) - {each for each in counted.words if each[2] == "account"},
        "sign_ups": {each for each in counted.words if each[2] == "account"},
    }.items():
        told = {(row.key, row.month): getattr(row, name) for row in months if getattr(row, name)}
        by_month: Counter[tuple[str, date]] = Counter()
        for each in words:
            by_month[each[1], each[0].replace(day=1)] += counted.words[each]
        assert told == dict(by_month)
    _compare_years(months)
    paid = list(db.session.scalars(select(ArticlePaid)))
    for which in ("last", "any"):
        assert _sums(paid, which) == _of(counted.paid, which)
        assert _sums(paid, f"{which}_amount") == _of(counted.money, which)
    assert db.session.scalar(select(func.count()).select_from(FirstPayment)) == patrons


def _compare_years(months: list[ArticleMonth]) -> None:
    by_year: dict[tuple[str, date], Counter[str]] = {}
    for month in months:
        sums = by_year.setdefault((month.key, month.month.replace(month=1)), Counter())
        sums.update({name: getattr(month, name) for name in COLUMNS.values()})
    rows = db.session.scalars(select(ArticleYear))
    told = {(row.key, row.year): {name: getattr(row, name) for name in COLUMNS.values()} for row in rows}
    assert told == {which: dict(sums) for which, sums in by_year.items()}


def _sums(rows: list[ArticlePaid], name: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row.key] += getattr(row, name)
    return dict(+found)


def _of(counted: Counter[tuple[str, str]], which: str) -> dict[str, int]:
    return {key: times for (key, known), times in counted.items() if known == which}


def paid_rows() -> dict[str, tuple[int, int, int, int]]:
    """What is known of each article's payments."""
    db.session.rollback()
    rows = db.session.scalars(select(ArticlePaid))
    return {row.key: (row.last, row.last_amount, row.any, row.any_amount) for row in rows}


@pytest.fixture
def vera(walker: Callable[[str], Walker]) -> Walker:
    """A reader who saw two articles, and stands at Stripe's page."""
    one = walker("vera@example.org")
    acts: tuple[Callable[[], None], ...] = (partial(one.visit, "two"), partial(one.visit, "one"))
    for act in (*acts, one.sign_up, one.choose):
        act()
        _begin_anew()
    return one


def carried() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(CarriedTouches.keys)))


def test_a_payment_is_counted_once_however_often_stripe_tells_of_it(
    vera: Walker, deliver: Callable[[], int], keys: dict[str, str]
) -> None:
    vera.pay()
    deliver()
    told = {keys["one"]: (1, 500, 1, 500), keys["two"]: (0, 0, 1, 500)}
    assert paid_rows() == told
    for _ in range(2):
        db.session.execute(update(StripeEvent).values(state=EventState.RECEIVED, try_at=clock.wall()))
        db.session.commit()
        inbox.handle_waiting()
    for reader_id in db.session.scalars(select(Reader.id)).all():
        for _ in range(2):
            customers.sync_reader(reader_id)
    first_payments.look()
    assert paid_rows() == told
    assert carried() == []


def test_a_renewal_is_no_first_payment(vera: Walker, clock: MovingClock, deliver: Callable[[], int]) -> None:
    vera.pay()
    deliver()
    before = paid_rows()
    clock.advance(days=32)
    deliver()
    vera.visit("three")
    assert paid_rows() == before
    assert db.session.scalars(select(FirstPayment)).one().money == Money(500, "eur")


def test_what_a_reader_saw_is_gone_after_the_days_that_the_setting_says(
    vera: Walker, clock: MovingClock, keys: dict[str, str]
) -> None:
    assert carried() == [f"{keys['two']}/{keys['one']}"]
    clock.advance(days=29, hours=23)
    paying.forget()
    assert len(carried()) == 1
    clock.advance(hours=1)
    paying.forget()
    assert carried() == []


@pytest.mark.settings(journey_days=0)
def test_with_no_days_nothing_is_remembered_but_visits_are_counted(
    app: Flask, vera: Walker, deliver: Callable[[], int]
) -> None:
    assert vera.browser.get_cookie(touches.COOKIE) is None
    assert carried() == []
    vera.pay()
    deliver()
    assert paid_rows() == {}
    write_down(app)
    assert steps()[today(), "visit"] == 2


@pytest.mark.parametrize("name", ["Sec-GPC", "DNT"])
def test_who_does_not_want_to_be_followed_is_not(
    app: Flask, walker: Callable[[str], Walker], name: str
) -> None:
    one = walker("vera@example.org")
    answer = one.browser.get("/article/one", headers={name: "1"})
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, no-cache"
    write_down(app)
    assert steps()[today(), "visit"] == 1


def test_touches_that_were_tampered_with_are_nothing(vera: Walker, keys: dict[str, str]) -> None:
    cookie = vera.browser.get_cookie(touches.COOKIE)
    assert cookie is not None
    vera.browser.set_cookie(touches.COOKIE, cookie.value.replace(keys["two"], "9", 1))
    vera.choose()
    assert carried() == []


def test_an_earlier_checkout_is_forgotten_for_the_later_one(vera: Walker, keys: dict[str, str]) -> None:
    vera.visit("three")
    _begin_anew()
    vera.choose()
    assert carried() == [f"{keys['two']}/{keys['one']}/{keys['three']}"]


def test_who_signs_out_leaves_nothing_for_who_sits_there_next(vera: Walker) -> None:
    assert vera.browser.get_cookie(touches.COOKIE) is not None
    sign_out(vera.browser)
    assert vera.browser.get_cookie(touches.COOKIE) is None


def test_an_answer_with_a_cookie_is_for_one_browser_and_no_304(
    walker: Callable[[str], Walker],
) -> None:
    one = walker("vera@example.org").browser
    first = one.get("/article/one")
    assert (first.headers["Cache-Control"], touches.COOKIE in first.headers["Set-Cookie"]) == (
        "private, no-cache",
        True,
    )
    # Without a tag, no cache can answer 304 with the cookie.
    assert "ETag" not in first.headers
    tag = {"If-None-Match": one.get("/article/one").headers["ETag"]}
    again = one.get("/article/one", headers=tag)
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "public, no-cache")
    assert "Set-Cookie" not in again.headers
    # A cache that holds the page asks on behalf of a browser that has no cookie yet.
    other = walker("else@example.org").browser.get("/article/one", headers=tag)
    assert other.status_code == 200
    assert "Set-Cookie" in other.headers


def test_days_of_articles_are_kept_for_a_time_and_their_months_for_ever(
    app: Flask, walker: Callable[[str], Walker], clock: MovingClock
) -> None:
    walker("vera@example.org").visit("one")
    write_down(app)
    clock.advance(days=402)
    paying.forget()
    assert db.session.scalars(select(ArticleDay)).all() == []
    assert db.session.scalars(select(ArticleMonth.visits)).all() == [1]
    assert db.session.scalars(select(ArticleYear.visits)).all() == [1]
    assert sum(steps().values()) == 2


@pytest.mark.parametrize(("kept_paid", "gone_paid"), [(1, 2), (2, 1), (None, 1), (1, None), (None, None)])
def test_of_two_accounts_that_are_joined_the_earlier_first_payment_stands(
    shop: Shop, kept_paid: int | None, gone_paid: int | None
) -> None:
    plan_id, now = shop.price().plan_id, clock.now()
    gone = Reader(email="gone@example.org")
    db.session.add(gone)
    db.session.flush()
    for reader, paid in ((shop.reader, kept_paid), (gone, gone_paid)):
        db.session.add(CarriedTouches(reader_id=reader.id, keys="1", at=now))
        if paid:
            paying.first_paid(reader.id, plan_id, Money(paid, "eur"), now + timedelta(days=paid))
    paying.join(shop.reader.id, gone.id)
    db.session.commit()
    left = [(row.reader_id, row.amount) for row in db.session.scalars(select(FirstPayment))]
    assert left == [(shop.reader.id, 1)] * bool(kept_paid or gone_paid)
    assert carried() == []
