"""Who may read what: decide(gate, visitor, now), pure. Doubt means teaser."""

import enum
from collections.abc import Callable
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
    """A level, and for PLAN the slugs of the plans that open it; with none it opens to nobody.

    While one of the `windows` is open its gate stands here instead; of several the first. `is_metered`: free
    reads may open it. `is_unlock`: public for a time, for the public's sake.
    """

    level: Level
    plans: frozenset[str] = frozenset()
    windows: "tuple[Window, ...]" = ()
    is_metered: bool = True
    is_unlock: bool = False

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

    @property
    def takes_free_reads(self) -> bool:
        """Whether a free read may open it: in place of a sign-in or a membership, never of a certain plan."""
        return self.is_metered and self.level in {Level.REGISTERED, Level.PATRONS}

    def at(self, now: datetime) -> "Gate":
        """The gate that stands at `now` (aware UTC)."""
        for window in self.windows:
            if window.is_open(now):
                return window.gate
        return self

    def open_until(self, now: datetime) -> datetime | None:
        """When the last of the windows ends that open it to everyone at `now`; None if it may stay open."""
        ends = [one.until for one in self.windows if one.gate.level is Level.PUBLIC and one.is_open(now)]
        if self.level is Level.PUBLIC or None in ends:
            return None
        return max(filter(None, ends), default=None)


@dataclass(frozen=True, slots=True)
class Window:
    """A gate for a time, from `since` to just before `until` (aware UTC; None is without an end)."""

    gate: Gate
    since: datetime | None = None
    until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether its gate stands at `now`."""
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class Meter:
    """What is left of the free reads of this period, and whether this article is among those read."""

    left: int
    has_read: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever is at the door, and all that they bring: `reader_id` is None for who is not signed in.

    `institution` is what a library or a company holds for them, its plan "" if it names none. `has_gift`:
    they come by a good gift link to this article. `is_crawler`: a search engine, verified and let in. `meter`
    is None where nothing is counted.
    """

    reader_id: int | None = None
    holdings: tuple[Holding, ...] = ()
    is_staff: bool = False
    institution: Holding | None = None
    has_gift: bool = False
    is_crawler: bool = False
    meter: Meter | None = None


class Show(enum.StrEnum):
    """How much of an article goes out."""

    FULL = "full"
    TEASER = "teaser"


class Reason(enum.StrEnum):
    """Why: those up to METERED show it in full, the others the teaser."""

    OPEN = "open"
    UNLOCKED = "unlocked"
    STAFF = "staff"
    SIGNED_IN = "signed_in"
    PATRON = "patron"
    INSTITUTION = "institution"
    GIFT = "gift"
    CRAWLER = "crawler"
    METERED = "metered"
    SIGN_IN = "sign_in"
    PATRONS_ONLY = "patrons_only"
    HIGHER_PLAN = "higher_plan"
    METER_SPENT = "meter_spent"
    UNKNOWN_GATE = "unknown_gate"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the door says, in the words of page, log, report and test.

    `offer`: plans that would open it. `reads_left`: free reads after this one, where this is one.
    """

    show: Show
    reason: Reason
    offer: frozenset[str] = frozenset()
    reads_left: int | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that was asked, by its name in RULES, and its answer; None: it had nothing to say."""

    rule: str
    answer: Decision | None


Rule = Callable[[Gate, Visitor, datetime], Decision | None]

TEASER_IN_DOUBT = Decision(Show.TEASER, Reason.UNKNOWN_GATE)
_FULL = {reason: Decision(Show.FULL, reason) for reason in Reason}


def decide(gate: Gate, visitor: Visitor, now: datetime) -> Decision:
    """The decision for one gate and one visitor at `now` (aware UTC): the first answer of RULES."""
    stands = gate.at(now)
    answers = (rule(stands, visitor, now) for rule in RULES.values())
    return next(answer for answer in answers if answer is not None)


def trace(gate: Gate, visitor: Visitor, now: datetime) -> tuple[Tried, ...]:
    """The rules that were asked on the way to the decision, which is the last one's answer."""
    stands = gate.at(now)
    tried = [Tried(name, rule(stands, visitor, now)) for name, rule in RULES.items()]
    asked = next(number for number, one in enumerate(tried, start=1) if one.answer is not None)
    return tuple(tried[:asked])


def _open(gate: Gate, _visitor: Visitor, _now: datetime) -> Decision | None:
    if gate.level is not Level.PUBLIC:
        return None
    return _FULL[Reason.UNLOCKED if gate.is_unlock else Reason.OPEN]


def _staff(_gate: Gate, visitor: Visitor, _now: datetime) -> Decision | None:
    return _FULL[Reason.STAFF] if visitor.is_staff else None


def _unknown_gate(gate: Gate, _visitor: Visitor, _now: datetime) -> Decision | None:
    return TEASER_IN_DOUBT if gate.level is Level.UNKNOWN else None


def _signed_in(gate: Gate, visitor: Visitor, _now: datetime) -> Decision | None:
    is_enough = gate.level is Level.REGISTERED and visitor.reader_id is not None
    return _FULL[Reason.SIGNED_IN] if is_enough else None


def _patron(gate: Gate, visitor: Visitor, now: datetime) -> Decision | None:
    return _FULL[Reason.PATRON] if _opens(gate, visitor.holdings, now) else None


def _institution(gate: Gate, visitor: Visitor, now: datetime) -> Decision | None:
    held = (visitor.institution,) if visitor.institution else ()
    return _FULL[Reason.INSTITUTION] if _opens(gate, held, now) else None


def _gift(_gate: Gate, visitor: Visitor, _now: datetime) -> Decision | None:
    return _FULL[Reason.GIFT] if visitor.has_gift else None


def _crawler(_gate: Gate, visitor: Visitor, _now: datetime) -> Decision | None:
    return _FULL[Reason.CRAWLER] if visitor.is_crawler else None


def _meter(gate: Gate, visitor: Visitor, _now: datetime) -> Decision | None:
    meter = visitor.meter
    if meter is None or not gate.takes_free_reads or not (meter.has_read or meter.left > 0):
        return None
    return Decision(Show.FULL, Reason.METERED, reads_left=meter.left - (not meter.has_read))


def _refusal(gate: Gate, visitor: Visitor, now: datetime) -> Decision:
    if gate.level is Level.REGISTERED:
        return Decision(Show.TEASER, Reason.SIGN_IN)
    if any(now < held.until for held in visitor.holdings):
        return Decision(Show.TEASER, Reason.HIGHER_PLAN, gate.plans)
    is_spent = visitor.meter is not None and gate.takes_free_reads
    return Decision(Show.TEASER, Reason.METER_SPENT if is_spent else Reason.PATRONS_ONLY, gate.plans)


def _opens(gate: Gate, held: tuple[Holding, ...], now: datetime) -> bool:
    plans = {one.plan for one in held if now < one.until}
    return bool(plans) and (gate.level is not Level.PLAN or bool(plans & gate.plans))


# In the order in which they are asked. Each has an answer, or nothing to say; the last one has one.
RULES: dict[str, Rule] = {
    "open": _open,
    "staff": _staff,
    "unknown_gate": _unknown_gate,
    "signed_in": _signed_in,
    "patron": _patron,
    "institution": _institution,
    "gift": _gift,
    "crawler": _crawler,
    "meter": _meter,
    "refusal": _refusal,
}
