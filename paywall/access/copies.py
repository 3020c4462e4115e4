"""Where a page holds its gated words a second time: in metadata, scripts and what is not shown. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from paywall.access.teaser import UNREAD

# So many words in a row, found in what nobody reads on the page, are a copy; in what is read, they may be a
# phrase that the paper uses often.
RUN = 6
READ_RUN = 12
SHORTEST = 20
UNSEEN = (
    "[hidden], textarea, select, dialog, object, [aria-hidden=true], "
    '[style*="display:none" i], [style*="display: none" i]'
)
# Scripts that are programs. Whatever else stands in a script is data or a template for one.
PROGRAMS = frozenset(
    {"", "module", "text/javascript", "application/javascript", "importmap", "speculationrules"}
)
LINKED_DATA = "application/ld+json"
# schema.org's properties that hold a text whole.
TEXTS = frozenset({"articleBody", "text", "reviewBody", "transcript", "encodedContent", "contentText"})
ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\})")
TAG = re.compile(r"<[^<>]*>")
WORD = re.compile(r"\w+")


class Hidden:
    """The words that were cut out of a page."""

    def __init__(self, text: str) -> None:
        words = _words(text)
        self._runs = {length: set(_runs(words, min(length, len(words)))) for length in (RUN, READ_RUN)}
        self._lengths = {length: min(length, len(words)) for length in (RUN, READ_RUN)}

    def is_in(self, text: str) -> bool:
        """Whether a text that is not read on the page, in whatever way it is escaped, has some of them."""
        words = _words(_plain(text))
        return any(run in self._runs[RUN] for run in _runs(words, self._lengths[RUN]))

    def repeated(self, words: list[str]) -> set[int]:
        """Which of the words on a page, by number, are part of a longer run of them."""
        length = self._lengths[READ_RUN]
        found: set[int] = set()
        for start, run in enumerate(_runs(words, length)):
            if run in self._runs[READ_RUN]:
                found.update(range(start, start + length))
        return found


def drop(page: LexborHTMLParser, body: LexborNode, text: str) -> None:
    """Take out of a page all that holds a part of `text`, which was cut out of it, once more."""
    hidden = Hidden(text)
    for node in outermost(page.css("template, noscript, link[rel~=amphtml]")):
        node.decompose()
    for node in outermost(page.css(UNSEEN)):
        if hidden.is_in(node.html or ""):
            node.decompose()
    for node in page.css("script"):
        _script(node, hidden)
    _comments(page)
    _attributes(page, hidden)
    _repeated(body, hidden)


def outermost(nodes: Iterable[LexborNode]) -> list[LexborNode]:
    """Those of the nodes, given in reading order, that stand in no other: what to remove, each once."""
    found: list[LexborNode] = []
    known: set[int] = set()
    for node in nodes:
        if not known.intersection(one.mem_id for one in above(node)):
            known.add(node.mem_id)
            found.append(node)
    return found


def above(node: LexborNode) -> Iterator[LexborNode]:
    """The nodes in which a node stands, and first itself."""
    here: LexborNode | None = node
    while here is not None:
        yield here
        here = here.parent


def _script(node: LexborNode, hidden: Hidden) -> None:
    kind = (node.attributes.get("type") or "").partition(";")[0].strip().lower()
    inside = node.first_child
    if kind == LINKED_DATA:
        told = _linked_data(node.text(), hidden)
        if told is None or inside is None:
            node.decompose()
        else:
            inside.replace_with(told)
    elif kind not in PROGRAMS or hidden.is_in(node.text()):
        node.decompose()


def _linked_data(source: str, hidden: Hidden) -> str | None:
    try:
        told = _without_texts(json.loads(source), hidden)
    except (ValueError, RecursionError):
        return None
    written = json.dumps(told, ensure_ascii=False).replace("<", "\\u003c")
    return None if hidden.is_in(written) else written


def _without_texts(told: Any, hidden: Hidden) -> Any:
    match told:
        case dict():
            kept = {name: value for name, value in told.items() if name not in TEXTS}
            return {
                name: _without_texts(value, hidden)
                for name, value in kept.items()
                if not (isinstance(value, str) and hidden.is_in(value))
            }
        case list():
            return [_without_texts(one, hidden) for one in told]
    return told


def _comments(page: LexborHTMLParser) -> None:
    root = page.root
    assert root is not None, "the parser makes a root for any input"
    document = root.parent or root
    for node in [node for node in document.traverse(include_text=True) if node.is_comment_node]:
        node.decompose()


def _attributes(page: LexborHTMLParser, hidden: Hidden) -> None:
    for node in page.css("*"):
        for name, value in node.attributes.items():
            if value and len(value) >= SHORTEST and hidden.is_in(value):
                del node.attrs[name]


def _repeated(body: LexborNode, hidden: Hidden) -> None:
    """What is read twice, such as a version for printing: theme and plug-in seldom mark both."""
    words: list[str] = []
    texts: list[LexborNode] = []
    for node in body.traverse(include_text=True):
        if node.is_text_node and node.parent and node.parent.tag not in UNREAD:
            found = _words(node.text_content or "")
            words += found
            texts += [node] * len(found)
    twice = {texts[number].mem_id: texts[number] for number in hidden.repeated(words)}
    for node in twice.values():
        node.decompose()


def _plain(text: str) -> str:
    """A text without the escapes of JSON, JavaScript, HTML and addresses, and without tags."""
    if "\\" in text:
        text = ESCAPED.sub(_character, text)
        text = re.sub(r"\\[nrtbf]", " ", text).replace("\\", "")
    if "%" in text:
        text = unquote(text)
    for _depth in range(2):
        text = unescape(text) if "&" in text else text
    return TAG.sub(" ", text)


def _character(escape: re.Match[str]) -> str:
    number = int(escape[1] or escape[2] or escape[3], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else " "


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def _runs(words: list[str], length: int) -> Iterator[tuple[str, ...]]:
    if length:
        yield from zip(*(words[start:] for start in range(length)), strict=False)
