"""How a Markdown file with front matter is read: into a manuscript, or into problems with their lines."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from paywall.articles import manuscript, render
from paywall.articles.importers.report import Problem
from paywall.articles.manuscript import (
    CONTROL,
    INSTANTS,
    NUMBERS,
    REQUIRED,
    TEXTS,
    Fault,
    Manuscript,
    slug_of_tag,
)
from paywall.articles.terms import Terms

FENCE = "---"
KEYS = (*REQUIRED, *TEXTS, "gate", "tags", *INSTANTS, *NUMBERS, "metered")
METERED = {"": None, "true": True, "false": False}
LARGEST = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Draft:
    """One article as its file states it: `lines` by key, and the line on which the body begins."""

    path: Path
    manuscript: Manuscript
    lines: dict[str, int]
    body_line: int

    def problem(self, fault: Fault) -> Problem:
        """A fault, on its line of the file."""
        line = self.body_line + fault.line - 1 if fault.line else self.lines.get(fault.field, 1)
        return Problem(self.path, line, fault.message)

    def pictures(self) -> dict[str, int]:
        """The names of the pictures that it shows, each with its line."""
        lines = dict(reversed(render.pictures(self.manuscript.body)))
        first = {
            name: self.body_line + lines.get(f"/pictures/{name}", 1) - 1
            for name in self.manuscript.pictures()
        }
        return first | ({self.manuscript.picture: self.lines["picture"]} if self.manuscript.picture else {})


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
        given = _manuscript(fields, lines, body)
    except Unreadable as wrong:
        return None, [Problem(path, wrong.line, wrong.message)]
    draft = Draft(path, given, lines, body_line)
    return draft, [*_unknown_keys(draft), *map(draft.problem, manuscript.faults(given))]


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


def _manuscript(fields: dict[str, str], lines: dict[str, int], body: str) -> Manuscript:
    texts: dict[str, Any] = {key: fields.get(key, "") for key in (*REQUIRED, *TEXTS)}
    tags = (slug_of_tag(tag) for tag in fields.get("tags", "").split(",") if tag.strip())
    return Manuscript(
        body=body,
        tags=tuple(dict.fromkeys(tags)),
        published_at=_instant("published_at", fields, lines),
        terms=_terms(fields, lines),
        **texts,
    )


def _terms(fields: dict[str, str], lines: dict[str, int]) -> Terms:
    is_metered = fields.get("metered", "")
    if is_metered not in METERED:
        raise Unreadable(lines["metered"], f"metered {is_metered!r} is neither true nor false")
    return Terms(
        fields.get("gate", ""),
        _instant("free_until", fields, lines),
        _instant("free_from", fields, lines),
        _number("first_hours", fields, lines),
        _number("archive_days", fields, lines),
        METERED[is_metered],
    )


def _number(key: str, fields: dict[str, str], lines: dict[str, int]) -> int | None:
    text = fields.get(key, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Unreadable(lines[key], f"{key} {text!r} must be a whole number up to {NUMBERS[key]}")
    return int(text)


def _instant(key: str, fields: dict[str, str], lines: dict[str, int]) -> datetime | None:
    text = fields.get(key, "")
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


def _unknown_keys(draft: Draft) -> list[Problem]:
    hint = f"use {', '.join(KEYS)}"
    return [
        draft.problem(Fault(key, f"{key!r} is not a key we know: {hint}"))
        for key in draft.lines
        if key not in KEYS
    ]
