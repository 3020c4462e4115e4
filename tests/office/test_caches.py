"""The cache test: it finds nothing in the product, and it finds what is planted; at real caching proxies."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from paywall.articles.gates import ARTICLE_PATH
from paywall.config import ROOT
from paywall.errors import BadInput, Unavailable
from paywall.office import asking
from paywall.office.asking import Answer, Ask
from paywall.office.caches import judge, moments, proxies, turns
from paywall.office.caches.turns import Order, Seen, Turns
from paywall.office.canaries import PATRON, READER, STAFF, STRANGER, Planted
from tests.articles.files import publish
from tests.live import Server

Headers = list[tuple[str, str]]
BOTH = (Order.FORWARD, Order.BACKWARD)
FOR_A_MINUTE = ("Cache-Control", "public, max-age=60")
KINDS = sorted(proxies.KINDS)


class TestTheProduct:
    """Nothing is mixed up."""

    @pytest.mark.server
    def test_varnish_keeps_what_is_for_all_and_mixes_nobody_up(self, server: Server) -> None:
        said = command("--base", server.url, "--proxy", "varnish", **of(server))
        assert kept(said) >= 9
        assert " 0 answers asked for again" not in said
        assert said.endswith(" 0 faults.\n")

    @pytest.mark.server
    def test_nginx_mixes_nobody_up_at_a_site_of_its_own(self, tmp_path: Path) -> None:
        said = command("--proxy", "nginx", PAYWALL_DATA_DIR=str(tmp_path), PAYWALL_SANDBOX="true")
        assert kept(said) >= 9
        assert said.endswith(" 0 faults.\n")


class Rewritten:
    """WSGI: what a mistake of ours, or of somebody between, would make of the headers under `path`."""

    def __init__(self, app: Any, path: str, drop: Iterable[str], add: Headers) -> None:
        self._app, self._path, self._drop, self._add = app, path, set(drop), add

    def __call__(self, environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            kept = [(name, value) for name, value in headers if name not in self._drop]
            return start_response(status, [*kept, *self._add], exc_info)

        is_meant = environ["PATH_INFO"].startswith(self._path)
        return self._app(environ, start if is_meant else start_response)


def by_cookie(without: Any, having: Any) -> Any:
    """WSGI: one app for who has no cookie, one for who has."""
    return lambda environ, start: (having if "HTTP_COOKIE" in environ else without)(environ, start)


@pytest.mark.server
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", KINDS)
class TestPlantedFaults:
    """A fault in the headers is found, and named."""

    def test_a_personal_page_that_says_public(self, app: Flask, kind: str, tmp_path: Path) -> None:
        drop = ("Cache-Control", "Vary", "Set-Cookie")
        app.wsgi_app = Rewritten(app.wsgi_app, "/account", drop, [FOR_A_MINUTE])  # type: ignore[method-assign]
        with playing(app, kind, tmp_path) as (_, play):
            found = play("/account", BOTH)
        assert {("forward", READER), ("backward", PATRON)} <= mixed(found, "is not what this reader gets")

    def test_a_page_for_visitors_whose_vary_is_missing(self, app: Flask, kind: str, tmp_path: Path) -> None:
        real = app.wsgi_app
        visitors = Rewritten(real, "/", ("Cache-Control", "Vary"), [FOR_A_MINUTE])
        app.wsgi_app = by_cookie(visitors, real)  # type: ignore[method-assign]
        with playing(app, kind, tmp_path) as (_, play):
            found = play("/", BOTH)
        assert ("forward", STAFF) in mixed(found, "came out of the store, and is for one reader alone")
        assert mixed(found, "its Vary does not say so to stranger") == {("directly", "")}

    def test_a_cookie_that_goes_out_with_a_feed(self, app: Flask, kind: str, tmp_path: Path) -> None:
        added = [("Set-Cookie", "paywall=somebody")]
        app.wsgi_app = Rewritten(app.wsgi_app, "/feed.atom", (), added)  # type: ignore[method-assign]
        with playing(app, kind, tmp_path) as (_, play):
            found = play("/feed.atom", BOTH)
        assert mixed(found, "may be kept by all, and sets a cookie for stranger") == {("directly", "")}

    def test_an_article_that_is_still_given_after_it_was_unpublished(
        self, app: Flask, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = app.wsgi_app
        careless = Rewritten(real, ARTICLE_PATH, ("Cache-Control", "Set-Cookie"), [FOR_A_MINUTE])
        app.wsgi_app = careless  # type: ignore[method-assign]
        monkeypatch.setattr(moments, "A_MOMENT", 0)
        with playing(app, kind, tmp_path) as (ready, play):
            path = next(canary.path for canary in ready.canaries if canary.kind == moments.UNPUBLISHED)
            assert mixed(play(path, BOTH), "is not what this reader gets") == set()
            app.wsgi_app = real  # type: ignore[method-assign]  # mended, but what was kept is kept
            moments._change(ready)
            app.extensions["door"].forget()
            found = play(path, BOTH)
        assert ("forward", STRANGER) in mixed(found, "came out of the store")


class TestWhatIsNoFault:
    """What caches may do."""

    @pytest.mark.parametrize(
        ("direct", "through"),
        [
            pytest.param((200, "abcdef", '"t"'), (206, "cde", '"t"'), id="cut a range out"),
            pytest.param((304, "", '"t"'), (200, "abcdef", '"t"'), id="send all of what is known"),
        ],
    )
    def test_the_same_said_otherwise(self, direct: Any, through: Any) -> None:
        assert faults(said(*direct), said(*through)) == []

    def test_a_part_of_something_else_and_all_of_something_else(self) -> None:
        assert faults(said(200, "abcdef", '"t"'), said(206, "xyz", '"t"')) != []
        assert faults(said(304, "", '"t"'), said(200, "abcdef", '"u"')) != []

    def test_what_was_right_before_while_it_may_be_kept(self) -> None:
        old, new = (
            said(200, "old", '"o"', "public, max-age=60"),
            said(200, "new", '"n"', "public, max-age=60"),
        )
        assert faults(new, old, before=old) == []
        assert faults(new, old) == ["is not what this reader gets directly"]
        asked_again = replace(new, headers=said(200, "", '"n"', "public, no-cache").headers)
        assert faults(asked_again, old, before=old) == ["is not what this reader gets directly"]

    def test_pages_with_tokens_of_their_own_differ_and_keep_their_words(self) -> None:
        one, two = (
            said(200, "token 1", "", "private, no-store"),
            said(200, "token 2", "", "private, no-store"),
        )
        assert faults(one, two) == []
        hidden = replace(two, body=b"canary0123456789ab")
        assert faults(one, hidden) == ["holds what this reader may not read: canary0123456789ab"]

    def test_a_cookie_out_of_the_store(self) -> None:
        kept = said(200, "x", '"t"', "public, max-age=60")
        kept = replace(kept, headers=(*kept.headers, ("Set-Cookie", "paywall=x")))
        assert faults(said(200, "x", '"t"', "public, max-age=60"), kept, request_id="other") == [
            "brought a cookie out of the store"
        ]


class TestTheCommand:
    """What it says when it cannot be run, or has proven nothing."""

    @pytest.mark.parametrize("database", ["sqlite"], indirect=True)
    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (
                ("--base", "http://127.0.0.1:9", "--program", "/nowhere/nginx"),
                "nginx cannot be started, there is no program /nowhere/nginx: apt-get install nginx",
            ),
            (
                ("--base", "https://news.example.org"),
                "--base is the site as a proxy asks it: http:// with host and port.",
            ),
        ],
    )
    def test_a_wrong_word_is_answered_in_one_line(self, app: Flask, words: Sequence[str], line: str) -> None:
        done = app.test_cli_runner().invoke(args=["paywall", "cachetest", *words])
        assert (done.exit_code, done.output) == (1, f"Error: {line}\n")

    def test_a_proxy_that_is_not_installed_is_named_with_its_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "")
        monkeypatch.setattr(proxies, "MORE_PLACES", ())
        with (
            pytest.raises(BadInput, match="varnishd is not installed: apt-get install varnish"),
            proxies.running("varnish", None, "127.0.0.1:9", tmp_path),
        ):
            pass

    def test_a_proxy_that_does_not_start_says_why(self, tmp_path: Path) -> None:
        with (
            pytest.raises(Unavailable, match="Varnish did not start:"),
            proxies.running("varnish", sys.executable, "127.0.0.1:9", tmp_path),
        ):
            pass

    def test_a_site_that_is_another_proves_nothing(self, app: Flask, context: None) -> None:
        publish()
        with moments.planted() as (ready, _):
            missing = list(moments.unproven(ready, Seen(may_be_kept={"/feed.atom"})))
        assert "at first, the stranger could not read the article of the kind unpublished" in missing[0]
        assert missing[-1] == "The cache has not kept /feed.atom."

    @pytest.mark.parametrize("database", ["sqlite"], indirect=True)
    def test_a_site_that_lets_nothing_be_kept_proves_nothing(self, app: Flask, context: None) -> None:
        publish()
        with moments.planted() as (ready, _):
            assert "The site lets a cache keep nothing." in list(moments.unproven(ready, Seen()))

    @pytest.mark.parametrize(
        ("status", "headers", "line"),
        [
            (429, (), "limits how often it is asked"),
            (200, ((judge.REQUEST_ID, "another"),), "a cache before this site already"),
        ],
    )
    def test_a_site_that_cannot_be_tried_so_is_told_so(self, status: int, headers: Any, line: str) -> None:
        answer = Answer(status, headers, b"")
        tried = Turns({STRANGER: ""}, direct=lambda _: answer, through=lambda _: answer)
        with pytest.raises(BadInput, match=line):
            list(tried.play("now", [Ask("", "/")], BOTH))

    @pytest.mark.parametrize(
        ("path", "spellings"),
        [
            ("/feed.atom", ["/feed.atom", "/%66eed.atom", "/f%65ed.atom"]),
            ("/", ["/", "/?", "/?&"]),
        ],
    )
    def test_each_order_has_a_spelling_of_its_own(self, path: str, spellings: Sequence[str]) -> None:
        assert [turns.spelling(path, number) for number in range(3)] == spellings


def test_the_docs_show_what_is_tested() -> None:
    shown = (ROOT / "docs" / "caches.md").read_text()
    for name in ("nginx.conf", "varnish.vcl"):
        assert (proxies.HERE / name).read_text() in shown


@contextmanager
def playing(
    app: Flask, kind: str, folder: Path
) -> Iterator[tuple[Planted, Callable[[str, Sequence[Order]], list[turns.Fault]]]]:
    """The app on a server of this process, a proxy before it, and readers who take turns."""
    with app.app_context():
        publish()
    with app.app_context(), moments.planted() as (ready, people), serving(app) as site:
        some = {who: people[who] for who in moments.SOME}
        with proxies.running(kind, None, site, folder) as cache:
            tried = Turns(some, direct=asking.over_http(f"http://{site}"), through=asking.over_http(cache))
            yield ready, lambda path, orders: list(tried.play("now", [Ask("", path)], orders))


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Host and port of the app while it is served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mixed(found: Iterable[turns.Fault], what: str) -> set[tuple[str, str]]:
    """In which order, and to whom, something was wrong; each says so with its headers."""
    faults = [fault for fault in found if what in fault.what]
    assert all(fault.order in str(fault) and fault.ask.path in str(fault) for fault in faults)
    return {(fault.order, fault.who) for fault in faults}


def said(status: int, body: str, tag: str, kept: str = "private, no-cache") -> Answer:
    """An answer to the request named "mine"."""
    headers = (("Cache-Control", kept), ("ETag", tag), (judge.REQUEST_ID, "mine"))
    return Answer(status, headers, body.encode())


def faults(
    direct: Answer, through: Answer, *, before: Answer | None = None, request_id: str = "mine"
) -> list[str]:
    """What the judge says."""
    earlier = {judge.likeness(before)} if before else set()
    return list(judge.mixed_up(direct, through, request_id, earlier))


def command(*words: str, **environ: str) -> str:
    """Run the command in a process of its own; what it says, if it ends well."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "paywall", "cachetest", *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PAYWALL_SECRET_KEY": "x" * 40} | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def kept(said: str) -> int:
    """How many addresses the cache has kept something of."""
    found = re.search(r"(\d+) addresses kept", said)
    assert found
    return int(found[1])


def of(server: Server) -> dict[str, str]:
    """The settings of the running demo."""
    key = (server.data / "secret_key").read_text()
    given = {"PAYWALL_SANDBOX": "true", "PAYWALL_SITE_URL": server.url, "PAYWALL_SECRET_KEY": key}
    return {**server.environ, **given}
