"""Whether the tags of a page close in the order in which they open: else a mark may end too early. Pure."""

from html.parser import HTMLParser

# fmt: off
VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})
# What need not be closed.
MAY_STAY_OPEN = frozenset({
    "p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup",
    "rt", "rp", "body", "html", "head",
})
# What closes a paragraph by its mere beginning.
CLOSES_P = frozenset({
    "address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figcaption", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "menu", "nav", "ol", "p",
    "pre", "section", "table", "ul",
})
# What may stand in a table: a browser moves all else out of it, to the place before the table.
TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr"})
IN_TABLE = frozenset({
    "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th", "script", "style", "template",
})
# fmt: on


def is_sound(html: str) -> bool:
    """Whether every closing tag has its opening one within the same element, and tables hold rows only."""
    reading = _Reading()
    reading.feed(html)
    reading.close()
    return reading.is_sound and all(tag in MAY_STAY_OPEN for tag in reading.stack)


class _Reading(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.is_sound = True
        self.stack: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_sound &= self._here() not in TABLE or tag in IN_TABLE
        if tag in CLOSES_P and self._here() == "p":
            self.stack.pop()
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

    def _here(self) -> str:
        return self.stack[-1] if self.stack else ""
