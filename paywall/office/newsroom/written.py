"""What an editor's form says, read into a manuscript, and a manuscript as the form shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from paywall.access.decision import Gate, Level
from paywall.articles.manuscript import INSTANTS, NUMBERS, TEXTS, Fault, Manuscript, slug_of_tag, suggested
from paywall.articles.terms import Terms

METERED = {"": None, "yes": True, "no": False}
PLANS_ONLY = "plan"
NO_PLAN = "tick at least one plan, or choose another gate"
EXAMPLE = "write it like 2026-11-28 09:00, in the site's time"

Said = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """The manuscript that a form comes to, and those of its fields that cannot be understood at all."""

    manuscript: Manuscript
    faults: tuple[Fault, ...]


def read(said: Said, plans: list[str], before: Manuscript, zone: ZoneInfo) -> Written:
    """Read the fields by name; `plans` are those that were ticked, `before` is what the form was filled from.

    Who leaves a date as it was shown, to the minute, leaves it as it was.
    """
    faults: list[Fault] = []

    def instant(name: str) -> datetime | None:
        old = before.published_at if name == "published_at" else getattr(before.terms, name)
        try:
            return old if old and said[name] == local(old, zone) else moment(said[name], zone)
        except ValueError as wrong:
            faults.append(Fault(name, str(wrong)))
            return old

    def number(name: str) -> int | None:
        try:
            return _number(said[name].strip(), NUMBERS[name])
        except ValueError as wrong:
            faults.append(Fault(name, str(wrong)))
            return None

    gate = gate_of(said["gate"], plans)
    if said["gate"] == PLANS_ONLY and not plans:
        faults.append(Fault("gate", NO_PLAN))
    tags = dict.fromkeys(slug_of_tag(tag) for tag in said["tags"].split(",") if tag.strip())
    title = said["title"].strip()
    made = Manuscript(
        slug=said["slug"].strip() or suggested(title),
        title=title,
        section=said["section"].strip(),
        body=plain_lines(said["body"]),
        is_html=before.is_html,
        tags=tuple(tags),
        published_at=instant("published_at"),
        terms=Terms(
            gate,
            instant("free_until"),
            instant("free_from"),
            number("first_hours"),
            number("archive_days"),
            METERED.get(said["is_metered"]),
        ),
        **{name: said[name].strip() for name in TEXTS},
    )
    return Written(made, tuple(faults))


def fields(given: Manuscript, zone: ZoneInfo) -> dict[str, object]:
    """The fields of a form that says what this manuscript says."""
    terms, level = given.terms, Gate.parse(given.terms.gate or "public").level
    instants = {name: getattr(terms, name) for name in INSTANTS if name != "published_at"}
    instants["published_at"] = given.published_at
    names = {is_metered: name for name, is_metered in METERED.items()}
    return {
        **{name: getattr(given, name) for name in ("title", "slug", "section", "body", *TEXTS)},
        "tags": ", ".join(given.tags),
        "gate": PLANS_ONLY if level is Level.PLAN else terms.gate,
        "plans": sorted(Gate.parse(terms.gate).plans),
        "is_metered": names[terms.is_metered],
        **{name: local(instant, zone) if instant else "" for name, instant in instants.items()},
        **{name: "" if (number := getattr(terms, name)) is None else str(number) for name in NUMBERS},
    }


def gate_of(chosen: str, plans: list[str]) -> str:
    """The gate of a form in which it is chosen and its plans are ticked; "" if no plan is."""
    if chosen != PLANS_ONLY:
        return chosen
    return f"plan:{','.join(plans)}" if plans else ""


def local(instant: datetime, zone: ZoneInfo) -> str:
    """An instant as the browser's own field for a date and a time shows it."""
    return f"{instant.astimezone(zone):%Y-%m-%dT%H:%M}"


def plain_lines(text: str) -> str:
    """A text as forms send it, with the ends of lines that we keep."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def moment(text: str, zone: ZoneInfo) -> datetime | None:
    """An instant as a form says it, None for no text; raises ValueError with what is wrong."""
    text = text.strip()
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
        aware = given if given.tzinfo else given.replace(tzinfo=zone)
        instant = aware.astimezone(UTC)
        is_on_the_clock = bool(given.tzinfo) or instant.astimezone(zone).replace(tzinfo=None) == given
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no date and time: {EXAMPLE}") from None
    if not is_on_the_clock:
        raise ValueError("the clock is put forward in this hour, so there is no such time: choose another")
    return instant


def _number(text: str, most: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"{text!r} must be a whole number up to {most}")
    return int(text)
