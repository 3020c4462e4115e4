"""Whether a page's tags nest, for browsers move what does not, and where its first mark begins. Pure."""

from dataclasses import dataclass
from html.parser import HTMLParser

from paywall.access.teaser import MORE

OPENING, CLOSING = "paywall", "/paywall"
# fmt: off
VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})
# What need not be closed.
MAY_STAY_OPEN = frozenset({
    "p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup",
    "rt", "rp", "body", "html", "head",
})
# What may stand in a table: a browser moves all else out of it, to the place before the table.
TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr"})
IN_TABLE = frozenset({
    "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th", "script", "style", "template",
})
CLOSES_P = frozenset({
    "address", "article", "aside", "blockquote", "center", "details", "dialog", "dir", "div", "dl", "dd",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hgroup", "hr", "li", "listing", "main", "menu", "nav", "ol", "p", "plaintext", "pre", "search",
    "section", "summary", "table", "ul", "xmp",
})
# What closes others by its mere beginning: which, and how far out they are looked for.
# Source: the HTML standard, 13.2.6.4, "in body" and the modes of tables.
_ITEM = (frozenset({"li"}), frozenset({"ul", "ol", "menu"}))
_TERM = (frozenset({"dt", "dd"}), frozenset({"dl"}))
_CELL = (frozenset({"td", "th"}), frozenset({"table"}))
_ROW = (frozenset({"tr"}), frozenset({"table"}))
_ROWS = (frozenset({"thead", "tbody", "tfoot"}), frozenset({"table"}))
_P = (frozenset({"p"}), frozenset({"button", "caption", "object", "td", "th"}))
CLOSES = {
    "li": _ITEM, "dt": _TERM, "dd": _TERM, "td": _CELL, "th": _CELL, "tr": _ROW,
    "thead": _ROWS, "tbody": _ROWS, "tfoot": _ROWS,
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Nesting:
    """Whether each closing tag has its opening one within the same element, and tables hold rows only.

    `mark`: where in the source the first mark begins, None if there is none.
    """

    is_sound: bool
    mark: int | None


def read(html: str, css_class: str) -> Nesting:
    """Read a page as it was written; its marks are tags with the class, and our and WordPress's comments."""
    reading = _Reading(css_class.casefold())
    reading.feed(html)
    reading.close()
    is_sound = reading.is_sound and all(tag in MAY_STAY_OPEN for tag in reading.stack)
    return Nesting(is_sound, _index(html, *reading.mark) if reading.mark else None)


class _Reading(HTMLParser):
    def __init__(self, css_class: str) -> None:
        super().__init__(convert_charrefs=True)
        self._class = css_class
        self.is_sound = True
        self.mark: tuple[int, int] | None = None
        self.stack: list[str] = []

    def handle_comment(self, data: str) -> None:
        if data.strip() in {OPENING, CLOSING, MORE}:
            self.mark = self.mark or self.getpos()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_more = tag == "span" and (given.get("id") or "").startswith(f"{MORE}-")
        if is_more or self._class in (given.get("class") or "").casefold().split():
            self.mark = self.mark or self.getpos()
        if tag in CLOSES:
            self._close(*CLOSES[tag])
        if tag in CLOSES_P:
            self._close(*_P)
        self.is_sound &= self._here() not in TABLE or tag in IN_TABLE
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # In HTML the slash says nothing; within a drawing or a formula it closes.
        self.handle_starttag(tag, attrs)
        if tag not in VOID and not {"svg", "math"}.isdisjoint(self.stack):
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._here() != tag and self._here() in MAY_STAY_OPEN:
            self.stack.pop()
        if self._here() == tag:
            self.stack.pop()
        elif tag not in VOID - {"br"}:
            self.is_sound = False

    def handle_data(self, data: str) -> None:
        self.is_sound &= self._here() not in TABLE or data.isspace()

    def _close(self, closed: frozenset[str], outermost: frozenset[str]) -> None:
        """Close the innermost of `closed`, unless one of `outermost` is further in."""
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth] in outermost:
                return
            if self.stack[depth] in closed:
                self.is_sound &= MAY_STAY_OPEN.issuperset(self.stack[depth + 1 :])
                del self.stack[depth:]
                return

    def _here(self) -> str:
        return self.stack[-1] if self.stack else ""


def _index(html: str, line: int, column: int) -> int:
    return sum(len(one) + 1 for one in html.split("\n")[: line - 1]) + column
