"""Which path has which gate, in whatever way the path is spelled, and which requests ask for a copy."""

from pathlib import Path

import pytest

from paywall.access.decision import Gate
from paywall.access.patterns import COPIES, Asked, Pattern, Rules
from paywall.errors import WrongSetting


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/news", "/news", True),
        ("/news", "/news/", True),
        ("/news/", "/news", True),
        ("/news", "/news/2024/a", True),
        ("/news", "/newspaper", False),
        ("/news", "/NEWS//a;v=1", True),
        ("/news", "//news", True),
        ("/news", "/old/news", False),
        ("/", "/", True),
        ("/", "//", True),
        ("/", "/a", False),
        ("/*", "/", True),
        ("/*", "/a/b", True),
        ("/2024/*-secret", "/2024/01/a-secret", True),
        ("/2024/*-secret", "/2024/01/a-secret/amp", True),
        ("/2024/*-secret", "/2024/01/a-secrets", False),
        ("*.json", "/a/b.json", True),
        ("*.json", "/a/bxjson", False),
        ("/%D0%BD", "/н", True),
    ],
)
def test_a_pattern_is_a_page_and_all_below_it(pattern: str, path: str, *, matches: bool) -> None:
    assert Pattern.parse(pattern).matches(Asked.of(path)) is matches


@pytest.mark.parametrize(
    ("pattern", "query", "matches"),
    [
        ("?feed", "feed=rss2", True),
        ("?feed", "a=1&feed", True),
        ("?feed", "FEED[]=rss2", True),
        ("?feed", "feeds=1", False),
        ("?rest_route", "rest.route=/wp/v2/posts", True),
        ("?rest_route", "+rest%5Froute=/", True),
        ("/a?feed", "feed", True),
        ("/b?feed", "feed", False),
    ],
)
def test_a_name_in_the_query_is_read_as_php_reads_it(pattern: str, query: str, *, matches: bool) -> None:
    assert Pattern.parse(pattern).matches(Asked.of("/a", query)) is matches


def test_the_first_pattern_that_matches_gives_the_gate(tmp_path: Path) -> None:
    rules = _rules(
        tmp_path,
        """
        [[gates]]
        path = "/news/open"
        gate = "public"
        [[gates]]
        path = "/news"
        gate = "plan:circle,friend"
        [[gates]]
        path = "/*"
        gate = "registered"
        """,
    )
    assert rules.gate(Asked.of("/news/open/a")) == Gate.parse("public")
    assert rules.gate(Asked.of("/news/a")) == Gate.parse("plan:circle,friend")
    assert rules.gate(Asked.of("/a")) == Gate.parse("registered")
    assert Rules().gate(Asked.of("/a")) is None


@pytest.mark.parametrize(
    "asked",
    [
        ("/feed/", ""),
        ("/2024/a/feed/atom/", ""),
        ("/", "feed=rss2"),
        ("/wp-json/wp/v2/posts", "search=pearl"),
        ("/blog/wp-json/", ""),
        ("/", "rest_route=/wp/v2/posts/1"),
        ("/wp-admin/", "rest_route=/wp/v2/posts/1"),
        ("/2024/a/amp/", ""),
        ("/2024/a/", "amp"),
        ("/2024/a/", "outputType=amp"),
        ("/posts/index.xml", ""),
        ("/_next/data/x/a.json", ""),
        ("/page-data/a/page-data.json", ""),
        ("/", "_jsonp=f"),
        ("/wp-content/cache/supercache/a/index.html", ""),
    ],
)
def test_what_gives_the_text_in_another_form_is_a_copy(asked: tuple[str, str]) -> None:
    assert Rules().is_copy(Asked.of(*asked))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/feedback",
        "/2024/a/",
        "/manifest.json",
        "/wp-includes/a.json",
        "/print/",
        "/amp",
        "/sitemap.xml",
    ],
)
def test_what_is_no_copy_passes(path: str) -> None:
    assert not Rules().is_copy(Asked.of(path, "utm_source=letter"))


def test_a_copy_is_opened_by_path_or_by_name_but_not_by_the_path_of_another(tmp_path: Path) -> None:
    rules = _rules(tmp_path, 'opened = ["/feed", "/wp-json/contact-form-7", "/a?amp"]')
    assert not rules.is_copy(Asked.of("/feed/"))
    assert not rules.is_copy(Asked.of("/wp-json/contact-form-7/v1"))
    assert not rules.is_copy(Asked.of("/a", "amp=1"))
    assert rules.is_copy(Asked.of("/feed/", "rest_route=/wp/v2/posts"))
    assert rules.is_copy(Asked.of("/wp-json/wp/v2/posts"))
    assert rules.is_copy(Asked.of("/b", "amp=1"))


def test_the_list_of_copies_can_be_another(tmp_path: Path) -> None:
    rules = _rules(tmp_path, 'copies = ["*/raw"]\nmarked = "registered"')
    assert rules.is_copy(Asked.of("/a/raw"))
    assert not rules.is_copy(Asked.of("/feed"))
    assert rules.marked == Gate.parse("registered")
    assert len(_rules(tmp_path, "").copies) == len(COPIES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", "cannot read"),
        ('gate = "patrons"', "gate: known are"),
        ('gates = ["/a"]', "gates must be a list of tables"),
        ('copies = "a"', "copies must be a list of texts"),
        ('[[gates]]\npath = "/a"', "needs a path and a gate"),
        ('[[gates]]\npath = "/a"\ngate = "patron"', "'patron' is no gate"),
        ('[[gates]]\npath = "a"\ngate = "patrons"', "'a' is no pattern"),
        ('opened = [""]', "'' is no pattern"),
        ('marked = "all"', "'all' is no gate"),
    ],
)
def test_a_slip_of_the_pen_stops_the_start_with_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        _rules(tmp_path, text)
    assert said in wrong.value.message
    assert "rules.toml" in wrong.value.message
    assert "\n" not in wrong.value.message


def test_a_file_that_is_not_there_is_one_line_too(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="cannot read the rules"):
        Rules.read(tmp_path / "none.toml")


def _rules(folder: Path, text: str) -> Rules:
    place = folder / "rules.toml"
    place.write_text(text)
    return Rules.read(place)
