"""What a crawler says that it is, and whose a host name is: the table of engines."""

import pytest

from paywall.access.crawlers.engines import BY_NAME, LONGEST_AGENT, claimed, read

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.mark.parametrize(
    ("agent", "engine"),
    [
        (GOOGLEBOT, "google"),
        ("Googlebot-Image/1.0", "google"),
        ("Mozilla/5.0 (Linux; Android 6.0.1) Mobile (compatible; GOOGLEBOT/2.1)", "google"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bing"),
        (
            "Mozilla/5.0 (Macintosh) Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
            "apple",
        ),
        ("DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)", "duckduckgo"),
        # Anyone can send these to a page of their choice, and read what they bring home.
        ("Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)", None),
        ("FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)", None),
        ("GoogleOther", None),
        ("AdsBot-Google (+http://www.google.com/adsbot.html)", None),
        ("Mozilla/5.0 (compatible; GPTBot/1.1; +https://openai.com/gptbot)", None),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", None),
        ("x" * LONGEST_AGENT + GOOGLEBOT, None),
        ("", None),
    ],
)
def test_only_what_fills_an_index_is_looked_at(agent: str, engine: str | None) -> None:
    found = claimed(agent)
    assert (found.name if found else None) == engine


@pytest.mark.parametrize(
    ("engine", "host", "is_theirs"),
    [
        ("google", "crawl-66-249-66-1.googlebot.com", True),
        ("google", "geo-crawl-34-80-50-81.geo.googlebot.com", True),
        ("google", "googlebot.com", False),
        ("google", "evilgooglebot.com", False),
        ("google", "googlebot.com.evil.org", False),
        ("google", "crawl.googlebot.com.evil.org", False),
        ("google", "google-proxy-66-249-90-77.google.com", False),
        ("google", "1.2.3.34.bc.googleusercontent.com", False),
        ("google", "msnbot-157-55-33-18.search.msn.com", False),
        ("google", "a..googlebot.com", False),
        ("google", ".googlebot.com", False),
        ("google", f"{'a' * 64}.googlebot.com", False),
        ("google", f"{'a.' * 130}googlebot.com", False),
        ("google", "a\0.googlebot.com", False),
        ("google", "a b.googlebot.com", False),
        ("google", "gооgle.googlebot.com", False),
        ("bing", "msnbot-157-55-33-18.search.msn.com", True),
        ("bing", "msn.com", False),
        ("apple", "17-58-101-179.applebot.apple.com", True),
        ("apple", "17-58-101-179.apple.com", False),
        ("duckduckgo", "crawl.duckduckgo.com", False),
    ],
)
def test_a_host_is_theirs_if_its_name_ends_in_their_domain(engine: str, host: str, is_theirs: bool) -> None:  # noqa: FBT001
    assert BY_NAME[engine].owns(host) is is_theirs


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("66.249.66.1", "66.249.66.1"),
        ("::ffff:66.249.66.1", "66.249.66.1"),
        ("::FFFF:42f9:4201", "66.249.66.1"),
        ("2001:4860:4801:0010::0001", "2001:4860:4801:10::1"),
        ("66.249.66.1, 10.0.0.1", None),
        ("066.249.66.1", None),
        ("66.249.66", None),
        ("unix:", None),
        ("", None),
    ],
)
def test_an_address_is_read_in_one_way_only(address: str, same: str | None) -> None:
    found = read(address)
    assert (str(found) if found else None) == same
