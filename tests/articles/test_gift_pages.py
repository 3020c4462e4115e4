"""Giving an article away: the button, the page, the link in a stranger's browser, and what came of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from paywall import clock as ours
from paywall.access.gift_links import forgetting
from paywall.access.gift_links.models import GiftArrival, GiftLink
from paywall.articles.models import Article
from paywall.db import db
from paywall.mail import Letter
from tests.accounts.browser import link_in, press, send, sign_up
from tests.articles.files import SECRET, publish
from tests.billing.apart import Apart
from tests.conftest import let_settings_say
from tests.moving import MovingClock
from tests.shop import SITE, Shop, card
from tests.test_cli import fails, run, shell

pytestmark = pytest.mark.story

__all__ = ["shell"]  # a fixture

GIVER, STRANGER, EDITOR = "gina@example.org", "stan@example.org", "eda@example.org"
ARTICLE, PAGE = "/article/the-house", "/gift-link/the-house"


@dataclass
class Desk:
    """What these stories are told with."""

    shop: Shop
    letters: Callable[[], list[Letter]]

    def browser(self, email: str | None = None) -> FlaskClient:
        """A browser of its own, in which somebody signs up, or nobody."""
        browser = self.shop.app.test_client()
        if email:
            sign_up(browser, self.letters, email)
        return browser

    def patron(self, email: str = GIVER) -> FlaskClient:
        """A browser of somebody who has just joined."""
        browser = self.browser(email)
        self.join(browser)
        return browser

    def join(self, browser: FlaskClient) -> None:
        """Choose the plan, pay, and come back."""
        price = str(self.shop.price().id)
        page = send(browser, "/join/checkout", page="/join", price=price).location
        paid = self.shop.sandbox.checkout.pay(page.rpartition("/")[2], card())
        assert browser.get((paid.redirect_url or "").removeprefix(SITE)).status_code == 302

    def count(self) -> None:
        """Let what was counted be written now."""
        self.shop.app.extensions["gift_links"]._tally.write()


@pytest.fixture
def desk(shop: Shop, letters: Callable[[], list[Letter]]) -> Desk:
    publish()
    publish("for-guests", gate="registered")
    publish("for-all", gate="public")
    publish("for-circle", gate="plan:circle")
    db.session.rollback()
    shop.app.test_client_class = Apart

    def read() -> list[Letter]:
        db.session.rollback()
        return letters()

    return Desk(shop, read)


def give(browser: FlaskClient, slug: str = "the-house") -> str:
    """Press the button on the article's page, and the one behind it; the path of the address to pass on."""
    page = f"/gift-link/{slug}"
    assert f'href="{page}"' in browser.get(f"/article/{slug}").text
    assert send(browser, page).location == page
    return address(browser, page)


def address(browser: FlaskClient, page: str = PAGE) -> str:
    """The address to pass on that a page shows, as a path."""
    found = re.search(r'value="([^"]+\?gift=[^"]+)" readonly', browser.get(page).text)
    assert found
    return unescape(found[1]).removeprefix(SITE)


def is_read(answer: TestResponse) -> bool:
    """Whether the article is there in full; if not, no word of the rest is."""
    assert answer.status_code == 200
    if SECRET in answer.text:
        return True
    assert "pearl" not in f"{answer.headers}{answer.text}"
    return False


def assert_private(answer: TestResponse) -> None:
    """Kept by no cache, listed by no search engine, told to no other site."""
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "ETag" not in answer.headers


def row() -> GiftLink:
    """The newest link, in no transaction."""
    db.session.rollback()
    found = db.session.scalars(select(GiftLink).order_by(GiftLink.id.desc()).limit(1)).one()
    db.session.refresh(found)
    db.session.expunge(found)
    db.session.rollback()
    return found


def test_a_patron_gives_an_article_and_a_stranger_reads_that_one_only(desk: Desk) -> None:
    path, stranger = give(desk.patron()), desk.browser()
    answer = stranger.get(path)
    assert is_read(answer)
    assert_private(answer)
    assert "This article is a gift to you." in answer.text
    assert f'<link rel="canonical" href="{SITE}{ARTICLE}">' in answer.text
    assert 'class="give"' not in answer.text
    assert not is_read(stranger.get(ARTICLE))
    assert not is_read(stranger.get(path.replace("the-house", "for-circle")))


def test_the_page_says_how_many_are_left_and_until_when_and_asking_again_costs_nothing(desk: Desk) -> None:
    gina = desk.patron()
    assert "You can give 5 more articles this month." in gina.get(PAGE).text
    first = give(gina)
    page = gina.get(PAGE)
    assert "You can give 4 more articles this month." in page.text
    assert "even if your membership ends before" in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    send(gina, PAGE, page="/account")
    assert address(gina) == first
    assert "4 more" in gina.get(PAGE).text


@pytest.mark.settings(gift_links_a_month=1)
def test_after_the_last_of_the_month_no_more_is_given(desk: Desk) -> None:
    gina = desk.patron()
    publish("second")
    db.session.rollback()
    give(gina)
    answer = gina.get("/gift-link/second")
    assert "You have given all your articles of this month." in answer.text
    assert "<form" not in answer.text.partition("<main")[2]
    send(gina, "/gift-link/second", page="/account")
    assert "You have given all your articles of this month." in gina.get("/gift-link/second").text
    assert row().key == "1"


def test_only_who_may_read_as_a_patron_can_give(desk: Desk) -> None:
    ada = desk.browser(STRANGER)
    assert 'class="give"' not in ada.get(ARTICLE).text
    assert ada.get(PAGE).status_code == 403
    assert send(ada, PAGE, page="/account").status_code == 403
    assert desk.browser().get(PAGE).location == "/sign-in?next=/gift-link/the-house"
    gina = desk.patron()
    assert gina.get("/gift-link/for-circle").status_code == 403
    assert send(gina, "/gift-link/for-circle", page="/account").status_code == 403
    assert gina.get("/gift-link/for-guests").status_code == 403
    assert gina.get("/gift-link/nothing-here").status_code == 404
    assert send(gina, "/gift-link/nothing-here", page="/account").status_code == 404
    open_to_all = gina.get("/gift-link/for-all")
    assert (open_to_all.status_code, "open to everyone" in open_to_all.text) == (200, True)
    assert db.session.scalars(select(GiftLink)).all() == []


@pytest.mark.settings(gift_links_a_month=0)
def test_with_none_a_month_only_staff_give_and_without_a_quota(desk: Desk) -> None:
    gina = desk.patron()
    assert 'class="give"' not in gina.get(ARTICLE).text
    assert gina.get(PAGE).status_code == 403
    eda = desk.browser(EDITOR)
    run(desk.shop.app.test_cli_runner(), "staff", EDITOR, "--role", "editor", "--why", "New here")
    assert is_read(desk.browser().get(give(eda, "for-circle")))
    assert is_read(desk.browser().get(give(eda)))
    assert "more articles this month" not in eda.get(PAGE).text
    assert row().by_staff


def test_a_form_without_its_token_gives_nothing(desk: Desk) -> None:
    gina = desk.patron()
    assert gina.post(PAGE).status_code == 400
    assert gina.post("/account/gift-links/revoke", data={"link": "1"}).status_code == 400
    assert db.session.scalars(select(GiftLink)).all() == []


def test_it_ends_at_its_instant_with_a_plain_sentence(desk: Desk, clock: MovingClock) -> None:
    path = give(desk.patron())
    until = row().until
    clock.set(until - timedelta(seconds=1))
    assert is_read(desk.browser().get(path))
    clock.set(until)
    answer = desk.browser().get(path)
    assert not is_read(answer)
    assert_private(answer)
    assert "This gift link has run out" in answer.text


def test_its_giver_takes_it_back_and_nobody_else_does(desk: Desk) -> None:
    gina, other = desk.patron(), desk.browser(STRANGER)
    path = give(gina)
    number = str(row().id)
    assert send(other, "/account/gift-links/revoke", page="/account", link=number).status_code == 404
    assert send(gina, "/account/gift-links/revoke", page="/account", link="0").status_code == 400
    assert is_read(desk.browser().get(path))
    assert send(gina, "/account/gift-links/revoke", page="/account", link=number).location == "/account"
    answer = desk.browser().get(path)
    assert not is_read(answer)
    assert_private(answer)
    assert "This gift link was taken back" in answer.text
    assert "taken back on" in gina.get("/account").text
    assert give(gina) != path


def test_staff_take_one_back_from_a_shell(desk: Desk) -> None:
    path, words = give(desk.patron()), desk.shop.app.test_cli_runner()
    assert f"1 good     {row().made_at:%Y-%m-%d}  the-house  opened 0, signed up 0, paid 0: {GIVER}" in run(
        words, "gift-link", "list", "--by", GIVER.upper(), "--article", "the-house"
    )
    assert "no such gift links" in run(words, "gift-link", "list", "--article", "for-all")
    assert "no reader nobody@" in fails(words, "gift-link", "list", "--by", "nobody@example.org")
    assert "no article nothing" in fails(words, "gift-link", "list", "--article", "nothing")
    assert "no such gift link" in fails(words, "gift-link", "revoke", "99")
    assert f"Gift link 1 of {GIVER} is taken back." in run(words, "gift-link", "revoke", "1")
    assert not is_read(desk.browser().get(path))


@pytest.mark.parametrize("token", ["", "1", "17-" + "0" * 40, "%00", "' OR 1=1", "é" * 300])
def test_one_that_we_do_not_know_shows_the_ordinary_page_and_says_so(desk: Desk, token: str) -> None:
    answer = desk.browser().get(ARTICLE, query_string={"gift": token})
    assert not is_read(answer)
    assert_private(answer)
    assert "We do not know this gift link." in answer.text
    assert 'class="offer"' in answer.text


def test_a_patron_with_a_dead_link_reads_all_the_same(desk: Desk) -> None:
    answer = desk.patron().get(f"{ARTICLE}?gift=1-nothing")
    assert is_read(answer)
    assert_private(answer)


def test_links_of_who_is_no_patron_any_more_stay_good_until_their_day(desk: Desk, clock: MovingClock) -> None:
    gina = desk.patron()
    path, until = give(gina), row().until
    let_settings_say(desk.shop.app, gift_link_days=60)
    publish("second")
    db.session.rollback()
    second = give(gina, "second")
    clock.advance(days=45)
    assert not is_read(gina.get(ARTICLE))
    assert not is_read(desk.browser().get(path))
    assert until < clock.now()
    assert is_read(desk.browser().get(second))
    assert address(gina, "/gift-link/second") == second
    assert gina.get(PAGE).status_code == 403


def test_the_giver_sees_what_came_of_it_in_numbers_and_never_who(desk: Desk) -> None:
    gina = desk.patron()
    path = give(gina)
    assert "opened 0 times" in gina.get("/account").text
    gina.get(path)
    came, left = desk.browser(), desk.browser()
    left.head(path)
    left.get(path, headers={"Sec-Purpose": "prefetch"})
    assert is_read(left.get(path))
    assert is_read(came.get(path))
    sign_up(came, desk.letters, STRANGER)
    desk.count()
    seen = gina.get("/account").text
    assert "opened 2 times" in seen
    assert "one account" in seen
    assert "one patron" not in seen
    desk.join(came)
    seen = gina.get("/account").text
    assert "one patron" in seen
    assert STRANGER not in seen


def test_who_had_an_account_before_has_not_come_by_the_link(desk: Desk) -> None:
    path = give(desk.patron())
    known = desk.browser(STRANGER)
    send(known, "/sign-out", page="/account")
    assert is_read(known.get(path))
    send(known, "/sign-in/letter", page="/sign-in", email=STRANGER)
    press(known, link_in(desk.letters()[-1]))
    assert db.session.scalars(select(GiftArrival)).all() == []


def test_who_reads_by_a_membership_or_signs_up_elsewhere_has_not_come_by_it(desk: Desk) -> None:
    gina = desk.patron()
    path = give(gina)
    patron = desk.patron("paula@example.org")
    patron.get(path)
    with patron.session_transaction() as kept:
        assert "came_by" not in kept
    desk.browser().get(path)
    desk.browser(STRANGER)
    assert db.session.scalars(select(GiftArrival)).all() == []


def test_of_two_links_the_last_one_opened_counts_and_once(desk: Desk, clock: MovingClock) -> None:
    gina, paula = desk.patron(), desk.patron("paula@example.org")
    first, second = give(gina), give(paula)
    came = desk.browser()
    came.get(first)
    came.get(second)
    sign_up(came, desk.letters, STRANGER)
    send(came, "/sign-out", page="/account")
    came.get(first)
    send(came, "/sign-in/letter", page="/sign-in", email=STRANGER)
    press(came, link_in(desk.letters()[-1]))
    assert [one.gift_link_id for one in db.session.scalars(select(GiftArrival))] == [row().id]


def test_an_arrival_that_cannot_be_written_keeps_nobody_from_signing_in(desk: Desk) -> None:
    came = desk.browser()
    with came.session_transaction() as kept:
        kept["came_by"] = [99, ours.now().isoformat()]
    sign_up(came, desk.letters, STRANGER)
    assert came.get("/account").status_code == 200
    assert db.session.scalars(select(GiftArrival)).all() == []


def test_a_given_article_that_is_no_longer_there_is_still_listed(desk: Desk, clock: MovingClock) -> None:
    gina = desk.patron()
    give(gina)
    db.session.execute(update(Article).values(published_at=None))
    db.session.commit()
    page = gina.get("/account")
    assert "Title of the-house" in page.text
    assert 'href="/gift-link/the-house"' not in page.text
    assert gina.get(PAGE).status_code == 404


def test_a_forgotten_link_is_on_no_page_and_its_numbers_stay(desk: Desk, clock: MovingClock) -> None:
    gina, came = desk.patron(), desk.browser()
    path, words = give(gina), desk.shop.app.test_cli_runner()
    came.get(path)
    sign_up(came, desk.letters, STRANGER)
    desk.join(came)
    desk.count()
    in_all = "In all, since the first one: 1 given, opened 1, signed up 1, paid 1"
    for asked in ([], ["--article", "the-house"]):
        assert in_all in run(words, "gift-link", "list", *asked)
    clock.advance(days=62)
    forgetting.forget()
    db.session.rollback()
    for asked in ([], ["--article", "the-house"]):
        said = run(words, "gift-link", "list", *asked)
        assert in_all in said
        assert GIVER not in said
    assert db.session.scalars(select(GiftLink)).all() == []
    assert db.session.scalars(select(GiftArrival)).all() == []
    db.session.rollback()
    assert not is_read(answer := desk.browser().get(path))
    assert "We do not know this gift link." in answer.text
    assert "Articles that you have given" not in gina.get("/account").text
