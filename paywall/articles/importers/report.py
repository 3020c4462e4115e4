"""What an import did, or what is wrong with which line of which file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right: in which file, on which line (from 1), and what to do."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The slugs of an import; with any problem nothing was changed."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def lines(self) -> list[str]:
        """The report for a person, line by line."""
        if self.problems:
            found = _count(len(self.problems), "problem")
            return [*map(str, self.problems), f"Nothing was changed: {found}."]
        total = _count(len(self.added) + len(self.changed) + len(self.same), "article")
        parts = f"{len(self.added)} new, {len(self.changed)} changed, {len(self.same)} as before"
        return [
            *(f"new      {slug}" for slug in self.added),
            *(f"changed  {slug}" for slug in self.changed),
            f"{total}: {parts}.",
        ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
