"""Who is let in as a crawler: by the setting, a list, the DNS; and what staff are told of an address."""

import json
from pathlib import Path

import pytest
from flask import Flask

from paywall import clock, create_app
from paywall.access.crawlers import READ_AGAIN, Crawlers, lists
from paywall.access.crawlers.names import Names
from paywall.errors import WrongSetting
from tests.access.crawlers.dns import DNS
from tests.access.crawlers.test_names import HOST, IP, Watch, settle
from tests.conftest import make_settings

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BINGBOT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
INSPECTION = "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LISTED = "66.249.64.7"

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> DNS:
    """A DNS that knows one crawler of Google's."""
    return DNS(monkeypatch, {IP: HOST}, {HOST: IP})


def put_list(folder: Path, name: str, *prefixes: str) -> None:
    """A list as it is published."""
    text = json.dumps({"prefixes": [{"ipv4Prefix": prefix} for prefix in prefixes]}).encode()
    lists.refresh(folder / "crawlers", {name: ""}, clock.wall(), lambda _: text)


def make(folder: Path, crawlers: str = "full", watch: Watch | None = None, **given: object) -> Crawlers:
    """Crawlers by the settings."""
    settings = make_settings(data_dir=folder, crawlers=crawlers, **given)
    return Crawlers(settings, Names(), watch or Watch())


@pytest.mark.parametrize(
    ("address", "agent", "is_verified"),
    [
        (LISTED, GOOGLEBOT, True),
        (f"::ffff:{LISTED}", GOOGLEBOT, True),
        # Out of Google's own house, but at the wish of whoever uses its public test.
        (LISTED, INSPECTION, False),
        (LISTED, BROWSER, False),
        (LISTED, "", False),
        # Another engine's crawler does not come from there.
        (LISTED, BINGBOT, False),
        ("66.249.64.64", GOOGLEBOT, False),
        ("203.0.113.5", GOOGLEBOT, False),
        ("", GOOGLEBOT, False),
        ("unknown", GOOGLEBOT, False),
    ],
)
def test_a_list_verifies_an_address_and_the_agent_only_narrows_it(
    tmp_path: Path, dns: DNS, address: str, agent: str, *, is_verified: bool
) -> None:
    put_list(tmp_path, "google", "66.249.64.0/27")
    assert make(tmp_path).is_verified(address, agent) is is_verified
    settle()


def test_who_is_in_no_list_is_looked_up_and_let_in_from_the_next_request_on(tmp_path: Path, dns: DNS) -> None:
    crawlers = make(tmp_path)
    assert not crawlers.is_verified(IP, GOOGLEBOT)
    settle()
    assert crawlers.is_verified(IP, GOOGLEBOT)
    assert not crawlers.is_verified(IP, BROWSER)
    assert dns.asked == [IP, f"{HOST}."]


def test_a_liar_stays_a_visitor(tmp_path: Path, dns: DNS) -> None:
    crawlers = make(tmp_path)
    dns.reverse["203.0.113.5"] = HOST
    dns.reverse["8.8.8.8"] = HOST
    for address in ("203.0.113.5", "8.8.8.8"):
        for _ in range(3):
            assert not crawlers.is_verified(address, GOOGLEBOT)
            settle()


def test_by_the_usual_setting_nobody_is_let_in_and_nobody_asked(tmp_path: Path, dns: DNS) -> None:
    put_list(tmp_path, "google", "66.249.64.0/27")
    crawlers = make(tmp_path, "teaser")
    assert not crawlers.is_verified(LISTED, GOOGLEBOT)
    assert not crawlers.is_verified(IP, GOOGLEBOT)
    settle()
    assert dns.asked == []


def test_who_does_not_say_that_they_are_a_crawler_is_not_looked_up(tmp_path: Path, dns: DNS) -> None:
    crawlers = make(tmp_path)
    assert not crawlers.is_verified(IP, BROWSER)
    settle()
    assert dns.asked == []


def test_a_list_that_was_fetched_meanwhile_is_seen_by_a_running_process(tmp_path: Path, dns: DNS) -> None:
    watch = Watch()
    crawlers = make(tmp_path, watch=watch)
    put_list(tmp_path, "google", "66.249.64.0/27")
    assert not crawlers.is_verified(LISTED, GOOGLEBOT)
    watch.now += READ_AGAIN
    crawlers.is_verified(LISTED, GOOGLEBOT)
    settle()
    assert crawlers.is_verified(LISTED, GOOGLEBOT)


def test_a_list_that_is_switched_off_is_not_believed(tmp_path: Path, dns: DNS) -> None:
    put_list(tmp_path, "google", "66.249.64.0/27")
    assert not make(tmp_path, crawler_lists="").is_verified(LISTED, GOOGLEBOT)
    settle()


@on_sqlite
def test_the_app_has_its_crawlers_and_refuses_an_engine_that_it_does_not_know(
    app: Flask, tmp_path: Path
) -> None:
    assert isinstance(app.extensions["crawlers"], Crawlers)
    given = {"crawler_lists": "yandex=https://lists.example/y.json"}
    with pytest.raises(WrongSetting, match="yandex"):
        create_app(make_settings(data_dir=tmp_path, **given))


def ask(app: Flask, address: str) -> tuple[int, str]:
    """What the command says, and its exit code."""
    result = app.test_cli_runner().invoke(args=["paywall", "crawler", address])
    return result.exit_code, result.output


@on_sqlite
@pytest.mark.settings(crawlers="full")
def test_staff_are_told_what_we_know_of_an_address(app: Flask, dns: DNS, tmp_path: Path) -> None:
    put_list(tmp_path, "google", "66.249.64.0/27")
    code, said = ask(app, IP)
    assert code == 0
    assert "google\n  list  no, not among 1 networks of 20" in said
    assert f"yes, {HOST} is theirs and leads back to {IP}" in said
    assert "bing\n  list  not here yet" in said
    assert "duckduckgo\n" in said
    assert "it gives its crawler no names" in said
    assert "So: the whole text, if its User-Agent names the crawler of google." in said
    assert "list  yes, among 1 networks" in ask(app, LISTED)[1]


@on_sqlite
@pytest.mark.settings(crawler_lists="")
def test_staff_are_told_what_keeps_a_crawler_from_the_text(app: Flask, dns: DNS) -> None:
    said = ask(app, IP)[1]
    assert "So: google, and the teaser like every visitor (PAYWALL_CRAWLERS is teaser)." in said
    assert "none is set (PAYWALL_CRAWLER_LISTS)" in said
    dns.reverse["203.0.113.5"] = "googlebot.com.evil.org"
    dns.reverse["8.8.8.8"] = "googlebot.com.evil.org"
    said = ask(app, "8.8.8.8")[1]
    assert "no, 8.8.8.8 is googlebot.com.evil.org" in said
    assert "So: an ordinary visitor, whatever it says that it is." in said
    assert "no, 8.8.4.4 has no name" in ask(app, "8.8.4.4")[1]
    dns.reverse["8.8.4.4"] = TimeoutError()
    assert "no answer: try again" in ask(app, "8.8.4.4")[1]


@on_sqlite
def test_what_is_no_address_is_said_so(app: Flask) -> None:
    code, said = ask(app, "googlebot.com")
    assert code == 1
    assert "'googlebot.com' is no address" in said
