"""How a Markdown file with front matter is read: into a draft, or into problems with their lines."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from sqlalchemy import String

from paywall.access.decision import Gate, Level
from paywall.articles import render
from paywall.articles.importers.report import Problem
from paywall.articles.models import Article, Section
from paywall.articles.terms import SLUG, Terms

FENCE = "---"
REQUIRED = ("slug", "title", "section")
TEXTS = ("standfirst", "byline", "picture", "picture_alt", "picture_credit", "gate")
INSTANTS = ("published_at", "free_until", "free_from")
NUMBERS = {"first_hours": 24 * 365, "archive_days": 365 * 50}
KEYS = (*REQUIRED, *TEXTS, "tags", *INSTANTS, *NUMBERS, "metered")
PICTURE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,120}\.(?:jpe?g|png|webp)")
# What neither YAML nor every database takes; YAML's own escapes can write it too.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
LONGEST_TAG = 60
METERED = {"": None, "true": True, "false": False}
LARGEST = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Draft:
    """One article as its file states it: `fields` and `lines` by key, lines of `pictures` by name."""

    path: Path
    fields: dict[str, str]
    lines: dict[str, int]
    body: str
    tags: tuple[str, ...]
    published_at: datetime | None
    terms: Terms
    pictures: dict[str, int]

    def problem(self, key: str, message: str) -> Problem:
        """A problem on the line of `key`."""
        return Problem(self.path, self.lines.get(key, 1), message)


class Unreadable(Exception):
    """The file cannot be read so far that its keys could be checked."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def read(path: Path) -> tuple[Draft | None, list[Problem]]:
    """The draft in a file, and what is wrong with it; no draft if the file cannot be understood."""
    try:
        text = _text(path)
        front, body, body_line = _split(text)
        fields, lines = _keys(front)
        tags = _tags(fields, lines)
        instants = {key: _instant(key, fields, lines) for key in INSTANTS}
        terms = _terms(fields, lines, instants)
    except Unreadable as wrong:
        return None, [Problem(path, wrong.line, wrong.message)]
    named, elsewhere = _pictures(path, body, body_line)
    if fields.get("picture"):
        named = {fields["picture"]: lines["picture"]} | named
    draft = Draft(path, fields, lines, body, tags, instants["published_at"], terms, named)
    return draft, [*_wrong_keys(draft), *_wrong_values(draft), *elsewhere]


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(1, f"cannot be opened: {error.strerror}") from None
    if len(raw) > LARGEST:
        raise Unreadable(1, "is larger than 2 MiB: an article is text; keep pictures in files of their own")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, "is not UTF-8: save the file with the encoding UTF-8") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable(line, "holds an invisible control character: delete it")
    return text


def _split(text: str) -> tuple[str, str, int]:
    """Front matter, body, and the line on which the body begins."""
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        raise Unreadable(1, "does not begin with front matter: the first line must be ---")
    ends = [number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE]
    if not ends:
        raise Unreadable(1, "has front matter without an end: close it with a line ---")
    return "\n".join(lines[1 : ends[0]]), "\n".join(lines[ends[0] + 1 :]), ends[0] + 2


def _keys(front: str) -> tuple[dict[str, str], dict[str, int]]:
    """Values and lines by key; every value is taken as the text that it was written as."""
    fields: dict[str, str] = {}
    lines: dict[str, int] = {}
    for key, value in _mapping(front).value:
        name, line = str(key.value), key.start_mark.line + 2
        if name in fields:
            raise Unreadable(line, f"{name} is given twice: delete one of them")
        if not isinstance(value, yaml.ScalarNode):
            raise Unreadable(line, f"{name} must be plain text: put it in quotation marks")
        if CONTROL.search(value.value):
            raise Unreadable(line, f"{name} holds an invisible control character: delete it")
        fields[name], lines[name] = ("" if value.tag.endswith(":null") else value.value.strip()), line
    return fields, lines


def _mapping(front: str) -> yaml.MappingNode:
    try:
        node = yaml.compose(front, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        hint = "a text with a colon or a quotation mark in it must stand in quotation marks"
        raise Unreadable(line, f"is not good YAML ({error.problem}): {hint}") from None
    except RecursionError:
        raise Unreadable(2, "has brackets in brackets without end: its values are plain texts") from None
    if not isinstance(node, yaml.MappingNode):
        raise Unreadable(2, f"has no keys in its front matter: it needs {', '.join(REQUIRED)}")
    return node


def _tags(fields: dict[str, str], lines: dict[str, int]) -> tuple[str, ...]:
    """The slugs in "tags: floods, elections", in their order, each once."""
    given = [
        tag.strip().lower().replace(" ", "-") for tag in fields.pop("tags", "").split(",") if tag.strip()
    ]
    for tag in given:
        if not SLUG.fullmatch(tag) or len(tag) > LONGEST_TAG:
            hint = "use a-z, 0-9 and single hyphens, with commas between tags"
            raise Unreadable(lines["tags"], f"tag {tag!r} cannot be read: {hint}")
    return tuple(dict.fromkeys(given))


def _terms(fields: dict[str, str], lines: dict[str, int], instants: dict[str, datetime | None]) -> Terms:
    is_metered = fields.pop("metered", "")
    if is_metered not in METERED:
        raise Unreadable(lines["metered"], f"metered {is_metered!r} is neither true nor false")
    return Terms(
        str(Gate.parse(fields["gate"])) if fields.get("gate") else "",
        instants["free_until"],
        instants["free_from"],
        is_metered=METERED[is_metered],
        **{key: _number(key, fields, lines) for key in NUMBERS},
    )


def _number(key: str, fields: dict[str, str], lines: dict[str, int]) -> int | None:
    text, most = fields.pop(key, ""), NUMBERS[key]
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= most):
        raise Unreadable(lines[key], f"{key} {text!r} must be a whole number up to {most}")
    return int(text)


def _instant(key: str, fields: dict[str, str], lines: dict[str, int]) -> datetime | None:
    text = fields.pop(key, "")
    if not text:
        return None
    line, example = lines[key], "write 2026-11-24T06:00:00Z or 2026-11-24T08:00:00+02:00"
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise Unreadable(line, f"{key} {text!r} has no time zone: {example}")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(line, f"{key} {text!r} is no date: {example}") from None


def _pictures(path: Path, body: str, body_line: int) -> tuple[dict[str, int], list[Problem]]:
    named: dict[str, int] = {}
    elsewhere = []
    for address, line in render.pictures(body):
        if render.PICTURE.fullmatch(address):
            named.setdefault(address.removeprefix("/pictures/"), line + body_line - 1)
        else:
            hint = "put the file beside the article and write /pictures/name.jpg"
            elsewhere.append(Problem(path, line + body_line - 1, f"picture {address!r} is not ours: {hint}"))
    return named, elsewhere


def _wrong_keys(draft: Draft) -> list[Problem]:
    unknown = [
        draft.problem(key, f"{key!r} is not a key we know: use {', '.join(KEYS)}")
        for key in draft.lines
        if key not in KEYS
    ]
    missing = [draft.problem(key, f"{key} is missing") for key in REQUIRED if not draft.fields.get(key)]
    if not draft.body.strip():
        missing.append(Problem(draft.path, 1, "has no text under its front matter"))
    return [*unknown, *missing]


def _wrong_values(draft: Draft) -> list[Problem]:
    fields = draft.fields
    wrong = [draft.problem(key, message) for key, message in _too_long(fields)]
    if fields.get("slug") and not SLUG.fullmatch(fields["slug"]):
        wrong.append(draft.problem("slug", "slug may hold only a-z, 0-9, and single hyphens between"))
    if Gate.parse(draft.terms.gate or "public").level is Level.UNKNOWN:
        wrong.append(draft.problem("gate", _gate_hint(fields["gate"])))
    if fields.get("picture") and not PICTURE_NAME.fullmatch(fields["picture"]):
        hint = "must be a plain file name in small letters that ends in .jpg, .png or .webp"
        wrong.append(draft.problem("picture", f"picture {fields['picture']!r} {hint}"))
    if fields.get("picture") and not fields.get("picture_alt"):
        hint = "say in picture_alt what the picture shows, for readers who hear the page"
        wrong.append(draft.problem("picture", f"picture_alt is missing: {hint}"))
    return wrong


def _gate_hint(gate: str) -> str:
    return f"gate {gate!r} is unknown: write public, registered, patrons, or plan:<slug>[,<slug>]"


def _too_long(fields: dict[str, str]) -> list[tuple[str, str]]:
    columns = {name: Article.__table__.c[name].type for name in (*REQUIRED, *TEXTS) if name != "section"}
    columns["section"] = Section.__table__.c.name.type
    limits = {name: kind.length for name, kind in columns.items() if isinstance(kind, String) and kind.length}
    return [
        (key, f"{key} has {len(fields[key])} characters, and may have {limit}")
        for key, limit in limits.items()
        if len(fields.get(key, "")) > limit
    ]
