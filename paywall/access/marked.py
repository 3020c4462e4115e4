"""What a page of another site says of its gate, and its gated part, found by the marks and cut. Pure."""

import secrets
from dataclasses import dataclass
from itertools import pairwise

from selectolax.lexbor import LexborHTMLParser, LexborNode

from paywall.access import copies, nesting
from paywall.access.copies import above, outermost
from paywall.access.nesting import CLOSING, OPENING
from paywall.access.teaser import MORE, drop_after, keep_words, plain, text_of

GATE = "paywall:gate"
TEXT = (".entry-content", ".post-content", ".article-content", "[itemprop=articleBody]", "article", "main")
FURNITURE = "nav, header, footer, aside, form"
AMP = frozenset({"amp", "⚡", "amp4ads", "⚡4ads"})
PICTURES = "img, video, audio, iframe, object, embed, canvas"
# fmt: off
# Elements whose mark holds: a browser moves what is in the others to where no mark is.
MARKABLE = frozenset({
    "article", "aside", "blockquote", "dd", "details", "div", "dl", "dt", "figure", "h1", "h2", "h3", "h4",
    "h5", "h6", "li", "main", "ol", "p", "pre", "section", "span", "td", "th", "ul",
})
# Elements in which a block of ours may stand.
FLOW = frozenset({
    "article", "aside", "blockquote", "body", "dd", "details", "div", "figure", "form", "li", "main",
    "section", "td", "th",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Marks:
    """How a site marks what is gated: a class; where its articles stand, as selectors; the teaser's words."""

    css_class: str = "paywall"
    text: tuple[str, ...] = TEXT
    words: int = 80


@dataclass(frozen=True, slots=True)
class Said:
    """What a page says of itself: its gate ("" for none), address and title, and whether a part is marked."""

    gate: str
    canonical: str
    title: str
    is_marked: bool
    is_amp: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A page as anyone may see it, around the place for our offer; and its words, where they can be told."""

    before: str
    after: str
    words: int
    words_left: int


def said(html: str, marks: Marks) -> Said:
    """What a page, or the beginning of one, says of itself."""
    page = LexborHTMLParser(html)
    # Two that differ are read together, and make a gate that nobody knows.
    gates = {_attribute(node, "content").strip() for node in page.css(f'meta[name="{GATE}" i]')}
    canonical, title = page.css_first("link[rel~=canonical]"), page.css_first("head > title")
    root = page.root
    return Said(
        gate=" and ".join(sorted(gates)),
        canonical=_attribute(canonical, "href") if canonical else "",
        title=" ".join(title.text().split()) if title else "",
        is_marked=bool(_classed(page, marks) or _brackets(page)),
        is_amp=root is not None and not AMP.isdisjoint(root.attributes),
    )


def cut(html: str, marks: Marks) -> Cut | None:
    """A page without its gated part and any copy of it; None where it cannot be told for sure what that is.

    Gated is what is marked: by the class, between the two comments, or after WordPress's "more". Without a
    mark it is all but the first words of the text. Where tags do not nest, browsers move what is written to
    other places; all that is written after the first mark is gated then.
    """
    nested = nesting.read(html, marks.css_class)
    end = len(html) if nested.is_sound or nested.mark is None else nested.mark
    page = LexborHTMLParser(html[:end])
    if page.root is None or page.body is None:
        return None
    cutting = _Cutting(page, page.root, page.body, marks, is_sound=nested.is_sound)
    if not (cutting.cut() if end == len(html) else cutting.end(plain(html[end:]))):
        return None
    copies.drop(page, page.body, cutting.dropped)
    before, found, after = (page.html or "").partition(cutting.place)
    left = len(cutting.dropped.split())
    return Cut(before, after, cutting.words if cutting.words > left else 0, left) if found else None


class _Cutting:
    """One page being cut: `dropped` is the text of what went, `place` a word that stands where it was.

    `words` is how many the text has, 0 where it is not known what the text is.
    """

    def __init__(
        self, page: LexborHTMLParser, root: LexborNode, body: LexborNode, marks: Marks, *, is_sound: bool
    ) -> None:
        self._page, self._root, self._body = page, root, body
        self._marks, self._is_sound = marks, is_sound
        self._text = _text(page, self._body, marks)
        self.words = _count(self._text) if self._text else 0
        self.place = f"place{secrets.token_hex(16)}"
        self.dropped = ""

    def cut(self) -> bool:
        """Cut by the first way that applies; False where the page contradicts itself."""
        brackets, classed = _brackets(self._page), _classed(self._page, self._marks)
        if (brackets or classed) and not self._is_sound:
            return False
        if brackets:
            return not classed and self._between(brackets)
        if any(node.tag not in MARKABLE for node in classed):
            return False
        if any(_count(node) or node.css_first(PICTURES) for node in classed):
            return self._elements(classed)
        return self._after_more() or self._after_words()

    def end(self, dropped: str) -> bool:
        """The page as if it were written no further; `dropped` is the text of the rest."""
        self.dropped, self.words = dropped, 0
        self._body.insert_child(self.place)
        return True

    def _between(self, brackets: list[LexborNode]) -> bool:
        """Remove what stands between the comments, wherever in the tree each is; one left open has no end."""
        words = [_word(one) for one in brackets]
        closed_twice = any(pair == (CLOSING, CLOSING) for pair in pairwise([CLOSING, *words]))
        gated = _between(self._root)
        if closed_twice or not self._leave_place(brackets[0]):
            return False
        self._remove(gated)
        return True

    def _elements(self, classed: list[LexborNode]) -> bool:
        is_placed = self._leave_place(classed[0])
        self._remove(outermost(classed))
        return is_placed

    def _after_more(self) -> bool:
        more = _more(self._text) if self._text else None
        if self._text is None or more is None:
            return False
        self.dropped = drop_after(more, self._text)
        if not self.dropped.strip() or not self._leave_place(more):
            return False
        more.decompose()
        return True

    def _after_words(self) -> bool:
        if self._text is None:
            return False
        self.dropped = keep_words(self._text, self._marks.words)
        if not self._is_sound:
            self.dropped += f" {drop_after(self._text, self._root)}"
        self._text.insert_child(self.place)
        return bool(self.dropped.strip())

    def _leave_place(self, node: LexborNode) -> bool:
        """Mark where our offer stands: before the node, or behind what no block of ours may stand in."""
        spot = node
        while spot.parent is not None and spot.parent.tag not in FLOW:
            spot = spot.parent
        if spot.parent is None:
            return False
        if spot.mem_id == node.mem_id:
            spot.insert_before(self.place)
        else:
            spot.insert_after(self.place)
        return True

    def _remove(self, nodes: list[LexborNode]) -> None:
        self.dropped = " ".join(text_of(node) for node in nodes)
        for node in nodes:
            node.decompose()


def _between(root: LexborNode) -> list[LexborNode]:
    """The outermost nodes between opening and closing comments; of what holds a closing one, only parts."""
    nodes = list(root.traverse(include_text=True))
    holding = {one.mem_id for node in nodes if _word(node) == CLOSING for one in above(node)}
    inside, found = False, []
    for node in nodes:
        if _word(node) in {OPENING, CLOSING}:
            inside = _word(node) == OPENING
        elif inside and node.mem_id not in holding:
            found.append(node)
    return outermost(found)


def _text(page: LexborHTMLParser, body: LexborNode, marks: Marks) -> LexborNode | None:
    """Where the article stands: the fullest place of the first kind that holds most of what is to be read."""
    everything = _count(body)
    for selector in marks.text:
        best = max(page.css(selector), key=_count, default=None)
        if best is not None and 2 * _count(best) >= everything - _furniture(page, best):
            return best
    return None


def _furniture(page: LexborHTMLParser, text: LexborNode) -> int:
    """How many words stand in menus, sidebars and forms beside the text."""
    around = {node.mem_id for node in above(text)}
    beside = [node for node in outermost([*page.css(FURNITURE)]) if node.mem_id not in around]
    return sum(_count(node) for node in beside if text.mem_id not in {one.mem_id for one in above(node)})


def _count(node: LexborNode) -> int:
    return len(text_of(node).split())


def _classed(page: LexborHTMLParser, marks: Marks) -> list[LexborNode]:
    return page.css(f'[class~="{marks.css_class}" i]')


def _brackets(page: LexborHTMLParser) -> list[LexborNode]:
    root = page.root
    nodes = root.traverse(include_text=True) if root else ()
    return [node for node in nodes if _word(node) in {OPENING, CLOSING}]


def _more(text: LexborNode) -> LexborNode | None:
    """WordPress's mark: the comment that an author writes, or what becomes of it on the article's page.

    Source: get_the_content() in wp-includes/post-template.php puts <span id="more-ID"></span> there.
    """
    for node in text.traverse(include_text=True):
        is_span = node.tag == "span" and _attribute(node, "id").startswith(f"{MORE}-")
        if is_span or _word(node) == MORE:
            return node
    return None


def _word(node: LexborNode) -> str:
    return (node.comment_content or "").strip() if node.is_comment_node else ""


def _attribute(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""
