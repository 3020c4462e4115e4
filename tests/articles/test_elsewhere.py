"""An existing site behind our door, over real HTTP: its pages by our decision, and ours beside them."""

import itertools
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, text

from paywall import clock, create_app
from paywall.accounts import readers
from paywall.accounts.models import Reader
from paywall.accounts.sessions import SINCE
from paywall.config import ROOT, Settings
from paywall.db import db
from paywall.errors import WrongSetting
from paywall.membership import plans
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from tests.access.another import FREE, Site, is_secret, running
from tests.accounts.browser import Letters, sign_up
from tests.articles.patrons import hold
from tests.conftest import SECRET, dispose, make_settings
from tests.databases import SQLiteCopies
from tests.live import Running

RULES = """
[[gates]]
path = "/posts"
gate = "plan:supporter"
"""
GATED = ("/2024/block/", "/2024/classic/", "/posts/hugo/", "/broken/")


@pytest.fixture(scope="module")
def whole_site() -> Iterator[Site]:
    """The site, once for all tests here."""
    with running() as site:
        yield site


@pytest.fixture
def site(whole_site: Site) -> Site:
    """The site, having seen nobody."""
    whole_site.seen.clear()
    whole_site.go_on.clear()
    return whole_site


@pytest.fixture
def settings(database: str, tmp_path: Path, site: Site) -> Settings:
    """A newsroom that has set up what docs/any-site.md says."""
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    return make_settings(
        data_dir=tmp_path,
        database_url=database,
        upstream=site.url,
        upstream_rules=str(rules),
        upstream_page_mb=1,
        upstream_seconds=1,
        teaser_words=20,
    )


@pytest.fixture
def reader(client: FlaskClient, letters: Letters) -> FlaskClient:
    """A browser in which a reader without a membership is signed in."""
    sign_up(client, letters, "ana@example.org")
    return client


@pytest.fixture
def patron(app: Flask, reader: FlaskClient) -> FlaskClient:
    """The same, with the plan `supporter` for a day."""
    with app.app_context():
        hold("supporter", db.session.scalars(select(Reader.email)).one(), days=1)
        db.session.commit()
    return reader


sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
EXTRAS = ("", "?gz", "?chunked", "?br", "?utf16", "?huge", "?x=1&utm=2")
TRICKS: tuple[dict[str, str], ...] = (
    {},
    {"Range": "bytes=-300"},
    {"If-None-Match": '"whole"'},
    {"Accept-Encoding": "gzip, br"},
)


@sqlite
@pytest.mark.parametrize("path", GATED)
def test_no_gated_word_leaves_for_a_visitor_in_whatever_way_it_is_asked_for(
    client: FlaskClient, path: str
) -> None:
    methods = itertools.product(("", "?gz"), TRICKS[:1], ("HEAD", "POST"))
    for extra, headers, method in (*itertools.product(EXTRAS, TRICKS, ("GET",)), *methods):
        answer = client.open(path + extra, method=method, headers=headers)
        assert not is_secret(answer.data)
        assert not is_secret(str(answer.headers))
        assert answer.headers["X-Paywall"].startswith("teaser; ")
        assert answer.status_code == (502 if extra in {"?br", "?utf16"} else 200)
        assert answer.headers.get("ETag") != '"whole"'
        assert not {"Last-Modified", "Content-Encoding", "Accept-Ranges"} & set(answer.headers.keys())


@sqlite
def test_no_gated_word_leaves_by_a_side_door(client: FlaskClient, site: Site) -> None:
    for path in (
        "/feed/",
        "/2024/block/feed/",
        "/2024/block/?feed=rss2",
        "/2024/block/?amp",
        "/2024/block/amp/",
        "/wp-json/wp/v2/posts",
        "/?rest_route=/wp/v2/posts",
        "/posts/hugo/index.json",
        "/posts/report.pdf",
        "/ajax",
        "//2024//block/",
        "/2024/./block/",
        "/posts/x/../hugo/",
        "/%2e%2e/2024/block/",
        "/POSTS/hugo/",
        "/cut-off",
    ):
        for method, accept in itertools.product(("GET", "POST", "HEAD"), ("*/*", "text/html")):
            answer = client.open(path, method=method, headers={"Accept": accept})
            assert not is_secret(answer.data), path
            assert not is_secret(str(answer.headers)), path


def test_a_reader_and_a_patron_get_what_is_theirs_by_one_query(
    app: Flask, client: FlaskClient, patron: FlaskClient
) -> None:
    visitor = app.test_client()
    assert is_secret(patron.get("/2024/block/").data)
    with app.app_context():
        engine = db.engine
    for path in GATED:
        asked: list[str] = []

        def note(
            _connection: object, _cursor: object, statement: str, *_: object, to: list[str] = asked
        ) -> None:
            to.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        full = patron.get(path)
        event.remove(engine, "before_cursor_execute", note)
        assert is_secret(full.data)
        assert full.headers["Cache-Control"] == "private, no-cache"
        assert "ETag" not in full.headers
        assert len([one for one in asked if not one.startswith("BEGIN")]) == 1
        assert not is_secret(visitor.get(path).data)


@sqlite
def test_each_reason_has_its_offer(client: FlaskClient, app: Flask, letters: Letters) -> None:
    with app.app_context():
        plans.write(
            PlanText("supporter", "Supporter", "", {Interval.MONTH: Money(500, "eur")}), "For the test"
        )
        db.session.commit()
    registered, patrons = client.get("/2024/classic/"), client.get("/2024/block/")
    assert "/sign-up?next=/2024/classic/" in registered.text
    assert 'href="/static/offer.css"' in registered.text
    assert 'class="paywall-button" href="/join?next=/2024/block/"' in patrons.text
    assert "€5" in patrons.text
    assert not is_secret(registered.text + patrons.text)
    sign_up(client, letters, "ana@example.org")
    assert is_secret(client.get("/2024/classic/").data)
    signed_in = client.get("/2024/block/")
    assert not is_secret(signed_in.text)
    assert "/sign-in" not in signed_in.text


@sqlite
def test_a_page_that_cannot_be_looked_at_has_a_page_of_ours_with_its_title(client: FlaskClient) -> None:
    answer = client.get("/2024/block/?huge", headers={"Accept": "text/html"})
    assert not is_secret(answer.text)
    assert "<h1>The budget nobody counted</h1>" in answer.text
    assert "<title>The budget nobody counted · The Vitosha Courier</title>" in answer.text
    assert "/sign-in?next=/2024/block/%3Fhuge" in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex"


@sqlite
def test_access_that_has_ended_has_ended(app: Flask, patron: FlaskClient) -> None:
    later = clock.now() + timedelta(days=1, seconds=1)
    assert is_secret(patron.get("/2024/block/").data)
    clock.use(lambda: later)
    assert not is_secret(patron.get("/2024/block/").data)


@sqlite
def test_our_pages_stand_beside_the_sites_and_the_papers_own_are_off(client: FlaskClient, site: Site) -> None:
    for path in ("/healthz", "/join", "/sign-in", "/static/offer.css", "/webhooks/stripe"):
        assert client.get(path, buffered=True).status_code in {200, 405}, path
    assert site.seen == []
    assert "feed.atom" not in client.get("/join").text
    elsewhere = [
        "/",
        "/article/a",
        "/section/a",
        "/robots.txt",
        "/sitemap.xml",
        "/pictures/a",
        "/static/a.css",
    ]
    for path in (*elsewhere, "/feed.atom", "/static/../wsgi.py"):
        client.get(path)
    assert [path for _method, path in site.seen] == elsewhere
    assert client.get("/free").text == FREE


@sqlite
def test_the_site_sees_no_cookie_of_ours(reader: FlaskClient, site: Site) -> None:
    reader.set_cookie("cart", "1")
    told = json.loads(reader.get("/echo").text)
    assert told["headers"]["cookie"] == "cart=1"
    assert told["headers"]["host"] == "127.0.0.1:8000"


@sqlite
def test_a_page_that_is_free_and_a_file_in_parts_pass_untouched(client: FlaskClient) -> None:
    assert client.get("/free").headers["Cache-Control"] == "max-age=60"
    assert client.get("/film.mp4", headers={"Range": "bytes=2-4"}).data == b"234"
    assert client.get("/moved?to=/free").headers["Location"] == "/free"


@sqlite
def test_a_page_for_a_patron_comes_as_the_site_sends_it(patron: FlaskClient, site: Site) -> None:
    pieces = patron.get("/slow?kind=text/html&gated").iter_encoded()
    assert next(pieces).endswith(b"<body>")
    site.go_on.set()
    assert list(pieces) == [b"last"]


@sqlite
def test_a_site_that_does_not_answer_is_one_plain_page(client: FlaskClient, site: Site) -> None:
    answer = client.get("/hangs-up")
    assert answer.status_code == 502
    assert "does not answer just now" in answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    refused = client.get("/echo", headers={"Upgrade": "websocket", "Connection": "upgrade"})
    assert refused.status_code == 501


@sqlite
def test_a_database_that_is_gone_means_teaser(app: Flask, patron: FlaskClient) -> None:
    with app.app_context():
        db.session.execute(text("ALTER TABLE subscription RENAME TO away"))
        db.session.commit()
    answer = patron.get("/2024/block/")
    assert not is_secret(answer.data)
    assert answer.headers["X-Paywall"].startswith("teaser")
    with app.app_context():
        db.session.execute(text("ALTER TABLE plan RENAME TO gone"))
        db.session.commit()
    answer = patron.get("/2024/block/?again")
    assert not is_secret(answer.data)
    assert "We cannot show you the rest just now" in answer.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"upstream": "127.0.0.1:80"}, "PAYWALL_UPSTREAM: give scheme and host only"),
        ({"upstream": "http://a/b"}, "PAYWALL_UPSTREAM: give scheme and host only"),
        ({"upstream_mark": "a b"}, "PAYWALL_UPSTREAM_MARK"),
        ({"upstream_text": "main, ["}, "PAYWALL_UPSTREAM_TEXT: '[' is no selector"),
        ({"upstream_rules": "/nowhere.toml"}, "cannot read the rules"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, given: dict[str, str], said: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        create_app(make_settings(**{"data_dir": tmp_path, "upstream": "http://127.0.0.1:9", **given}))
    assert said in wrong.value.message


class Proxy(Running):
    """`flask paywall proxy` as a newsroom starts it."""

    def __init__(self, data: Path, site: str) -> None:
        environ = {"PAYWALL_DATA_DIR": str(data), "PAYWALL_SANDBOX": "true", "PAYWALL_SECRET_KEY": SECRET}
        super().__init__(
            f"flask paywall proxy --upstream {site} --port {{port}} --workers 2",
            folder=ROOT,
            environ={**os.environ, **environ},
            log=data / "output.txt",
        )


@pytest.mark.server
def test_the_command_serves_the_site_behind_the_door(site: Site, database_file: Path) -> None:
    with Proxy(database_file.parent, site.url) as proxy:
        for _worker in range(6):
            answer = requests.get(f"{proxy.url}/2024/block/?gz", timeout=10)
            assert "paywall-offer" in answer.text
            assert not is_secret(answer.content)
        told = requests.post(f"{proxy.url}/echo", data=iter([b"one ", b"two"]), timeout=10).json()
        assert (told["method"], told["body"]) == ("POST", "one two")
        assert told["headers"]["x-forwarded-host"] == f"127.0.0.1:{proxy.port}"
        assert requests.get(f"{proxy.url}/join", timeout=10).status_code == 200
        head = requests.head(f"{proxy.url}/film.mp4", timeout=10)
        assert head.headers["Content-Length"] == "10"
        with requests.get(f"{proxy.url}/slow", stream=True, timeout=10) as slow:
            assert next(slow.iter_content(None)) == b"<title>first</title><body>"
            site.go_on.set()


@pytest.fixture
def database_file(sqlite_copies: SQLiteCopies, tmp_path: Path) -> Iterator[Path]:
    """A migrated database where the programs look for it."""
    with sqlite_copies.fresh(tmp_path) as url:
        yield Path(url.removeprefix("sqlite:///"))


PAGE = """<!doctype html>
<html><head><title>News</title><meta name="paywall:gate" content="registered"></head>
<body><p>Open words.</p><div class="paywall">The pearl lies under the third stair.</div></body></html>
"""


@pytest.fixture
def in_process(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """What the example of the docs makes of an application in the same process."""
    theirs = ModuleType("newspaper.wsgi")
    theirs.application = Flask("newspaper")  # type: ignore[attr-defined]  # it is made here
    theirs.application.add_url_rule("/<path:_path>", "page", lambda _path: PAGE)
    monkeypatch.setitem(sys.modules, "newspaper", ModuleType("newspaper"))
    monkeypatch.setitem(sys.modules, "newspaper.wsgi", theirs)
    settings = make_settings(data_dir=tmp_path, database_url=database)
    monkeypatch.setattr("paywall.create_app", partial(create_app, settings))
    (code,) = re.findall(r"```python\n(.+?)```", (ROOT / "docs" / "any-site.md").read_text(), re.DOTALL)
    given: dict[str, Any] = {}
    exec(code, given)
    yield given["app"]
    dispose(given["app"])
    clock.use(None)


@sqlite
def test_an_application_in_the_same_process_stands_behind_the_door_as_the_docs_say(in_process: Flask) -> None:
    visitor = in_process.test_client()
    page = visitor.get("/2026/stair")
    assert "Open words." in page.text
    assert "pearl" not in page.text
    assert page.headers["X-Paywall"] == "teaser; reason=sign_in"
    assert 'href="/feed' not in visitor.get("/sign-in").text
    with in_process.app_context():
        reader = readers.find_or_add("ana@example.org")
        db.session.flush()
        session = {"_user_id": reader.fs_uniquifier, "_fresh": True, SINCE: int(clock.now().timestamp())}
        db.session.commit()
    with visitor.session_transaction() as kept:
        kept.update(session)
    assert "The pearl lies" in visitor.get("/2026/stair").text
