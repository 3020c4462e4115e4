"""The cut of another site's page: by its marks, with every copy of what is gated, and whole HTML."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from paywall.access.copies import RUN
from paywall.access.marked import Cut, Marks, cut, said
from tests.access.another import PAGES, is_secret

SECRET = "Under the third stair lies a pearl that nobody in the house has counted yet."
SHORT = "It is worth more than the tram."
OPEN = "The council voted at night and the lights stayed on until the last hand was down."
MARKS = Marks(words=10)


def page(body: str, head: str = "") -> str:
    return f"<!DOCTYPE html><html><head><title>A</title>{head}</head><body>{body}</body></html>"


def article(text: str) -> str:
    return page(f"<header>Menu</header><main><p>{OPEN}</p>{text}</main><footer>Foot</footer>")


def shown(html: str, marks: Marks = MARKS) -> str:
    """The page after the cut with [offer] in its place; it holds no secret."""
    found = cut(html, marks)
    assert found is not None
    result = f"{found.before}[offer]{found.after}"
    assert not is_secret(result)
    assert "place" not in result
    return result


class TestMarks:
    """What is gated, in each of the ways in which it can be marked."""

    @pytest.mark.parametrize(
        ("marked", "left"),
        [
            (f'<div class="x paywall"><p>{SECRET}</p></div><p>after</p>', "[offer]<p>after</p>"),
            (f'<div class="Paywall"><div class="paywall">{SECRET}</div></div>', "[offer]"),
            (f'<p class="paywall">{SECRET}</p><p>b</p><p class="paywall">{SHORT}</p>', "[offer]<p>b</p>"),
            (f'<ul><li>a</li><li class="paywall">{SECRET}</li></ul>', "<ul><li>a</li></ul>[offer]"),
            (f'<p>a <span class="paywall">{SECRET}</span> b</p>', "<p>a  b</p>[offer]"),
            (
                f'<table><tr><td>a<td class="paywall">{SECRET}</table>',
                "<table><tbody><tr><td>a</td></tr></tbody></table>[offer]",
            ),
            ('<div class="paywall"><img src="/secret.jpg"></div>', "[offer]"),
            (f"<!-- paywall --><p>{SECRET}</p><!-- /paywall --><p>after</p>", "[offer]<p>after</p>"),
            (f"<p>a<!--paywall--> {SECRET}</p><p>{SHORT}<!--/paywall--> b</p>", "<p>a</p>[offer]<p> b</p>"),
            (
                f"<!-- paywall -->{SECRET}<!-- /paywall --><p>b</p><!-- paywall -->{SHORT}<!-- /paywall -->",
                "[offer]<p>b</p>",
            ),
            (f"<p>a</p><!-- more --><p>{SECRET}</p>", "<p>a</p>[offer]"),
            (f'<p>a<span id="more-12"></span> {SECRET}</p><p>{SHORT}</p>', "<p>a</p>[offer]"),
        ],
    )
    def test_the_gated_part_goes_and_the_offer_stands_in_its_place(self, marked: str, left: str) -> None:
        assert shown(article(marked)) == article(left)

    @pytest.mark.parametrize(
        "marked",
        [
            f"<!-- paywall --><p>{SECRET}</p>",
            f"<!-- paywall --><p>{SECRET}</p><!-- /paywall --><!-- paywall --><p>{SHORT}</p>",
        ],
    )
    def test_a_mark_that_is_not_closed_has_no_end(self, marked: str) -> None:
        assert shown(article(marked)).endswith("[offer]</main></body></html>")

    @pytest.mark.parametrize(
        "marked",
        [
            f'<p class="paywall">{SHORT}<div>{SECRET}</div></p><p>after</p>',
            f'<div class="paywall">{SHORT}</div></div><div>{SECRET}</div>',
            f'<div class="paywall"><section>{SHORT}</div>{SECRET}</section>',
            f'<div class="paywall">{SHORT}</div><table><div>{SECRET}</div></table>',
            f'<div class="paywall">{SHORT}</div><table>{SECRET}</table>',
            f"<p>a</p><!--more-->{SHORT}</main>{SECRET}",
        ],
    )
    def test_where_tags_do_not_nest_all_that_follows_goes(self, marked: str) -> None:
        assert "[offer]" in shown(article(marked))
        assert "Foot" not in shown(article(marked))

    def test_a_mark_that_only_one_of_two_readers_sees_is_not_cut_at_all(self) -> None:
        assert cut(article(f"<div><![CDATA[ > <p class=paywall>{SECRET}</p> ]]>"), MARKS) is None

    def test_a_page_of_frames_is_not_cut_at_all(self) -> None:
        assert cut(f"<frameset><frame></frameset><noframes>{SECRET}</noframes>", MARKS) is None

    @pytest.mark.parametrize(
        "body",
        [
            f'<table class="paywall"><tr><td>{SECRET}</table>',
            f'<a class="paywall">{SECRET}</a>',
            f"<!-- /paywall -->{SECRET}<!-- paywall -->",
            f"<!-- paywall -->{SHORT}<!-- /paywall -->{SECRET}<!-- /paywall -->",
            f'<!-- paywall -->{SHORT}<!-- /paywall --><div class="paywall">{SECRET}</div>',
        ],
    )
    def test_marks_that_contradict_themselves_are_not_cut_at_all(self, body: str) -> None:
        assert cut(article(body), MARKS) is None

    def test_a_mark_outside_of_the_body_is_not_cut_at_all(self) -> None:
        assert cut(page(f"<p>{SECRET}</p>", head="<!-- paywall -->"), MARKS) is None
        assert cut(page(SECRET).replace("<body>", '<body class="paywall">'), MARKS) is None

    def test_the_class_is_a_setting(self) -> None:
        marks = Marks(css_class="members-only")
        assert "[offer]" in shown(article(f'<p class="members-only">{SECRET}</p>'), marks)
        assert "class" in shown(
            article(f'<p class="paywall">{OPEN}</p><p class="members-only">{SECRET}</p>'), marks
        )


class TestWithoutMark:
    """A gate and no mark: the first words of the text, and no more than half of it."""

    def test_the_first_words_are_shown(self) -> None:
        rest = shown(article(f"<p>{SECRET}</p>")).partition("<main>")[2]
        assert rest.startswith(
            "<p>The council voted at night and the lights stayed on…</p>[offer]</main><footer>"
        )

    @pytest.mark.parametrize("mark", ['<div class="paywall"></div>', '<p class="paywall"> </p>'])
    def test_a_mark_around_nothing_is_no_mark(self, mark: str) -> None:
        assert "voted at night and the lights stayed on…</p>" in shown(article(f"{mark}<p>{SECRET}</p>"))

    def test_more_at_the_very_end_is_no_mark(self) -> None:
        html = page(f'<main><p>{OPEN}</p><p>{SECRET}</p><span id="more-1"></span></main>')
        assert "stayed on…</p>" in shown(html)

    def test_the_text_is_the_fullest_place_of_the_most_exact_kind(self) -> None:
        cards = '<div class="entry-content"><p>A card.</p></div>'
        text = f'<div class="entry-content"><p>{OPEN}</p><p>{SECRET}</p></div>'
        assert "[offer]</div><aside>" in shown(page(f"<main>{cards}{text}<aside>{cards}</aside></main>"))

    def test_menus_and_sidebars_are_no_text(self) -> None:
        menu = f"<nav>{'Menu ' * 200}<ul><li>{'x ' * 9}</ul></nav>"
        assert menu.partition("<ul>")[0] in shown(
            page(f"{menu}<article><p>{OPEN}</p><p>{SECRET}</p></article>")
        )

    @pytest.mark.parametrize(
        "body",
        [
            f"<div><p>{OPEN}</p><p>{SECRET}</p></div>",
            f"<article>A card.</article><div><p>{OPEN}</p><p>{SECRET}</p></div>",
            "<main></main>",
            "<main><img src=/secret.jpg></main>",
            "",
        ],
    )
    def test_a_page_whose_text_is_not_found_is_not_cut_at_all(self, body: str) -> None:
        assert cut(page(body), MARKS) is None

    def test_where_tags_do_not_nest_all_that_follows_goes(self) -> None:
        html = page(f"<div><main><p>{OPEN} {OPEN}</p></div></main><p>{SECRET}</p>")
        assert shown(html).endswith("[offer]</main></div></body></html>")


class TestCopies:
    """What themes, plug-ins and generators keep of the text beside the text."""

    @pytest.mark.parametrize(
        "copy",
        [
            f'<script type="application/ld+json">{{"articleBody": "{SECRET}"}}</script>',
            f'<script type="application/ld+json">{{"@graph": [{{"description": "{SECRET}"}}]}}</script>',
            f'<script type="application/ld+json">{{"keywords": ["{SECRET}"]}}</script>',
            f'<script type="application/ld+json">// {SECRET}</script>',
            f'<script type="application/json">["{SHORT}"]</script>',
            f'<script type="text/x-template"><p>{SHORT}</p></script>',
            f'<script>let a = "{SECRET}"</script>',
            "<script>let a = '" + "".join(f"\\u{ord(c):04x}" for c in SECRET) + "'</script>",
            "<script>let a = '" + "".join(f"\\x{ord(c):02X}" for c in SECRET) + "'</script>",
            "<script>let a = '" + "".join(f"\\u{{{ord(c):x}}}" for c in SECRET) + "'</script>",
            "<script>let a = '" + SECRET.replace(" ", "%20") + "'</script>",
            "<script>let a = '" + SECRET.replace(" ", r"\n<\/p><p class=\"x\">") + "'</script>",
            f"<template><p>{SHORT}</p></template>",
            f"<noscript>{SHORT}</noscript>",
            f"<!-- {SHORT} -->",
            f"<textarea>{SECRET}</textarea>",
            f"<div hidden><p>{SECRET}</p></div>",
            f'<div style="color: red; DISPLAY:none">{SECRET}</div>',
            f'<div data-text="{SECRET}"></div>',
            f'<div data-text="{SECRET.replace(" ", "&amp;#32;")}"></div>',
            f'<img alt="{SECRET}" src=a>',
            f'<iframe srcdoc="&lt;p&gt;{SECRET}&lt;/p&gt;"></iframe>',
            f'<meta name="description" content="{SECRET}">',
            f"<p>{SECRET}</p>",
            "<p>Under the <b>third</b> stair lies a pearl that nobody in the house has counted yet.</p>",
        ],
    )
    def test_a_copy_goes_with_it(self, copy: str) -> None:
        html = article(f'<div class="paywall"><p>{SECRET}</p><p>{SHORT}</p></div>{copy}')
        assert "third stair lies" not in shown(html)
        assert is_secret(html) or "\\" in html or "%20" in html or "&amp;#32;" in html or "<b>" in html

    @pytest.mark.parametrize(
        "kept",
        [
            '<script>document.documentElement.className = "js";</script>',
            '<script src="/a.js"></script>',
            '<script type="module">import "a"</script>',
            '<script type="importmap">{"imports": {}}</script>',
            '<script type="application/ld+json">{"headline": "Under the third stair"}</script>',
            '<meta name="description" content="A pearl lies somewhere, and the house counted it twice.">',
            "<p>The pearl under the stair.</p>",
            '<div hidden="">Menu</div>',
            '<div data-text="Under the third stair it is dark"></div>',
            "<script>let a = '\\u{110000} \\ud800 100% &lt;'</script>",
        ],
    )
    def test_what_is_no_copy_stays(self, kept: str) -> None:
        assert kept in shown(article(f'<div class="paywall"><p>{SECRET}</p></div>{kept}'))

    def test_linked_data_cannot_close_its_script(self) -> None:
        data = '<script type="application/ld+json">{"headline": "<\\/script><b>"}</script>'
        assert "\\u003c/script>\\u003cb>" in shown(article(f'<p class="paywall">{SECRET}</p>{data}'))

    def test_linked_data_as_deep_as_a_well_goes(self) -> None:
        data = f'<script type="application/ld+json">{"[" * 50_000}</script>'
        assert "[[" not in shown(article(f'<p class="paywall">{SECRET}</p>{data}'))

    def test_a_gated_part_of_few_words_is_looked_for_whole(self) -> None:
        html = article('<p class="paywall">Seven red trams</p><img alt="There came seven red trams">')
        assert "alt" not in shown(html)
        assert len(["Seven", "red", "trams"]) < RUN


class TestSaid:
    """What a page says of itself."""

    def test_its_gate_title_and_address(self) -> None:
        found = said((PAGES / "block.html").read_text(), MARKS)
        assert found.gate == "patrons"
        assert found.title == "The budget nobody counted – The Vitosha Courier"
        assert found.canonical == "http://127.0.0.1:8000/2024/block/"
        assert found.is_marked
        assert not found.is_amp

    def test_nothing(self) -> None:
        found = said("", MARKS)
        assert (found.gate, found.title, found.canonical, found.is_marked) == ("", "", "", False)

    def test_two_gates_are_one_that_nobody_knows(self) -> None:
        metas = '<meta name="Paywall:Gate" content=" patrons "><meta name="paywall:gate" content="public">'
        assert said(page("", metas), MARKS).gate == "patrons and public"
        assert said(page("", metas.replace("public", "patrons")), MARKS).gate == "patrons"

    @pytest.mark.parametrize("name", ["amp", "⚡"])
    def test_whether_it_is_amp(self, name: str) -> None:
        assert said(f"<!doctype html><html {name}><body>", MARKS).is_amp

    @pytest.mark.parametrize("mark", ["<!-- paywall -->", "<!-- /paywall -->", '<i class="paywall">'])
    def test_whether_a_part_is_marked(self, mark: str) -> None:
        assert said(page(mark), MARKS).is_marked
        assert not said(page("<!-- more --><i class=paywalls>"), MARKS).is_marked


@pytest.mark.parametrize("place", sorted(PAGES.glob("*.html")), ids=lambda place: place.stem)
def test_of_a_real_page_the_gated_part_is_gone(place: Path) -> None:
    assert is_secret(place.read_text())
    assert "[offer]" in shown(place.read_text(), Marks(words=20))


def test_words_are_counted_where_the_text_is_known() -> None:
    found = cut(article(f'<p class="paywall">{SHORT}</p>'), MARKS)
    assert found is not None
    assert (found.words, found.words_left) == (len(f"{OPEN} {SHORT}".split()), len(SHORT.split()))
    nowhere = cut(page(f'<p>{OPEN}</p><p class="paywall">{SHORT}</p>'), MARKS)
    assert isinstance(nowhere, Cut)
    assert nowhere.words == 0


tags = st.sampled_from(
    ["p", "div", "section", "ul", "li", "table", "tr", "td", "b", "a", "span", "h2", "blockquote", "figure"]
)
sentences = st.integers(0, 99).map("one two three four five six {}".format)


def _tree(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        nodes = st.tuples(tags, st.lists(inner, max_size=4))
        return nodes.map(lambda node: f"<{node[0]}>{' '.join(node[1])}</{node[0]}>")

    return st.recursive(leaf, grown, max_leaves=12)


gated = st.integers(0, 99).map("the gated sentence of number {} ends with secret".format)
wrappings = st.sampled_from(
    ["<div class=paywall>{}</div>", "<p class=paywall>{}</p>", "<!-- paywall -->{}<!-- /paywall -->",
     "<li class='a paywall'>{}", "<table class=paywall>{}</table>", "<span class=paywall>{}</span>"]
)  # fmt: skip
ends = st.sampled_from(["", "</div>", "</p>", "</table>", "</section></div>", "</b>", "<table>"])


@given(_tree(sentences), _tree(gated), _tree(sentences), wrappings, ends, tags)
def test_wherever_a_gated_tree_stands_nothing_of_it_goes_out(
    before: str, hidden: str, after: str, wrapping: str, end: str, outer: str
) -> None:
    marked = wrapping.format(hidden)
    copy = f"<script>a = \"{hidden}\"</script><div data-a='{hidden}'></div>"
    found = cut(page(f"<article><{outer}>{before}{marked}{end}{after}</{outer}></article>{copy}"), MARKS)
    if found is not None:
        out = found.before + "<section>offer</section>" + found.after
        assert "gated sentence" not in out
        assert "secret" not in out
        again = LexborHTMLParser(out).html or ""
        assert re.sub(r"\s+", "", LexborHTMLParser(again).html or "") == re.sub(r"\s+", "", again)
