"""The upstream as a WSGI app, against a real server: streamed both ways, without what is ours."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import Client, TestResponse, create_environ, run_wsgi_app
from werkzeug.wrappers import Response

from paywall.access.upstream import Upstream
from tests.access.another import FILE, FREE, Site, running

PUBLIC = "https://news.example.org"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A site, once for all tests here."""
    with running() as site:
        yield site


@pytest.fixture
def upstream(site: Site) -> Upstream:
    """The site as an app."""
    site.go_on.clear()
    return _upstream(site.url)


@pytest.fixture
def browser(upstream: Upstream) -> Client:
    """A browser that keeps no cookies."""
    return Client(upstream, use_cookies=False)


def _upstream(address: str, seconds: float = 5) -> Upstream:
    return Upstream(
        address,
        public=PUBLIC,
        host="old.example.org",
        seconds=seconds,
        is_ours=lambda name: name.startswith("paywall"),
        error=lambda _environ, status: Response(f"error {status}", status),
    )


def _echoed(answer: TestResponse) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(answer.text)
    return told


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a_request_goes_on_with_method_query_and_body(browser: Client, method: str) -> None:
    told = _echoed(browser.open("/echo/ä b%25?q=%C3%A4&x", method=method, data=b"one two"))
    assert told["method"] == method
    assert told["path"] == "/echo/%C3%A4%20b%25?q=%C3%A4&x"
    assert told["body"] == "one two"


def test_the_site_is_told_who_asks_by_us_alone(browser: Client) -> None:
    told = _echoed(
        browser.get(
            "/echo",
            headers={
                "Host": "evil.example",
                "X-Forwarded-For": "6.6.6.6",
                "X-Forwarded-Host": "evil.example",
                "X-Forwarded-Proto": "ftp",
                "Forwarded": "for=6.6.6.6",
                "X-Real-IP": "6.6.6.6",
                "X-Original-URL": "/secret",
                "X-Rewrite-URL": "/secret",
                "Proxy": "http://evil.example",
                "Connection": "keep-alive, X-Hop",
                "X-Hop": "1",
                "TE": "trailers",
                "Upgrade": "h2c",
                "X-Kept": "2",
                "User-Agent": "a browser",
            },
            environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
        )
    )
    assert told["headers"] == {
        "host": "old.example.org",
        "user-agent": "a browser",
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-host": "news.example.org",
        "x-forwarded-proto": "https",
        "x-kept": "2",
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("paywall=abc", None),
        ("cart=1; paywall=abc; paywall_meter=d; x=y=z", "cart=1; x=y=z"),
        ("a=1;paywall=abc;  b=2", "a=1; b=2"),
    ],
)
def test_our_cookies_never_reach_the_site(browser: Client, given: str, sent: str | None) -> None:
    told = _echoed(browser.get("/echo", headers={"Cookie": given}))
    assert told["headers"].get("cookie") == sent
    assert "abc" not in json.dumps(told)


def test_the_site_sets_its_own_cookies_for_our_host_and_none_of_ours(browser: Client) -> None:
    answer = browser.get("/cookies")
    assert answer.headers.getlist("Set-Cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


def test_orders_to_a_proxy_stay_with_us(browser: Client) -> None:
    kept = {name.lower() for name, _value in browser.get("/cookies").headers}
    assert kept == {"server", "date", "set-cookie", "content-length"}


def test_a_redirect_to_the_site_leads_to_our_address(browser: Client, site: Site) -> None:
    for given, sent in {
        f"{site.url}/a?b#c": f"{PUBLIC}/a?b#c",
        "http://OLD.example.org/a": f"{PUBLIC}/a",
        "//old.example.org/a": f"{PUBLIC}/a",
        "/a": "/a",
        "https://elsewhere.example/a": "https://elsewhere.example/a",
        "http://[": "http://[",
    }.items():
        answer = browser.get(f"/moved?to={quote(given)}")
        assert (answer.status_code, answer.headers["Location"]) == (301, sent)


@pytest.mark.parametrize("path", ["//evil.example/echo", "/http://evil.example/echo", "http://evil.example/"])
def test_no_path_leads_to_another_server(upstream: Upstream, site: Site, path: str) -> None:
    site.seen.clear()
    environ = create_environ("/")
    environ["PATH_INFO"], environ["HTTP_HOST"] = path, "evil.example"
    body, status, _headers = run_wsgi_app(upstream, environ, buffered=True)
    assert site.seen[0][1].startswith("/")
    assert "evil" in site.seen[0][1]
    assert status[:3] in {"200", "404"}
    assert body


def test_a_body_goes_on_in_pieces_when_its_length_is_not_known(upstream: Upstream, site: Site) -> None:
    environ = create_environ("/echo", method="POST")
    environ |= {
        "wsgi.input": _Pieces([b"one ", b"two"]),
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input_terminated": True,
    }
    environ.pop("CONTENT_LENGTH", None)
    body, _status, _headers = run_wsgi_app(upstream, environ, buffered=True)
    told = json.loads(b"".join(body))
    assert told["body"] == "one two"
    assert told["headers"]["transfer-encoding"] == "chunked"


class _Pieces:
    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def read(self, _size: int = -1) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


def test_an_answer_comes_in_pieces_as_it_is_sent(upstream: Upstream, site: Site) -> None:
    chunks, _status, headers = run_wsgi_app(upstream, create_environ("/slow"))
    assert next(iter(chunks)) == b"<title>first</title><body>"
    site.go_on.set()
    assert b"".join(chunks) == b"last"
    assert "Transfer-Encoding" not in headers


def test_head_and_parts_are_passed_on(browser: Client) -> None:
    head = browser.head("/film.mp4")
    assert (head.data, head.headers["Content-Length"]) == (b"", str(len(FILE)))
    part = browser.get("/film.mp4", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")


def test_a_connection_is_used_again_only_if_it_was_read_to_its_end(upstream: Upstream, site: Site) -> None:
    for _often in range(3):
        chunks, _status, _headers = run_wsgi_app(upstream, create_environ("/slow"))
        next(iter(chunks))
        chunks.close()  # type: ignore[attr-defined]  # a server does so
    site.go_on.set()
    browser = Client(upstream, use_cookies=False)
    assert [browser.get("/free", buffered=True).text for _often in range(3)] == [FREE] * 3


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"method": "TRACE"}, 405),
        ({"method": "CONNECT"}, 405),
        ({"headers": {"Connection": "Upgrade", "Upgrade": "WebSocket"}}, 501),
    ],
)
def test_what_we_do_not_do_is_refused_clearly(
    browser: Client, site: Site, given: dict[str, Any], status: int
) -> None:
    site.seen.clear()
    assert browser.open("/echo", **given).text == f"error {status}"
    assert site.seen == []


def test_a_site_that_is_gone_or_hangs_up_is_a_502(site: Site) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = Client(_upstream(f"http://127.0.0.1:{nobody.getsockname()[1]}"))
        assert gone.get("/").text == "error 502"
    site.seen.clear()
    browser = Client(_upstream(site.url))
    assert browser.get("/hangs-up").text == "error 502"
    assert browser.post("/hangs-up", data=b"x").text == "error 502"
    # What can be asked twice is: the connection may have been an old one.
    assert [method for method, _path in site.seen] == ["GET", "GET", "POST"]


def test_a_site_that_is_too_slow_is_a_504(site: Site) -> None:
    site.go_on.clear()
    assert Client(_upstream(site.url, seconds=0.1)).get("/silent").text == "error 504"


def test_an_answer_that_breaks_off_is_not_made_to_look_whole(upstream: Upstream) -> None:
    chunks, _status, _headers = run_wsgi_app(upstream, create_environ("/cut-off"))
    with pytest.raises(Exception, match="IncompleteRead"):
        list(chunks)
