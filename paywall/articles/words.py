"""Words as search compares them, what a query asks for, and where a text answers it: pure.

Both databases are given words and nothing else: lower case, without accents, a space between. So they find
the same, whatever their language and version, and no sign in a query means anything to them.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

LONGEST_WORD = 64
MOST_ASKED = 8
# PostgreSQL refuses a document whose words take more than 1 MiB with their places; this stays below it.
MOST_BYTES = 300_000
WORD = re.compile("(?:[^\\W_][\u0300-\u036f]*)+")
QUOTES = re.compile("[“”„‟«»″]")
ASKED = re.compile(r'"([^"]*)"?|([^\s"]+)')
SNIPPET_WORDS, BEFORE = 34, 8

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a snippet; `is_hit`: it is what was asked for."""

    text: str
    is_hit: bool = False


def fold(*texts: str) -> str:
    """All words of the texts as search compares them, a space between; no more than PostgreSQL can hold."""
    words = [word for text in texts for word in _words(text)]
    whole = " ".join(words)
    if len(whole.encode()) <= MOST_BYTES:
        return whole
    return whole.encode()[:MOST_BYTES].decode(errors="ignore").rpartition(" ")[0]


def asked(text: str) -> tuple[Phrase, ...]:
    """What a query asks for: each word by itself, and words in a row where they are quoted or joined.

    At most MOST_ASKED words count. Empty: it asks for nothing.
    """
    phrases: dict[Phrase, None] = {}
    left = MOST_ASKED
    for quoted, bare in ASKED.findall(QUOTES.sub('"', text)):
        phrase = tuple(_words(quoted or bare))[:left]
        left -= len(phrase)
        if phrase:
            phrases[phrase] = None
    return tuple(phrases)


def snippet(text: str, phrases: Sequence[Phrase]) -> tuple[Piece, ...]:
    """The part of a text around the first hit, each hit marked; its beginning if there is none."""
    text = unicodedata.normalize("NFC", text)
    places = list(WORD.finditer(text))
    hits = set(_hits([_folded(place[0]) for place in places], phrases))
    start = max(0, min(hits, default=0) - BEFORE)
    shown = range(start, min(len(places), start + SNIPPET_WORDS))
    if not shown:
        return ()
    pieces = [Piece("… ")] if start else []
    at = places[start].start() if start else 0
    for index in (index for index in shown if index in hits):
        pieces += [Piece(text[at : places[index].start()]), Piece(places[index][0], is_hit=True)]
        at = places[index].end()
    is_cut = shown.stop < len(places)
    pieces.append(Piece(text[at : places[shown.stop - 1].end()] + " …" if is_cut else text[at:]))
    return tuple(piece for piece in pieces if piece.text)


def has_hit(pieces: Iterable[Piece]) -> bool:
    """Whether a snippet shows anything that was asked for."""
    return any(piece.is_hit for piece in pieces)


def _words(text: str) -> Iterator[str]:
    for place in WORD.finditer(unicodedata.normalize("NFC", text)):
        if word := _folded(place[0]):
            yield word


def _folded(word: str) -> str:
    lower = word.casefold()
    if lower.isalnum() and unicodedata.is_normalized("NFKD", lower):
        return lower[:LONGEST_WORD]
    # Twice: what is taken apart can be upper case, and what is lower case can be taken apart.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    return "".join(letter for letter in apart if letter.isalnum())[:LONGEST_WORD]


def _hits(words: Sequence[str], phrases: Iterable[Phrase]) -> Iterator[int]:
    """The places of the words that were asked for."""
    by_first: defaultdict[str, list[Phrase]] = defaultdict(list)
    for phrase in phrases:
        by_first[phrase[0]].append(phrase)
    for start in (start for start, word in enumerate(words) if word in by_first):
        for phrase in by_first[words[start]]:
            if tuple(words[start : start + len(phrase)]) == phrase:
                yield from range(start, start + len(phrase))
