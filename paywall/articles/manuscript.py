"""What is handed in to be printed, and what is wrong with it: the same rules for files and for the API."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String

from paywall.access.decision import Gate, Level
from paywall.articles import pictures, render
from paywall.articles.models import Article, Section
from paywall.articles.terms import SLUG, Terms

REQUIRED = ("slug", "title", "section")
TEXTS = ("standfirst", "byline", "picture", "picture_alt", "picture_credit")
NUMBERS = {"first_hours": 24 * 365, "archive_days": 365 * 50}
INSTANTS = ("published_at", "free_until", "free_from")
# What neither YAML nor every database takes; the escapes of YAML and JSON can write it too.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
LONGEST_TAG = 60
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
VOID = frozenset(
    {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
# The time to sanitise tags within tags grows with the square of their number.
MOST_OPEN_TAGS = 1000
SAYS_NOTHING = Terms()
LONGEST_SUGGESTED = 80
# What is reckoned from an instant must not leave the calendar.
YEARS = range(1600, 3000)


@dataclass(frozen=True, slots=True)
class Manuscript:
    """One article as a newsroom hands it in, instants in aware UTC.

    `body` is Markdown, or with `is_html` HTML; `section` is a name, `picture` that of a file. Without
    `published_at` it is kept and not shown.
    """

    slug: str
    title: str
    section: str
    body: str
    is_html: bool = False
    standfirst: str = ""
    byline: str = ""
    picture: str = ""
    picture_alt: str = ""
    picture_credit: str = ""
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    terms: Terms = SAYS_NOTHING

    def pictures(self) -> list[str]:
        """The names of the pictures that it shows, each once."""
        found = render.pictures(self.body, is_html=self.is_html)
        names = [self.picture] if self.picture else []
        names += [address.removeprefix("/pictures/") for address, _ in found if _is_ours(address)]
        return list(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to put right, in which field, and for the body on which of its lines (from 1), if on one."""

    field: str
    message: str
    line: int | None = None


def slug_of_tag(text: str) -> str:
    """A tag as it is kept: "Floods 2026" is floods-2026."""
    return text.strip().lower().replace(" ", "-")


def suggested(title: str) -> str:
    """The slug that a title suggests; "" for one without a letter that addresses can have."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    whole = "-".join(words)
    return whole if len(whole) <= LONGEST_SUGGESTED else whole[:LONGEST_SUGGESTED].rpartition("-")[0]


def faults(given: Manuscript) -> list[Fault]:
    """All that is wrong with a manuscript, as far as it can be seen without the tables and the pictures."""
    return [
        *_missing(given),
        *_unfit_texts(given),
        *_unfit_tags(given),
        *_unfit_terms(given),
        *_unfit_pictures(given),
    ]


def is_tangled(body: str) -> bool:
    """Whether so many tags stand within one another that rendering it takes too long."""
    return _open_tags(body) > MOST_OPEN_TAGS


def _limits() -> dict[str, int]:
    columns = {name: Article.__table__.c[name].type for name in ("slug", "title", *TEXTS, "tags", "gate")}
    columns["section"] = Section.__table__.c.name.type
    return {name: kind.length for name, kind in columns.items() if isinstance(kind, String) and kind.length}


# How many characters a field may have, by its name.
LIMITS = _limits()


def _missing(given: Manuscript) -> Iterator[Fault]:
    for name in REQUIRED:
        if not getattr(given, name):
            yield Fault(name, f"{name} is missing")
    if not given.body.strip():
        yield Fault("body", "has no text")


def _unfit_texts(given: Manuscript) -> Iterator[Fault]:
    texts = {name: getattr(given, name) for name in (*REQUIRED, *TEXTS)} | {"gate": given.terms.gate}
    for name, text in texts.items():
        if len(text) > LIMITS[name]:
            yield Fault(name, f"{name} has {len(text)} characters, and may have {LIMITS[name]}")
        if CONTROL.search(text):
            yield Fault(name, f"{name} holds an invisible control character: delete it")
    if found := CONTROL.search(given.body):
        line = given.body.count("\n", 0, found.start()) + 1
        yield Fault("body", "holds an invisible control character: delete it", line)
    if is_tangled(given.body):
        yield Fault("body", f"has more than {MOST_OPEN_TAGS} tags that are not closed: close them")
    if given.slug and not SLUG.fullmatch(given.slug):
        yield Fault("slug", "slug may hold only a-z, 0-9, and single hyphens between")


def _open_tags(html: str) -> int:
    """How many tags stand open at once, at most."""
    deepest = depth = 0
    for found in TAG.finditer(html):
        if found[2].lower() not in VOID:
            depth = max(0, depth - 1) if found[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _unfit_tags(given: Manuscript) -> Iterator[Fault]:
    for tag in given.tags:
        if not SLUG.fullmatch(tag) or len(tag) > LONGEST_TAG:
            hint = "use a-z, 0-9 and single hyphens, with commas between tags"
            yield Fault("tags", f"tag {tag!r} cannot be read: {hint}")
    if len(" ".join(given.tags)) + 2 > LIMITS["tags"]:
        yield Fault("tags", f"tags have more than {LIMITS['tags'] - 2} characters in all: leave some out")


def _unfit_terms(given: Manuscript) -> Iterator[Fault]:
    gate = Gate.parse(given.terms.gate or "public")
    if gate.level is Level.UNKNOWN or (gate.level is Level.PLAN and not gate.plans):
        hint = "write public, registered, patrons, or plan:<slug>[,<slug>]"
        yield Fault("gate", f"gate {given.terms.gate!r} is unknown: {hint}")
    for name, most in NUMBERS.items():
        number = getattr(given.terms, name)
        if number is not None and not 0 <= number <= most:
            yield Fault(name, f"{name} must be a whole number up to {most}")
    for name in INSTANTS:
        instant = given.published_at if name == "published_at" else getattr(given.terms, name)
        if instant and instant.year not in YEARS:
            yield Fault(name, f"{name} lies outside of the years {YEARS.start} to {YEARS.stop - 1}")


def _unfit_pictures(given: Manuscript) -> Iterator[Fault]:
    if given.picture and not pictures.NAME.fullmatch(given.picture):
        hint = "must be a plain file name in small letters that ends in .jpg, .png or .webp"
        yield Fault("picture", f"picture {given.picture!r} {hint}")
    if given.picture and not given.picture_alt:
        hint = "say in picture_alt what the picture shows, for readers who hear the page"
        yield Fault("picture", f"picture_alt is missing: {hint}")
    for address, line in render.pictures(given.body, is_html=given.is_html):
        if not _is_ours(address):
            hint = "hand in the file as well, and write /pictures/name.jpg"
            yield Fault("body", f"picture {address!r} is not ours: {hint}", line)


def _is_ours(address: str) -> bool:
    return bool(render.PICTURE.fullmatch(address))
