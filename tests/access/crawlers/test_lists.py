"""The engines' lists: fetched, checked before they replace anything, and kept when nothing good comes."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from flask import Flask

from paywall import clock
from paywall.access.crawlers import lists
from paywall.access.crawlers.lists import DAY, OLDEST, fetch, kept, refresh, wanted
from paywall.access.crawlers.ranges import BrokenList
from paywall.errors import WrongSetting
from tests.conftest import make_settings

GOOD = json.dumps({"prefixes": [{"ipv4Prefix": "66.249.64.0/27"}]}).encode()
NEWER = json.dumps({"prefixes": [{"ipv4Prefix": "192.178.4.0/27"}]}).encode()
URLS = {"google": "https://lists.example/google.json"}


class Site(ThreadingHTTPServer):
    """A site of one page; `page` says how it is answered."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.page: Callable[[BaseHTTPRequestHandler], object] = lambda page: page.wfile.write(b"")
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class _Page(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:  # as the library calls it
        with suppress(OSError):  # the other side has had enough
            self.server.page(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    """A site on this machine."""
    with Site() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


def answer(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """A page that answers so."""

    def page(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return page


def test_a_list_comes_as_it_is(site: Site) -> None:
    site.page = answer(GOOD)
    assert fetch(site.url) == GOOD


def test_a_list_that_is_too_long_is_left(site: Site) -> None:
    site.page = answer(b"x" * 5000)
    assert len(fetch(site.url, size=5000)) == 5000
    with pytest.raises(BrokenList, match="longer"):
        fetch(site.url, size=4999)


def test_who_sends_byte_by_byte_does_not_hold_us(site: Site) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        while not site.over.wait(0.02):
            request.wfile.write(b"x")

    site.page = drip
    with pytest.raises(BrokenList, match="too long"):
        fetch(site.url, seconds=0.2)


def test_who_says_nothing_does_not_hold_us(site: Site) -> None:
    site.page = lambda _: site.over.wait(10)
    with pytest.raises(BrokenList, match="did not come"):
        fetch(site.url, silence=0.1)


@pytest.mark.parametrize("status", [204, 301, 302, 403, 404, 500, 503])
def test_only_a_plain_answer_is_read_and_no_redirect_followed(site: Site, status: int) -> None:
    site.page = answer(GOOD, status, Location=f"{site.url}elsewhere")
    with pytest.raises(BrokenList, match=str(status)):
        fetch(site.url)


def test_a_site_that_is_not_there_is_no_list() -> None:
    with Site() as gone:
        url = gone.url
    with pytest.raises(BrokenList, match="did not come"):
        fetch(url)


def failing(_url: str) -> bytes:
    """A network that is down."""
    raise BrokenList("it did not come")


def test_a_new_list_takes_the_place_of_the_old_one_each_day(tmp_path: Path) -> None:
    now = clock.wall()
    assert refresh(tmp_path, URLS, now, lambda _: GOOD) == ["google"]
    assert refresh(tmp_path, URLS, now + DAY - timedelta(minutes=1), lambda _: NEWER) == []
    assert refresh(tmp_path, URLS, now + DAY + timedelta(minutes=1), lambda _: NEWER) == ["google"]
    held = kept(tmp_path, "google", clock.wall())
    assert held is not None
    assert ip_address("192.178.4.1") in held.ranges
    assert ip_address("66.249.64.1") not in held.ranges
    assert [path.name for path in tmp_path.iterdir()] == ["google.json"]


@pytest.mark.parametrize(
    "fetch",
    [
        pytest.param(failing, id="offline"),
        pytest.param(lambda _: b"<html>Sorry</html>", id="a page"),
        pytest.param(lambda _: b'{"prefixes": []}', id="an empty list"),
        pytest.param(lambda _: b'{"prefixes": [{"ipv4Prefix": "0.0.0.0/0"}]}', id="everybody"),
        pytest.param(lambda _: GOOD[:-5], id="half a list"),
    ],
)
def test_the_last_good_list_stays(tmp_path: Path, fetch: Callable[[str], bytes]) -> None:
    now = clock.wall()
    refresh(tmp_path, URLS, now, lambda _: GOOD)
    assert refresh(tmp_path, URLS, now + timedelta(days=3), fetch) == []
    held = kept(tmp_path, "google", now)
    assert held is not None
    assert ip_address("66.249.64.1") in held.ranges


def test_one_list_that_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    def one(url: str) -> bytes:
        return GOOD if url == "good" else failing(url)

    assert refresh(tmp_path, {"google": "bad", "bing": "good"}, clock.wall(), one) == ["bing"]


def test_a_list_is_believed_for_its_time_and_no_longer(tmp_path: Path) -> None:
    fetched_at = datetime(2026, 11, 1, tzinfo=UTC)
    (tmp_path / "google.json").write_bytes(GOOD)
    os.utime(tmp_path / "google.json", (fetched_at.timestamp(), fetched_at.timestamp()))
    held = kept(tmp_path, "google", fetched_at + OLDEST - timedelta(seconds=1))
    assert held is not None
    assert held.fetched_at == fetched_at
    assert kept(tmp_path, "google", fetched_at + OLDEST) is None


def test_what_is_in_the_folder_and_no_list_is_none(tmp_path: Path) -> None:
    (tmp_path / "google.json").write_bytes(b"{}")
    (tmp_path / "bing.json").mkdir()
    assert [kept(tmp_path, name, clock.wall()) for name in ("google", "bing", "apple")] == [None] * 3


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("", {}),
        ("  ", {}),
        ("google=https://a.example/x.json", {"google": "https://a.example/x.json"}),
        (
            "google=https://a.example/x?a=b, bing=https://b.example/",
            {"google": "https://a.example/x?a=b", "bing": "https://b.example/"},
        ),
    ],
)
def test_the_setting_names_engine_and_address(setting: str, found: dict[str, str]) -> None:
    assert wanted(setting) == found
    assert make_settings(crawler_lists=setting).crawler_lists == setting


@pytest.mark.parametrize(
    "setting", ["https://a.example", "google=http://a.example", "google=", "google https://a.example"]
)
def test_a_setting_of_another_form_is_refused(setting: str) -> None:
    with pytest.raises(WrongSetting, match="PAYWALL_CRAWLER_LISTS"):
        make_settings(crawler_lists=setting)


def test_the_usual_setting_names_engines_that_we_know() -> None:
    assert set(wanted(make_settings().crawler_lists)) == {"google", "bing", "apple", "duckduckgo"}
    with pytest.raises(WrongSetting, match="PAYWALL_CRAWLER_LISTS: yandex is no engine"):
        wanted("yandex=https://a.example")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "is_full",
    [
        pytest.param(
            True, marks=pytest.mark.settings(crawlers="full", crawler_lists="google=https://127.0.0.1:9/x")
        ),
        pytest.param(False, marks=pytest.mark.settings(crawler_lists="google=https://127.0.0.1:9/x")),
    ],
)
def test_lists_are_fetched_only_where_they_are_asked_for(
    app: Flask, context: None, capsys: pytest.CaptureFixture[str], *, is_full: bool
) -> None:
    lists.keep_fresh()
    assert ("crawler_list_refused" in capsys.readouterr().err) is is_full
