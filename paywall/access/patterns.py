"""The rules of a site behind our door: which path has which gate, and which requests ask for a copy. Pure."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from paywall.access.decision import Gate, Level
from paywall.errors import WrongSetting

# What WordPress and the usual generators give of an article beside its page: feeds, data, AMP, print. PHP is
# asked by a name in the query, at any path; ?_jsonp makes a script of an answer in JSON.
COPIES = (
    "?rest_route", "?feed", "?amp", "?_jsonp", "?json", "?format", "?_format", "?outputtype", "?print",
    "?withoutcomments", "*/wp-json", "*/feed", "*/rss", "*/rss2", "*/rdf", "*/atom", "/*/amp", "/*/print",
    "*/feed.xml", "*/index.xml", "*/rss.xml", "*/atom.xml", "*.rss", "*.atom", "*.json", "*/wp-content/cache",
)  # fmt: skip
# Among them what holds no article.
OPENED = (
    "/manifest.json", "/.well-known", "/wp-admin", "/wp-includes", "/wp-content/themes",
    "/wp-content/plugins",
)  # fmt: skip
PATRONS = Gate(Level.PATRONS)
KEYS = {"marked", "copies", "opened", "gates"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A path as all spellings of it that a server takes for the same, and the names of the query."""

    path: str
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, path: str, query: str = "") -> Self:
        """From a decoded path and a raw query; names as PHP reads them, for which a.b[] is a_b."""
        segments = (segment.partition(";")[0] for segment in path.casefold().split("/"))
        names = (name for name, _value in parse_qsl(query, keep_blank_values=True))
        return cls(f"/{'/'.join(one for one in segments if one)}", frozenset(map(_name, names)))


@dataclass(frozen=True, slots=True)
class Pattern:
    """`/news` is that page and all below it, `/` the front page only; `*` stands for anything, also slashes.

    After a question mark comes the name of a part of the query: `?feed` at any path, `/news?feed` below one.
    """

    path: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one; raises WrongSetting for what can match nothing."""
        path, _mark, name = text.strip().partition("?")
        if path[:1] not in {"", "/", "*"} or not (path or name):
            raise WrongSetting(f"{text!r} is no pattern: begin with /, * or ?")
        plain = re.sub("/+", "/", unquote(path).casefold())
        return cls(plain.rstrip("/") or plain, _name(name))

    def matches(self, asked: Asked) -> bool:
        """Whether it is meant."""
        if self.name and self.name not in asked.names:
            return False
        if self.path in {"", "/"}:
            return not self.path or asked.path == "/"
        return bool(_expression(self.path).fullmatch(asked.path))


@dataclass(frozen=True, slots=True)
class Rules:
    """What the newsroom says of the site: `gates` in the order in which they are asked.

    `marked` is the gate of a page that marks a part as gated and names no gate, and of copies.
    """

    gates: tuple[tuple[Pattern, Gate], ...] = ()
    marked: Gate = PATRONS
    copies: tuple[Pattern, ...] = field(default_factory=lambda: _patterns(COPIES))
    opened: tuple[Pattern, ...] = field(default_factory=lambda: _patterns(OPENED))

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a TOML file; raises WrongSetting with one line that says what is wrong."""
        try:
            given = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as failure:
            raise WrongSetting(f"cannot read the rules in {path}: {failure}") from None
        try:
            return cls._of(given)
        except WrongSetting as wrong:
            raise WrongSetting(f"{path}: {wrong.message}") from None

    @classmethod
    def _of(cls, given: dict[str, Any]) -> Self:
        if unknown := given.keys() - KEYS:
            raise WrongSetting(f"{', '.join(sorted(unknown))}: known are {', '.join(sorted(KEYS))}")
        gates = _list(given, "gates", of=dict)
        if any(one.keys() != {"path", "gate"} for one in gates):
            raise WrongSetting("each of the gates needs a path and a gate, and nothing else")
        copies, opened = _list(given, "copies", of=str), _list(given, "opened", of=str)
        return cls(
            gates=tuple((Pattern.parse(str(one["path"])), _gate(one["gate"])) for one in gates),
            marked=_gate(given.get("marked", Level.PATRONS)),
            copies=_patterns(copies if "copies" in given else COPIES),
            opened=_patterns((*OPENED, *opened)),
        )

    def gate(self, asked: Asked) -> Gate | None:
        """The gate of the first pattern that matches."""
        return next((gate for pattern, gate in self.gates if pattern.matches(asked)), None)

    def is_opened(self, asked: Asked) -> bool:
        """Whether the newsroom lets a copy through. What asks by name needs a pattern with that name."""
        by_name = any(pattern.name and pattern.matches(asked) for pattern in self.copies)
        return any(pattern.matches(asked) for pattern in self.opened if pattern.name or not by_name)

    def is_copy(self, asked: Asked) -> bool:
        """Whether an article's text is asked for in another form than its page."""
        return any(pattern.matches(asked) for pattern in self.copies) and not self.is_opened(asked)


def _patterns(texts: Iterable[str]) -> tuple[Pattern, ...]:
    return tuple(map(Pattern.parse, texts))


def _gate(text: object) -> Gate:
    gate = Gate.parse(str(text))
    if gate.level is Level.UNKNOWN:
        raise WrongSetting(f"{text!r} is no gate: give public, registered, patrons or plan:<slug>")
    return gate


def _list(given: dict[str, Any], key: str, *, of: type) -> list[Any]:
    found = given.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, of) for one in found):
        raise WrongSetting(f"{key} must be a list of {'tables' if of is dict else 'texts'}")
    return found


def _name(name: str) -> str:
    return re.sub("[ .]", "_", name.lstrip().partition("[")[0]).casefold()


@cache
def _expression(path: str) -> re.Pattern[str]:
    anything = ".*".join(re.escape(part) for part in path.split("*"))
    return re.compile(f"{anything}(?:/.*)?", re.DOTALL)
