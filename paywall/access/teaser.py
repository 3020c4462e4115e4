"""Where a teaser ends: cut, or marked, on the parsed tree, so that what goes out is whole HTML. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

MORE = "more"
# Where all is shown, the class of what a teaser leaves out. What has the attribute, no engine quotes.
GATED = "gated"
OPENING = f'class="{GATED}" data-nosnippet'
ELLIPSIS = "…"
INLINE = frozenset(
    {"a", "abbr", "b", "cite", "code", "del", "em", "i", "mark", "q", "s", "strong", "sub", "sup"}
)


@dataclass(frozen=True, slots=True)
class Cut:
    """The HTML that anyone may see, its words as plain text, and how many words were left out."""

    html: str
    text: str
    words_left: int


def cut(html: str, *, words: int) -> Cut:
    """Cut sanitised article HTML at the author's <!-- more --> comment, or else after `words` words.

    Without a mark no more than half of an article is shown, so that a short one is not given away whole.
    """
    body = _parse(html)
    total = len(_plain(body).split())
    mark = _mark(body)
    if mark is not None:
        _drop_after(mark, body)
        mark.decompose()
    else:
        _keep_words(body, min(words, total // 2))
    text = " ".join(_plain(body).split())
    return Cut(html=(body.inner_html or "").strip(), text=text, words_left=max(0, total - len(text.split())))


def mark_rest(html: str, *, shown: int) -> str | None:
    """The whole article with what a teaser of `shown` words leaves out in elements of the class GATED.

    They are side by side, never one in another. A block that cannot be divided, like a list, and a word with
    stress on it belong to the rest as a whole. None if nothing is left out.
    """
    open_part, rest, left = _shown(_parse(html), shown)
    if rest is None:
        return None
    if left and rest.tag == "p" and not rest.attributes:
        open_part.append(_paragraph(rest, left))
        rest = rest.next
    hidden = "".join(node.html or "" for node in _from(rest))
    return "".join(open_part) + (f"<div {OPENING}>{hidden}</div>" if hidden.strip() else hidden)


def plain(html: str) -> str:
    """The words of a piece of HTML, blocks apart by a space."""
    return " ".join(_plain(_parse(html)).split())


def _parse(html: str) -> LexborNode:
    body = LexborHTMLParser(f"<!doctype html><html><body>{html}</body></html>").body
    assert body is not None, "the parser makes a body for any input"
    return body


def _plain(node: LexborNode) -> str:
    return "".join(_pieces(node))


def _pieces(root: LexborNode) -> Iterator[str]:
    # Not recursive: an article can nest deeper than Python's stack.
    waiting: list[LexborNode | str] = _children(root)
    while waiting:
        match waiting.pop():
            case str() as space:
                yield space
            case LexborNode(is_text_node=True) as node:
                yield node.text_content or ""
            case LexborNode(is_element_node=True) as node:
                space = "" if node.tag in INLINE else " "
                yield space
                waiting += [space, *_children(node)]


def _children(node: LexborNode) -> list[LexborNode | str]:
    """What is inside a node, the last first."""
    found: list[LexborNode | str] = []
    child = node.last_child
    while child is not None:
        found.append(child)
        child = child.prev
    return found


def _mark(body: LexborNode) -> LexborNode | None:
    for node in body.traverse(include_text=True):
        if node.is_comment_node and (node.comment_content or "").strip() == MORE:
            return node
    return None


def _drop_after(node: LexborNode, body: LexborNode) -> None:
    """Remove all that comes after `node` in reading order, up to the body's end."""
    here: LexborNode | None = node
    while here is not None and here.mem_id != body.mem_id:
        while (following := here.next) is not None:
            following.decompose()
        here = here.parent


def _keep_words(body: LexborNode, words: int) -> None:
    left = words
    for node in list(body.traverse(include_text=True)):
        found = (node.text_content or "").split() if node.is_text_node else []
        if found and len(found) >= left:
            _drop_after(node, body)
            node.replace_with(_lead(node) + " ".join(found[:left]) + ELLIPSIS)
            return
        left -= len(found)
    # Pictures without a word: there is no half of them to show.
    while (child := body.first_child) is not None:
        child.decompose()


def _shown(parent: LexborNode, words: int) -> tuple[list[str], LexborNode | None, int]:
    """What is inside `parent` up to `words` words, the first node beyond, and its words that are shown."""
    shown: list[str] = []
    node, left = parent.first_child, words
    while node is not None and left and (count := _count(node)) <= left:
        shown.append(node.html or "")
        node, left = node.next, left - count
    return shown, node, left


def _count(node: LexborNode) -> int:
    return len(((node.text_content or "") if node.is_text_node else _plain(node)).split())


def _from(node: LexborNode | None) -> Iterator[LexborNode]:
    while node is not None:
        yield node
        node = node.next


def _paragraph(node: LexborNode, words: int) -> str:
    """A paragraph of which `words` words are shown."""
    shown, rest, left = _shown(node, words)
    hidden = [one.html or "" for one in _from(rest)]
    if rest is not None and rest.is_text_node:
        head, hidden[0] = _divide(rest.text_content or "", left)
        shown.append(head)
    return f"<p>{''.join(shown)}<span {OPENING}>{''.join(hidden)}</span></p>"


def _divide(text: str, words: int) -> tuple[str, str]:
    """A text as HTML: so many words of it, and the rest."""
    found = re.match(rf"(?:\s*\S+){{{words}}}", text)
    at = found.end() if found else 0
    return escape(text[:at], quote=False), escape(text[at:], quote=False)


def _lead(node: LexborNode) -> str:
    return " " if (node.text_content or "")[:1].isspace() else ""
