"""Who may read what: decide(gate, visitor, now), pure. Doubt means teaser."""

import enum
from dataclasses import dataclass
from datetime import datetime

from paywall.membership.rules import Holding


class Level(enum.StrEnum):
    """What a gate asks of who stands before it."""

    PUBLIC = "public"
    REGISTERED = "registered"
    PATRONS = "patrons"
    PLAN = "plan"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Gate:
    """A level, and for PLAN the slugs of the plans that open it; with none it opens to nobody."""

    level: Level
    plans: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> "Gate":
        """Read "public", "registered", "patrons" or "plan:<slug>[,<slug>]"; anything else is UNKNOWN."""
        word, colon, rest = text.strip().partition(":")
        if word == Level.PLAN and colon:
            return cls(Level.PLAN, frozenset(slug.strip() for slug in rest.split(",") if slug.strip()))
        if not colon and word in {Level.PUBLIC, Level.REGISTERED, Level.PATRONS}:
            return cls(Level(word))
        return cls(Level.UNKNOWN)

    def __str__(self) -> str:
        return f"plan:{','.join(sorted(self.plans))}" if self.level is Level.PLAN else self.level.value


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever is at the door: `reader_id` is None for who is not signed in."""

    reader_id: int | None = None
    holdings: tuple[Holding, ...] = ()
    is_staff: bool = False


class Show(enum.StrEnum):
    """How much of an article goes out."""

    FULL = "full"
    TEASER = "teaser"


class Reason(enum.StrEnum):
    """Why: the first four show it in full, the others the teaser."""

    OPEN = "open"
    SIGNED_IN = "signed_in"
    PATRON = "patron"
    STAFF = "staff"
    SIGN_IN = "sign_in"
    PATRONS_ONLY = "patrons_only"
    HIGHER_PLAN = "higher_plan"
    UNKNOWN_GATE = "unknown_gate"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the door says, in the words of page, log, report and test. `offer`: plans that would open it."""

    show: Show
    reason: Reason
    offer: frozenset[str] = frozenset()


TEASER_IN_DOUBT = Decision(Show.TEASER, Reason.UNKNOWN_GATE)


def decide(gate: Gate, visitor: Visitor, now: datetime) -> Decision:
    """The decision for one gate and one visitor at the instant `now` (aware UTC)."""
    if gate.level is Level.PUBLIC:
        return Decision(Show.FULL, Reason.OPEN)
    if visitor.is_staff:
        return Decision(Show.FULL, Reason.STAFF)
    match gate.level:
        case Level.REGISTERED:
            signed_in = visitor.reader_id is not None
            return (
                Decision(Show.FULL, Reason.SIGNED_IN) if signed_in else Decision(Show.TEASER, Reason.SIGN_IN)
            )
        case Level.PATRONS | Level.PLAN:
            return _for_patrons(gate, frozenset(held.plan for held in visitor.holdings if now < held.until))
    return TEASER_IN_DOUBT


def _for_patrons(gate: Gate, held: frozenset[str]) -> Decision:
    if held and (gate.level is Level.PATRONS or held & gate.plans):
        return Decision(Show.FULL, Reason.PATRON)
    if held:
        return Decision(Show.TEASER, Reason.HIGHER_PLAN, gate.plans)
    return Decision(Show.TEASER, Reason.PATRONS_ONLY, gate.plans)
