"""Whether tags nest: a mark is believed to end where it ends only where they do."""

import pytest

from paywall.access.nesting import read
from tests.access.another import PAGES


@pytest.mark.parametrize(
    "html",
    [
        "",
        "text",
        "<!doctype html><html><head><meta charset=utf-8><title>a</title><body><p>a<p>b<div>c</div>",
        "<p>a<ul><li>a<p>b<li>c<ul><li>d</ul></ul><p>e",
        "<table><caption>a</caption><colgroup><col><tr><td>a<p>b<td>c<tr><th>d<tbody><tr><td>e</table>",
        "<table> <tbody> <tr> <td><table><tr><td>a</table> </table>",
        "<dl><dt>a<dd>b<dt>c<dd><p>d</dl>",
        "<p>a<br/>b<img src=a /></img><hr>",
        '<svg><path d="a"/><g><path/></g></svg><p>a',
        "<script>if (a < b) '</div>'</script><!-- </div> --><p><button><div>a</div></button></p>",
        "<select><option>a<option>b</select>",
    ],
)
def test_what_browsers_read_without_moving_anything_is_sound(html: str) -> None:
    assert read(html, "paywall").is_sound


@pytest.mark.parametrize(
    "html",
    [
        "<div>",
        "</div>",
        "<div></p></div>",
        "</br>",
        "<p><div>a</div></p>",
        "<p>a<span><p>b</p></span></p>",
        "<b><p>a</b></p>",
        "<div><section></div></section>",
        "<ul><li><div>a<li>b</div></ul>",
        "<ul><li><span>a<li>b</span></ul>",
        "<dl><dd><div><dt></div></dl>",
        "<table><div>a</div></table>",
        "<table>a</table>",
        "<table><tr>a<td>b</table>",
        "<table><tr><td><div>a<td>b</div></table>",
        "<div/>",
    ],
)
def test_what_they_mend_is_not(html: str) -> None:
    assert not read(html, "paywall").is_sound


def test_the_pages_of_themes_are_sound_but_for_the_broken_one() -> None:
    found = {place.stem: read(place.read_text(), "paywall").is_sound for place in PAGES.glob("*.html")}
    assert found == {"block": True, "classic": True, "hugo": True, "broken": False}


@pytest.mark.parametrize(
    ("html", "mark"),
    [
        ("<p>a\n\nä<!-- paywall -->b", "<!-- paywall -->b"),
        ("<p>a<!-- /paywall -->b<i class=paywall>", "<!-- /paywall -->b"),
        ("<p>a<!--more-->b", "<!--more-->b"),
        ("<p>\r\na<span id=more-7></span>b", "<span id=more-7>"),
        ("<p>a\n <b class='x Paywall'>b", "<b class='x Paywall'>b"),
    ],
)
def test_it_is_known_where_the_first_mark_begins(html: str, mark: str) -> None:
    found = read(html, "paywall").mark
    assert found is not None
    assert html[found:].startswith(mark)


@pytest.mark.parametrize(
    "html", ["", "<p>paywall", "<i class=paywalls>", "<i id=more-1 class>", "<!--mores-->"]
)
def test_there_may_be_none(html: str) -> None:
    assert read(html, "paywall").mark is None
