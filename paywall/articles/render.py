"""Markdown to the HTML that is shown: rendered once per version, sanitised, and cut into a teaser."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from paywall.access import teaser
from paywall.articles import pictures as picture_files
from paywall.articles import words as search_words
from paywall.articles.models import Article

PICTURE = re.compile(r"/pictures/[a-z0-9][a-z0-9._-]{0,120}\.(?:jpe?g|png|webp)")
MARK = re.compile(r"<!--\s*more\s*-->")
IMG = re.compile(r"""<img\b[^<>]*?\ssrc\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)

# As the sanitiser writes it: no quotation mark within a value, and no other sign of a tag's end.
CLEAN_IMG = re.compile(r'<img(?: [a-z]+="[^"]*")*? src="/pictures/(?P<name>[^"]+)"(?: [a-z]+="[^"]*")*>')
SIZES = "(min-width: 42rem) 38rem, 92vw"

# fmt: off
TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "dl", "dt", "em",
    "figcaption", "figure", "h2", "h3", "h4", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre",
    "q", "s", "small", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
})
# Gone with all that is inside them; of every other unknown tag the words stay.
CONTENT = frozenset({
    "script", "style", "svg", "math", "template", "iframe", "object", "embed", "noscript", "noembed",
    "noframes", "textarea", "select", "title", "xmp", "plaintext",
})
# fmt: on
ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A body as HTML: whole, and with the author's mark as the comment that access/teaser looks for."""

    full: str
    marked: str


def render(article: Article, *, words: int) -> None:
    """Fill what is kept of a version: whole HTML, teaser, its text, the counts, and what search reads."""
    body = from_html(article.body) if article.is_html else to_html(article.body)
    cut = teaser.cut(body.marked, words=words)
    article.full_html = body.full
    article.teaser_html, article.teaser_text, article.words_left = cut.html, cut.text, cut.words_left
    article.words = len(teaser.plain(body.full).split())
    describe(article)


def describe(article: Article) -> None:
    """Fill what the index of words reads: for each part the words that anyone may see, or all of them."""
    article.search_title = search_words.fold(article.title)
    beside = (article.standfirst or "", article.byline or "")
    article.search_teaser = search_words.fold(*beside, article.teaser_text)
    article.search_body = search_words.fold(*beside, teaser.plain(article.full_html))


def to_html(source: str) -> Rendered:
    """Sanitised HTML of a body in Markdown.

    The sanitiser drops every comment. The author's mark goes through it as a word that nobody can have
    written, because it is drawn anew each time, and becomes a comment afterwards.
    """
    stand_in = f"more{secrets.token_hex(16)}"
    tokens = _markdown.parse(source)
    _prepare(tokens, stand_in)
    return _rendered(_markdown.renderer.render(tokens, _markdown.options, {}), stand_in)


def from_html(source: str) -> Rendered:
    """The same of a body in HTML, as another system writes it."""
    stand_in = f"more{secrets.token_hex(16)}"
    return _rendered(MARK.sub(stand_in, source), stand_in)


def pictures(source: str, *, is_html: bool = False) -> list[tuple[str, int]]:
    """The addresses of the pictures in a body, each with the line (from 1) of its paragraph or tag."""
    if is_html:
        return [(tag[1], source.count("\n", 0, tag.start()) + 1) for tag in IMG.finditer(source)]
    found = []
    for token in _markdown.parse(source):
        line = token.map[0] + 1 if token.map else 1
        for part in (token, *(token.children or ())):
            found += [(address, line) for address in _addresses(part)]
    return found


def _rendered(html: str, stand_in: str) -> Rendered:
    clean = _sanitised(html)
    mark = f"<!-- {teaser.MORE} -->"
    return Rendered(full=clean.replace(stand_in, ""), marked=clean.replace(stand_in, mark))


def _addresses(token: Token) -> list[str]:
    if token.type == "image":
        return [str(token.attrs["src"])]
    return IMG.findall(token.content) if token.type in {"html_block", "html_inline"} else []


def _prepare(tokens: Sequence[Token], stand_in: str) -> None:
    level = 1
    for token in tokens:
        match token.type:
            case "heading_open":
                # The page's h1 is the title, and a level is never skipped: screen readers walk by levels.
                level = min(max(int(token.tag[1]), 2), level + 1, 4)
                token.tag = f"h{level}"
            case "heading_close":
                token.tag = f"h{level}"
            case "html_block" | "html_inline":
                token.content = MARK.sub(stand_in, token.content)
            case "th_open" | "td_open":
                _align(token)
        _prepare_inside(token, stand_in)


def _prepare_inside(token: Token, stand_in: str) -> None:
    for child in token.children or ():
        if child.type == "html_inline":
            child.content = MARK.sub(stand_in, child.content)


def _align(token: Token) -> None:
    """Right alignment as a class: the page's policy allows no style attribute."""
    if token.attrs.pop("style", "") == "text-align:right":
        token.attrs["class"] = "num"


def _sanitised(html: str) -> str:
    clean = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(CONTENT),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_attribute,
        allowed_classes={"td": {"num"}, "th": {"num"}},
        set_tag_attribute_values={"img": {"loading": "lazy"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
    )
    # A table scrolls by itself on a phone, and by the keyboard only if it can be reached.
    opened = CLEAN_IMG.sub(_sized, clean).replace("<table>", '<div class="table-wrap" tabindex="0"><table>')
    return opened.replace("</table>", "</table></div>")


def _sized(tag: re.Match[str]) -> str:
    """A picture that says its size takes its place before it is there; a phone gets a smaller one."""
    name = tag["name"]
    size, narrow = picture_files.sized(name), picture_files.srcset(name)
    if size is None:
        return tag[0]
    chosen = f' srcset="{narrow}" sizes="{SIZES}"' if narrow else ""
    return f'{tag[0][:-1]}{chosen} width="{size[0]}" height="{size[1]}">'


def _attribute(tag: str, name: str, value: str) -> str | None:
    if (tag, name) == ("img", "src"):
        return value if PICTURE.fullmatch(value) else None
    return value


_markdown = MarkdownIt("commonmark", {"typographer": True}).enable(["table", "strikethrough", "smartquotes"])
