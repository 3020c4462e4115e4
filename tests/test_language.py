"""Another language reaches every word of a reader's pages: a made-up one shows what no translator could."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser, LexborNode
from sqlalchemy import select, update

from paywall import clock
from paywall.access.gift_links.models import GiftLink
from paywall.access.institutions import keeping
from paywall.access.institutions.keeping import Term
from paywall.billing.groups import letters as group_letters
from paywall.billing.groups.models import Seat
from paywall.billing.setup import setup
from paywall.config import ROOT
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import plans
from paywall.membership.models import MembershipEvent
from paywall.membership.plans import PlanText
from paywall.membership.rules import Change, Interval, Status
from paywall.membership.seats import SeatRange
from paywall.money import Money
from paywall.sandbox import Sandbox
from tests.accounts.browser import Letters, link_in, send, sign_up
from tests.articles.files import publish
from tests.databases import SQLiteCopies
from tests.shop import SITE, card

TEMPLATE = ROOT / "paywall" / "translations" / "messages.pot"
EXTRACT = "-m babel.messages.frontend --quiet extract -F pyproject.toml -k lazy_gettext --omit-header"
ARTICLE = "/article/house"
# What is data is written in another script: each Latin word outside of brackets is then one of ours.
SITE_NAME = "Вестник"
LETTERS = sorted((ROOT / "templates" / "email").iterdir())
HINTS = ("alt", "aria-label", "placeholder", "title")

pytestmark = pytest.mark.settings(site_name=SITE_NAME, language="bg", pauses=True)


@pytest.fixture
def database(sqlite_copies: SQLiteCopies, tmp_path: Path) -> Iterator[str]:
    """SQLite alone: no database has a say in this."""
    with sqlite_copies.fresh(tmp_path) as url:
        yield url


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The texts that the sources hold now, collected as `make messages` does it."""
    place = tmp_path_factory.mktemp("texts") / "messages.pot"
    command = [sys.executable, *EXTRACT.split(), "-o", str(place), "paywall", "templates"]
    subprocess.run(command, cwd=ROOT, check=True)
    return _read(place)


@pytest.fixture
def bracketed(app: Flask, texts: Catalog, tmp_path: Path) -> Flask:
    """The product in a language whose sentences are ours between brackets, with data in Cyrillic only."""
    _translate(texts, tmp_path / "bg" / "LC_MESSAGES")
    app.extensions["babel"].translation_directories[:] = [str(tmp_path)]
    prices = {Interval.MONTH: Money(500, "eur"), Interval.YEAR: Money(5000, "eur")}
    with app.app_context():
        plans.write(PlanText("circle", "Кръг", "Всичко.", prices, trial_days=14), "For the test")
        plans.write(PlanText("friend", "Приятел", "Статиите.", prices), "For the test")
        db.session.commit()
        list(setup(SITE))
        for slug, gate in (("house", "patrons"), ("tram", "registered"), ("snow", "plan:circle")):
            words = {"title": "Къщата", "standfirst": "На хълма.", "byline": "Ада", "section": "Град"}
            publish(slug, gate=gate, body="Всички знаят.\n\n<!-- more -->\n\nПод стълбата.\n", **words)
    return app


@pytest.fixture
def visitor(bracketed: Flask) -> FlaskClient:
    """A browser in which nobody is signed in."""
    return bracketed.test_client()


@pytest.fixture
def reader(visitor: FlaskClient, letters: Letters) -> FlaskClient:
    """A browser in which a reader without a membership is signed in."""
    sign_up(visitor, letters, "ana@example.org")
    return visitor


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/section/град",
        ARTICLE,
        "/article/tram",
        "/article/snow",
        "/search",
        "/search?q=къщата&page=1",
        "/search?q=няма",
        "/sign-up",
        "/sign-in",
        "/reset",
        "/join",
        "/nothing-here",
    ],
)
def test_every_word_for_a_visitor_can_be_translated(visitor: FlaskClient, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == (404 if path == "/nothing-here" else 200)
    assert untranslated(answer.text) == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/sign-up", {"email": ""}),
        ("/sign-up", {"email": "nobody"}),
        ("/sign-up", {"email": "eva@example.org", "password": "short"}),
        ("/sign-in", {"email": "eva@example.org", "password": "wrong"}),
        ("/sign-in", {"email": "", "password": ""}),
    ],
)
def test_every_word_of_a_refusal_can_be_translated(
    visitor: FlaskClient, path: str, fields: dict[str, str]
) -> None:
    answer = send(visitor, path, **fields)
    assert answer.status_code == 200
    assert untranslated(answer.text) == []


def test_every_word_of_the_code_page_can_be_translated(visitor: FlaskClient) -> None:
    send(visitor, "/sign-up", email="eva@example.org")
    assert untranslated(visitor.get("/sign-in/code").text) == []
    assert untranslated(send(visitor, "/sign-in/code", code="").text) == []
    assert untranslated(send(visitor, "/sign-in/code", code="000000").text) == []


@pytest.mark.parametrize("path", ["/", ARTICLE, "/join", "/account", "/account/security"])
def test_every_word_for_a_reader_can_be_translated(reader: FlaskClient, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 200
    assert untranslated(answer.text) == []


def test_every_word_for_a_patron_and_of_every_letter_can_be_translated(
    reader: FlaskClient, sandbox: Sandbox, letters: Callable[[], list[Letter]]
) -> None:
    price = re.findall(r'name="price" value="(\d+)"', reader.get("/join").text)[-1]
    paying = send(reader, "/join/checkout", page="/join", price=price).location
    back = sandbox.checkout.pay(paying.rpartition("/")[2], card()).redirect_url or ""
    reader.get(back.removeprefix(SITE))
    for path in ("/account", ARTICLE, "/article/snow"):
        assert untranslated(reader.get(path).text) == []
    send(reader, "/account/feed", page="/account")
    assert untranslated(reader.get("/account").text) == []
    for path in own_pages(reader):
        assert untranslated(reader.get(path).text) == []
    for letter in letters():
        assert untranslated(letter.html) == []
        assert words_of_ours(letter.text) == []
        assert words_of_ours(letter.subject) == []


def test_every_word_of_gift_links_and_institutions_can_be_translated(
    bracketed: Flask, reader: FlaskClient, sandbox: Sandbox
) -> None:
    visitor, giving, mine = bracketed.test_client(), "/gift-link/house", {"page": "/account"}
    pages = [reader.get(giving)]
    price = re.findall(r'name="price" value="(\d+)"', reader.get("/join").text)[-1]
    paying = send(reader, "/join/checkout", page="/join", price=price).location
    back = sandbox.checkout.pay(paying.rpartition("/")[2], card()).redirect_url or ""
    reader.get(back.removeprefix(SITE))
    pages.append(reader.get(giving))
    send(reader, giving)
    pages.append(reader.get(giving))
    address = re.findall(r'value="http[^"]+(/article/[^"]+)" readonly', pages[-1].text)[0]
    pages += [visitor.get(address), visitor.get(f"{ARTICLE}?gift="), reader.get("/account")]
    with bracketed.app_context():
        db.session.execute(update(GiftLink).values(until=GiftLink.made_at, opened=2))
        keeping.add("library", "Библиотека", Term(clock.now(), clock.now() + timedelta(days=9)), None)
        keeping.add_domains("library", ["example.org"])
        db.session.commit()
    pages += [visitor.get(address), reader.get("/account")]
    send(reader, giving, page="/account")
    address = re.findall(r'value="http[^"]+(/article/[^"]+)" readonly', reader.get(giving).text)[0]
    send(reader, "/account/gift-links/revoke", **mine, link="2")
    pages += [reader.get("/account"), visitor.get(address)]
    assert [page.status_code for page in pages] == [403, *[200] * 9]
    assert [untranslated(page.text) for page in pages] == [[]] * 10


def own_pages(reader: FlaskClient) -> list[str]:
    """The pages on which a patron changes what they hold, by the links that lead there."""
    account = reader.get("/account").text
    first = re.findall(r'href="(/account/membership/[^"]+)"', account)
    plan = next(path for path in first if path.endswith("/plan"))
    return [*first, *re.findall(r'href="(/account/membership/[^"]+/plan/\d+)"', reader.get(plan).text)]


@pytest.mark.parametrize("path", LETTERS, ids=lambda path: path.name)
def test_no_letter_has_a_word_that_is_not_given_to_translators(path: Path) -> None:
    text = re.sub(
        r"{#.*?#}|{{.*?}}|{%.*?%}|<style>.*?</style>|<[^>]*>|&\w+;", " ", path.read_text(), flags=re.DOTALL
    )
    assert words_of_ours(text) == []


def test_every_word_of_a_group_can_be_translated(
    bracketed: Flask, reader: FlaskClient, sandbox: Sandbox, letters: Callable[[], list[Letter]]
) -> None:
    _buy_a_group(bracketed, reader, sandbox)
    send(reader, "/account/group/invite", page="/account/group", addresses="mia@example.org")
    link = next(link_in(one) for one in letters() if one.kind == "group_invitation")
    mia, mine = bracketed.test_client(), {"page": "/account/group"}
    pages = [
        reader.get("/account/group"),
        send(reader, "/account/group/seats", **mine, seats="6"),
        send(reader, "/account/group/invite", **mine, addresses="?"),
        mia.get(link),
        mia.get("/group/join"),
    ]
    sign_up(mia, letters, "mia@example.org")
    pages.append(mia.get(link))
    send(mia, "/group/join", page=link, token=link.partition("=")[2])
    pages += [mia.get("/account"), reader.get("/account"), reader.get("/account/group")]
    with bracketed.app_context():
        _let_a_group_end()
    pages += [mia.get("/account"), reader.get("/account/group")]
    assert [untranslated(page.text) for page in pages] == [[] for _ in pages]
    assert len({one.kind for one in letters() if one.kind.startswith("group_")}) == 6
    for letter in letters():
        assert untranslated(letter.html) == []
        assert words_of_ours(letter.text + letter.subject) == []


def _buy_a_group(app: Flask, reader: FlaskClient, sandbox: Sandbox) -> None:
    with app.app_context():
        month = {Interval.MONTH: Money(400, "eur")}
        plans.write(PlanText("school", "Училище", "За много.", month, seats=SeatRange(3, 9)), "For the test")
        db.session.commit()
        list(setup(SITE))
    offered = reader.get("/join").text
    assert untranslated(offered) == []
    price = re.findall(r'name="price" value="(\d+)"', offered.partition("Училище")[2])[0]
    paying = send(reader, "/join/checkout", page="/join", price=price, seats="4").location
    back = sandbox.checkout.pay(paying.rpartition("/")[2], card()).redirect_url or ""
    reader.get(back.removeprefix(SITE))


def _let_a_group_end() -> None:
    """Write every letter that a group's end can call for."""
    seat = db.session.scalars(select(Seat)).one()
    until = seat.joined_at
    group_letters.surplus(seat.group, until, count=1)
    group_letters.ending(seat, until)
    group_letters.removed(seat)
    for change in (Change.ENDED, Change.PAUSED):
        line = db.session.scalars(select(MembershipEvent)).first()
        assert line
        ended = MembershipEvent(id=line.id + 10, at=until, change=change, status=Status.CANCELED)
        group_letters.changed(seat, [ended])
    seat.group.surplus_until = until
    db.session.commit()


def test_the_list_of_texts_is_up_to_date(texts: Catalog) -> None:
    listed = {str(message.id) for message in _read(TEMPLATE)}
    assert listed == {str(message.id) for message in texts}, "run `make messages`"


def test_a_word_that_no_translator_could_reach_is_noticed() -> None:
    assert untranslated("<p title='Two'>⟦One ⟦x⟧⟧ Три <b>four</b> ana@example.org A-0001</p>") == [
        "Two",
        "four",
    ]


def untranslated(page: str) -> list[str]:
    """The words of a page, as seen or heard, that stand outside of brackets."""
    assert "⟦" in page, "the made-up language is spoken"
    document = LexborHTMLParser(page)
    for unseen in document.css("script, style, svg"):
        unseen.decompose()
    return [word for text in _texts(document) for word in words_of_ours(text)]


def words_of_ours(text: str) -> list[str]:
    """Latin words outside of brackets, without addresses and numbers of invoices, which are data."""
    for _depth in range(3):
        text = re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
    data = r"https?://\S+|\S+@\S+|\b[A-Z0-9]+-\d+\b"
    return re.findall(r"[A-Za-z]{2,}", re.sub(data, " ", text))


def _texts(document: LexborHTMLParser) -> Iterator[str]:
    root: LexborNode | None = document.root
    assert root
    for node in root.traverse(include_text=True):
        if node.is_text_node:
            yield node.text_content or ""
        else:
            yield from (node.attributes.get(name) or "" for name in HINTS)


def _read(place: Path) -> Catalog:
    with place.open("rb") as file:
        return read_po(file)


def _translate(texts: Catalog, folder: Path) -> None:
    catalogue = Catalog(locale="bg")
    for message in texts:
        if isinstance(message.id, tuple):
            catalogue.add(message.id, tuple(f"⟦{one}⟧" for one in message.id))
        elif message.id:
            catalogue.add(message.id, f"⟦{message.id}⟧")
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
