"""What has changed between two texts, in words: pure."""

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WORD = re.compile(r"\s+|[^\s]+")
# To compare words takes time by their number squared: two passages with more pairs are shown as a whole.
MOST_PAIRS = 4_000_000
CONTEXT = 2


class Change(enum.StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text in the order of reading; SKIPPED stands for lines that are the same and not shown."""

    text: str
    change: Change


def words(before: str, after: str) -> list[Piece]:
    """The differences of two texts, by lines and within these by words, with a little of what is around."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Piece] = []
    for tag, a, b, c, d in _matched(old, new):
        if tag == "equal":
            found += _around(old[a:b], is_first=a == 0, is_last=b == len(old))
        else:
            found += _within("".join(old[a:b]), "".join(new[c:d]))
    return found


def _around(lines: Sequence[str], *, is_first: bool, is_last: bool) -> Iterator[Piece]:
    """What is the same: its first and last lines, where something stands before and after it."""
    head = 0 if is_first else CONTEXT
    tail = 0 if is_last else CONTEXT
    if len(lines) <= head + tail + 1:
        yield Piece("".join(lines), Change.SAME)
        return
    if head:
        yield Piece("".join(lines[:head]), Change.SAME)
    yield Piece(str(len(lines) - head - tail), Change.SKIPPED)
    if tail:
        yield Piece("".join(lines[-tail:]), Change.SAME)


def _within(before: str, after: str) -> Iterator[Piece]:
    old, new = WORD.findall(before), WORD.findall(after)
    if len(old) * len(new) > MOST_PAIRS:
        yield Piece(before, Change.GONE)
        yield Piece(after, Change.NEW)
        return
    for tag, a, b, c, d in _matched(old, new):
        if tag == "equal":
            yield Piece("".join(old[a:b]), Change.SAME)
            continue
        if b > a:
            yield Piece("".join(old[a:b]), Change.GONE)
        if d > c:
            yield Piece("".join(new[c:d]), Change.NEW)


def _matched(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=len(old) * len(new) > MOST_PAIRS).get_opcodes()
