"""What a page tells search engines of itself, over HTTP: each gate, each reader, and the words behind it."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser

from paywall import clock
from paywall.access.arrivals import Arrival
from paywall.access.decision import Decision, Gate, Level, Reason, Show, Visitor, decide
from paywall.access.middleware import ARRIVAL
from paywall.access.teaser import GATED
from paywall.articles.cards import Card
from paywall.articles.structured import PICTURES, Paper, news_article, robots
from paywall.membership.rules import Holding
from tests.articles.files import LONG_AGO, SECRET, TEASER, publish

pytestmark = pytest.mark.story

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PAGE = "/article/the-house"
SITE = "http://127.0.0.1:8000"
WORD = "pearl"
GATES = ("public", "registered", "patrons", "plan:circle", "plan:", "nonsense")
HELD = (Holding("circle", clock.now() + timedelta(days=30)),)
READERS = {
    "visitor": Visitor(),
    "registered": Visitor(reader_id=1),
    "patron": Visitor(reader_id=1, holdings=HELD),
    "staff": Visitor(reader_id=1, is_staff=True),
    "gift": Visitor(has_gift=True),
    "crawler": Visitor(is_crawler=True),
}
Look = Callable[[Visitor, str], "Seen"]


class Seen:
    """A page as an engine reads it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = LexborHTMLParser(text)
        blocks = self.tree.css('script[type="application/ld+json"]')
        assert len(blocks) == 1
        self.said: dict[str, Any] = json.loads(blocks[0].text())

    def meta(self, name: str) -> str | None:
        """A <meta> by its name or property."""
        found = self.tree.css_first(f'meta[name="{name}"], meta[property="{name}"]')
        return found.attributes["content"] if found else None

    @property
    def gated(self) -> str:
        """The words in elements of the class that hasPart names."""
        part = self.said.get("hasPart", {})
        return " ".join(node.text() for node in self.tree.css(part.get("cssSelector", "no-such-element")))


@pytest.fixture
def look(app: Flask) -> Look:
    """Look at the article's page by the decision for a visitor before a gate, as the door hands it over."""
    app.wsgi_app = app.extensions["door"]._app  # type: ignore[method-assign]  # the view alone
    client = app.test_client()

    def see(visitor: Visitor, gate: str) -> Seen:
        stands = Gate.parse(gate)
        decision = decide(stands, visitor, clock.now())
        arrival = Arrival(decision, stands, signed_in=visitor.reader_id is not None)
        return Seen(client.get(PAGE, environ_overrides={ARRIVAL: arrival}).text)

    return see


@on_sqlite
@pytest.mark.parametrize("gate", GATES)
def test_each_page_says_what_it_holds_and_no_more(app: Flask, look: Look, gate: str) -> None:
    with app.app_context():
        publish(gate=gate, standfirst="")
    for visitor in READERS.values():
        page = look(visitor, gate)
        is_full = decide(Gate.parse(gate), visitor, clock.now()).show is Show.FULL
        assert page.said["isAccessibleForFree"] is (gate == "public")
        assert (WORD in page.text) is is_full
        # hasPart is there exactly if its class is, and then the class holds what others do not see.
        assert ("hasPart" in page.said) is (is_full and gate != "public")
        assert (f'class="{GATED}"' in page.text) is ("hasPart" in page.said)
        if "hasPart" in page.said:
            assert page.said["hasPart"]["isAccessibleForFree"] is False
            assert SECRET in page.gated
            assert TEASER not in page.gated
        assert WORD not in json.dumps(page.said)
        assert WORD not in "".join(node.html or "" for node in page.tree.css("meta"))


@on_sqlite
@pytest.mark.parametrize("gate", GATES)
def test_a_visitor_at_the_real_door_is_told_of_no_part(app: Flask, client: FlaskClient, gate: str) -> None:
    with app.app_context():
        publish(gate=gate)
    page = Seen(client.get(PAGE).text)
    assert page.said["isAccessibleForFree"] is (gate == "public")
    assert "hasPart" not in page.said
    assert (WORD in page.text) is (gate == "public")


@on_sqlite
def test_an_unlocked_article_is_open_and_a_metered_read_is_not(app: Flask) -> None:
    with app.app_context():
        publish()
    app.wsgi_app = app.extensions["door"]._app  # type: ignore[method-assign]  # the view alone
    for reason, is_open in ((Reason.UNLOCKED, True), (Reason.METERED, False), (Reason.INSTITUTION, False)):
        given = {ARRIVAL: Arrival(Decision(Show.FULL, reason), Gate(Level.PATRONS), signed_in=False)}
        page = Seen(app.test_client().get(PAGE, environ_overrides=given).text)
        assert page.said["isAccessibleForFree"] is is_open
        assert ("hasPart" in page.said) is not is_open


@on_sqlite
def test_what_is_undecided_is_not_said_to_be_free(app: Flask) -> None:
    with app.app_context():
        publish(gate="public")
    app.wsgi_app = app.extensions["door"]._app  # type: ignore[method-assign]  # the view alone
    assert Seen(app.test_client().get(PAGE).text).said["isAccessibleForFree"] is False


@on_sqlite
def test_the_card_is_told_in_full(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        size: dict[str, Any] = {"picture_width": 1200, "picture_height": 800}
        changed = LONG_AGO + timedelta(days=1)
        publish(published_at=LONG_AGO, updated_at=changed, picture="p.png", picture_alt="A hill", **size)
    page = Seen(client.get(PAGE).text)
    assert page.said == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": {"@type": "WebPage", "@id": f"{SITE}{PAGE}"},
        "url": f"{SITE}{PAGE}",
        "headline": "Title of the-house",
        "description": "Standfirst of the-house.",
        "articleSection": "City",
        "inLanguage": "en-GB",
        "datePublished": "2020-01-01T00:00:00+00:00",
        "dateModified": "2020-01-02T00:00:00+00:00",
        "author": {"@type": "Person", "name": "Ada Writer"},
        "publisher": {
            "@type": "NewsMediaOrganization",
            "name": "The Vitosha Courier",
            "url": f"{SITE}/",
            "logo": {"@type": "ImageObject", "url": f"{SITE}/static/icon.svg"},
        },
        "isAccessibleForFree": False,
        "image": [
            {
                "@type": "ImageObject",
                "url": f"{SITE}/pictures/p.png",
                "width": 1200,
                "height": 800,
                "caption": "A hill",
            }
        ],
    }
    with client.get("/static/icon.svg") as logo:
        assert logo.status_code == 200
    assert page.meta("author") == "Ada Writer"
    assert page.meta("og:locale") == "en_GB"
    assert page.meta("article:published_time") == "2020-01-01T00:00:00Z"
    assert page.meta("article:modified_time") == "2020-01-02T00:00:00Z"


def test_without_byline_and_picture_the_paper_writes_and_nothing_is_shown() -> None:
    now = LONG_AGO
    patrons = Gate(Level.PATRONS)
    card = Card("a", "A", "", "", None, "", None, None, now, now - timedelta(days=1), "T", "c", "C", patrons)
    paper = Paper("The Paper", "https://p.example/", "https://p.example/logo.svg", "bg")
    said = news_article(
        card, paper, address="https://p.example/a", picture=None, is_open=True, gated_class=None
    )
    assert said["author"] == said["publisher"]
    assert "image" not in said
    assert said["description"] == "T"
    # It was written before it came out: to readers it changed when it did.
    assert said["dateModified"] == said["datePublished"]


@on_sqlite
def test_no_title_gets_out_of_the_block(app: Flask, client: FlaskClient) -> None:
    title = '</script><script>alert(1)</script> <!-- \u2028 & "quoted" ’s'
    with app.app_context():
        publish(title=title, byline="</ScRiPt>", standfirst="]]> </script >")
    response = client.get(PAGE)
    page = Seen(response.text)
    assert page.said["headline"] == title
    assert page.said["author"]["name"] == "</ScRiPt>"
    assert re.findall(r"(?i)<script[^>]*>", response.text) == ['<script type="application/ld+json">']
    assert len(re.findall(r"(?i)</script", response.text)) == 1
    # A block of data is not run, so the policy that allows no script of a page's own needs no exception.
    assert "script-src 'self';" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("is_open", "max_snippet", "said"),
    [
        (True, 160, PICTURES),
        (False, 160, f"{PICTURES}, max-snippet:160, noarchive, nocache"),
        (False, 0, f"{PICTURES}, max-snippet:0, noarchive, nocache"),
        (False, -1, PICTURES),
        (True, -1, PICTURES),
    ],
)
def test_only_of_a_gated_article_is_little_quoted(*, is_open: bool, max_snippet: int, said: str) -> None:
    assert robots(is_open=is_open, max_snippet=max_snippet) == said


@on_sqlite
@pytest.mark.settings(max_snippet=90)
def test_what_may_be_quoted_is_said_in_each_variant_and_the_gated_part_is_not(app: Flask, look: Look) -> None:
    with app.app_context():
        publish()
    for visitor in READERS.values():
        page = look(visitor, "patrons")
        assert page.meta("robots") == f"{PICTURES}, max-snippet:90, noarchive, nocache"
        for node in page.tree.css(f".{GATED}"):
            # The elements in which Google heeds it.
            assert "data-nosnippet" in node.attributes
            assert node.tag in {"div", "section", "span"}


@on_sqlite
def test_readers_see_the_same_words_with_and_without_the_mark(app: Flask, look: Look) -> None:
    body = "One two *three* four.\n\n- five\n- six\n\n![x](/pictures/p.png)\n\nSeven eight.\n"
    with app.app_context():
        publish(body=body)
    gated = look(READERS["crawler"], "patrons")
    open_ = look(READERS["crawler"], "public")
    words = [(page.tree.css_first(".prose") or page.tree).text().split() for page in (gated, open_)]
    assert words[0] == words[1]
    assert gated.gated.split() == ["five", "six", "Seven", "eight."]
