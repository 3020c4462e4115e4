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
# What is written in these is not read on the page, so it is no words of it.
UNREAD = frozenset({"script", "style", "template", "noscript", "textarea", "select"})


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
    total = len(text_of(body).split())
    mark = _mark(body)
    if mark is not None:
        drop_after(mark, body)
        mark.decompose()
    else:
        keep_words(body, words)
    text = " ".join(text_of(body).split())
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
    return " ".join(text_of(_parse(html)).split())


def text_of(node: LexborNode) -> str:
    """The text within a node as it is read, blocks apart by a space."""
    return "".join(_pieces(node))


def drop_after(node: LexborNode, root: LexborNode) -> str:
    """Remove all that comes after `node` in reading order, up to the end of `root`; the text of what went."""
    dropped = []
    here: LexborNode | None = node
    while here is not None and here.mem_id != root.mem_id:
        while (following := here.next) is not None:
            dropped.append(text_of(following))
            following.decompose()
        here = here.parent
    return " ".join(dropped)


def keep_words(root: LexborNode, words: int) -> str:
    """Remove all but the first `words` words, and never less than half of them; the text of what went."""
    left = min(words, len(text_of(root).split()) // 2)
    for node in list(root.traverse(include_text=True)):
        found = (node.text_content or "").split() if _is_read(node) else []
        if found and len(found) >= left:
            dropped = drop_after(node, root)
            node.replace_with(_lead(node) + " ".join(found[:left]) + ELLIPSIS)
            return " ".join([*found[left:], dropped])
        left -= len(found)
    # Pictures without a word: there is no half of them to show.
    while (child := root.first_child) is not None:
        child.decompose()
    return ""


def _parse(html: str) -> LexborNode:
    body = LexborHTMLParser(f"<!doctype html><html><body>{html}</body></html>").body
    assert body is not None, "the parser makes a body for any input"
    return body


def _pieces(root: LexborNode) -> Iterator[str]:
    # Not recursive: an article can nest deeper than Python's stack.
    waiting: list[LexborNode | str] = [root] if root.is_text_node else _children(root)
    while waiting:
        match waiting.pop():
            case str() as space:
                yield space
            case LexborNode(is_text_node=True) as node:
                yield node.text_content or ""
            case LexborNode(is_element_node=True) as node if node.tag not in UNREAD:
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


def _is_read(node: LexborNode) -> bool:
    return node.is_text_node and node.parent is not None and node.parent.tag not in UNREAD


def _shown(parent: LexborNode, words: int) -> tuple[list[str], LexborNode | None, int]:
    """What is inside `parent` up to `words` words, the first node beyond, and its words that are shown."""
    shown: list[str] = []
    node, left = parent.first_child, words
    while node is not None and left and (count := _count(node)) <= left:
        shown.append(node.html or "")
        node, left = node.next, left - count
    return shown, node, left


def _count(node: LexborNode) -> int:
    return len(((node.text_content or "") if node.is_text_node else text_of(node)).split())


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
