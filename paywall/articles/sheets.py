"""All that the page of an article may print, for one decision: the same for readers and for a preview."""

from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from paywall.access import free_reads, teaser
from paywall.access.decision import Decision, Gate, Reason, Show
from paywall.articles.cards import Card
from paywall.articles.offer import Offer, offer

WORDS_A_MINUTE = 230
# The reasons for which everybody sees the whole.
OPEN = frozenset({Reason.OPEN, Reason.UNLOCKED})


@dataclass(frozen=True, slots=True)
class Text:
    """What is printed of a body, the whole or the teaser, as was decided; `words` is of the whole."""

    html: str
    words: int
    words_left: int
    picture_credit: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that the article page may print: `html` is the whole body only where the door said so.

    `is_open`: it does so for everybody, until `open_until` if that has an end. `gated_class`: that of the
    elements which hold what others do not see; None if there are none on this page.
    """

    card: Card
    picture_credit: str
    html: str
    words: int
    words_left: int
    is_full: bool
    reads_left: int | None
    meter_days: int
    is_open: bool
    open_until: datetime | None
    gated_class: str | None
    offer: Offer | None
    related: tuple[Card, ...] = ()

    @property
    def minutes(self) -> int:
        """How long the whole article takes to read."""
        return max(1, round(self.words / WORDS_A_MINUTE))

    @property
    def words_read(self) -> int:
        """How many words the teaser shows."""
        return self.words - self.words_left


def sheet(card: Card, text: Text, gate: Gate, decision: Decision, now: datetime, *, signed_in: bool) -> Sheet:
    """The sheet of an article behind `gate` (with its windows); `text` is what `decision` lets out."""
    is_full, is_open = decision.show is Show.FULL, decision.reason in OPEN
    shown = text.words - text.words_left
    marked = teaser.mark_rest(text.html, shown=shown) if is_full and not is_open else None
    return Sheet(
        card,
        text.picture_credit,
        marked or text.html,
        text.words,
        text.words_left,
        is_full=is_full,
        reads_left=decision.reads_left,
        meter_days=free_reads.allowed(current_app.extensions["settings"]).days,
        is_open=is_open,
        open_until=gate.open_until(now) if is_open else None,
        gated_class=teaser.GATED if marked else None,
        offer=None if is_full else offer(card.gate, decision, signed_in=signed_in),
    )
