"""Markdown to HTML: what a writer may use, what the sanitiser takes out, and where the teaser ends."""

import re

import pytest

from paywall.articles.models import Article
from paywall.articles.render import pictures, render, to_html


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("Plain *stress* and **more**.", "<p>Plain <em>stress</em> and <strong>more</strong>.</p>\n"),
        ('He said "no".', "<p>He said “no”.</p>\n"),
        ("> A quote.", "<blockquote>\n<p>A quote.</p>\n</blockquote>\n"),
        ("[us](https://example.org)", '<p><a href="https://example.org" rel="noopener">us</a></p>\n'),
        ("~~gone~~", "<p><s>gone</s></p>\n"),
        ("H<sub>2</sub>O", "<p>H<sub>2</sub>O</p>\n"),
        ("# A\n\n# B\n\n##### C\n", "<h2>A</h2>\n<h2>B</h2>\n<h3>C</h3>\n"),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>\n'),
        ("a & b < c", "<p>a &amp; b &lt; c</p>\n"),
    ],
)
def test_what_a_writer_may_use(source: str, html: str) -> None:
    assert to_html(source).full == html


def test_a_table_can_be_scrolled_and_its_numbers_stand_right() -> None:
    html = to_html("| a | b |\n|---|--:|\n| x | 1 |\n").full
    assert html.startswith('<div class="table-wrap" tabindex="0"><table>')
    assert '<td class="num">1</td>' in html
    assert "style" not in html


def test_a_picture_of_ours_is_shown_late() -> None:
    html = to_html("![A bridge](/pictures/bridge.jpg)").full
    assert 'src="/pictures/bridge.jpg"' in html
    assert 'alt="A bridge"' in html
    assert 'loading="lazy"' in html


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/spy.gif",
        "//example.org/a.jpg",
        "/pictures/../account.jpg",
        "/pictures/a.svg",
        "data:image/png;base64,AAAA",
        "/pictures/a.jpg?x=1",
    ],
)
def test_a_picture_from_elsewhere_is_never_fetched(address: str) -> None:
    assert "src=" not in to_html(f"![x]({address})").full
    assert "src=" not in to_html(f'<img src="{address}" alt="x">').full


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
        "<scr<script>ipt>alert(1)</script>",
        '<img src="/pictures/a.jpg" onerror="alert(1)">',
        "<p onclick=alert(1)>x</p>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java\tscript:alert(1)">x</a>',
        '<a href="&#106;avascript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<a href="vbscript:alert(1)">x</a>',
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>",
        '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<style>body{display:none}</style>",
        '<p style="position:fixed" class="offer">x</p>',
        '<form action="/sign-in"><input name="password"><button>x</button></form>',
        "<!--><img src=x onerror=alert(1)>-->",
        "<!-- more <script>alert(1)</script> -->",
        '<base href="https://evil.example/">',
        '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
        "<template><script>alert(1)</script></template>",
        "<div><div><script>alert(1)</script></div>",
        '<h2 id="main">x</h2>',
    ],
)
def test_an_attack_becomes_harmless(attack: str) -> None:
    for source in (attack, f"Before {attack} after.", f"> {attack}", f"- {attack}\n- x"):
        html = to_html(source).marked
        tags = re.findall(r"<[^>]*>", html)
        assert not re.search(
            r"(?i)script|style|svg|math|iframe|form|input|base|meta|template", " ".join(tags)
        )
        assert not re.search(r"(?i)\s(on\w+|id|srcdoc|style|class=.offer)", " ".join(tags))
        assert not re.search(r"(?i)(java|vb)script:|data:", " ".join(tags))


def test_the_mark_passes_the_sanitiser_and_no_other_comment_does() -> None:
    rendered = to_html("One.\n\n<!-- editors only -->\n\n<!--more-->\n\nTwo.")
    assert rendered.marked.count("<!--") == 1
    assert re.search(r"<p>One.</p>\s*<!-- more -->\s*<p>Two.</p>", rendered.marked)
    assert "<!--" not in rendered.full


def test_a_mark_inside_raw_html_or_a_sentence_counts_too() -> None:
    assert "<!-- more -->" in to_html("<blockquote>\nOne <!-- more -->\n</blockquote>").marked
    assert "<!-- more -->" in to_html("One <!-- more --> two").marked


def test_a_mark_in_code_is_code() -> None:
    assert "<!--" not in to_html("Write `<!-- more -->`.\n\n    <!-- more -->\n").marked


def test_a_written_stand_in_is_no_mark() -> None:
    assert "<!--" not in to_html("more0123456789abcdef0123456789abcdef").marked


def test_an_article_keeps_what_was_rendered_of_it() -> None:
    article = Article(title="Five", body="One two three.\n\n<!-- more -->\n\nFour **five** six seven.\n")
    render(article, words=80)
    assert article.teaser_html == "<p>One two three.</p>"
    assert article.teaser_text == "One two three."
    assert (article.words, article.words_left) == (7, 4)
    assert "seven" in article.full_html


def test_without_a_mark_the_setting_counts() -> None:
    article = Article(title="Five", body=" ".join(f"word{number}" for number in range(100)))
    render(article, words=10)
    assert article.words_left == 90
    assert "word10" not in article.teaser_html


def test_pictures_of_a_body_are_found_with_their_lines() -> None:
    assert pictures("One.\n\n![a](/pictures/a.jpg)\n\nTwo ![b](b.png).\n") == [
        ("/pictures/a.jpg", 3),
        ("b.png", 5),
    ]
