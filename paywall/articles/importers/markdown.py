"""Import of Markdown files with front matter: idempotent by slug, and all or nothing."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from paywall.accounts import trail
from paywall.articles import darkroom, pictures, typesetting
from paywall.articles.importers import draft as drafts
from paywall.articles.importers.draft import Draft
from paywall.articles.importers.report import ImportReport, Problem
from paywall.articles.manuscript import Fault
from paywall.articles.pictures import Picture
from paywall.articles.typesetting import Kept
from paywall.config import Settings
from paywall.db import db


@dataclass(frozen=True, slots=True)
class Developed:
    """What is made of a picture's file: the whole picture first. `of`: the file, by its hash."""

    of: bytes
    pictures: tuple[Picture, ...]


def import_markdown(paths: Iterable[Path], *, reason: str = "") -> ImportReport:
    """Bring in the articles in these files and folders (with folders inside); the caller commits.

    Everything is checked before anything is written: with any problem nothing is changed.
    """
    found: list[Draft] = []
    files, problems = _files(paths)
    for file in files:
        draft, wrong = drafts.read(file)
        found += [draft] if draft else []
        problems += wrong
    shown, wrong = _pictures(found)
    problems += [*_twice(found), *_unknown_plans(found), *wrong]
    if problems:
        problems.sort(key=lambda problem: (problem.path, problem.line))
        return ImportReport(problems=tuple(problems))
    return _write(found, shown, reason)


def _files(paths: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    """The files to read, each once however often it is named, and the paths that hold none."""
    found: dict[str, Path] = {}
    empty = []
    for path in paths:
        inside = [path] if path.is_file() else _inside(path)
        if not inside:
            empty.append(Problem(path, 1, "holds no file that ends in .md"))
        for file in inside:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values()), empty


def _inside(folder: Path) -> list[Path]:
    """The articles in a folder; what is hidden, like an editor's bin, is none."""
    return sorted(
        file
        for file in folder.rglob("*.md")
        if not file.is_dir() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _twice(found: list[Draft]) -> Iterator[Problem]:
    first: dict[str, Draft] = {}
    for draft in found:
        slug = draft.manuscript.slug
        if slug and first.setdefault(slug, draft) is not draft:
            message = f"slug {slug!r} is also that of {first[slug].path}: each needs its own"
            yield draft.problem(Fault("slug", message))


def _unknown_plans(found: list[Draft]) -> Iterator[Problem]:
    for draft in found:
        yield from map(draft.problem, typesetting.unknown_plans(draft.manuscript))


def _pictures(found: list[Draft]) -> tuple[dict[str, Developed], list[Problem]]:
    """The pictures that the drafts name, by name; two different files of one name are a problem."""
    shown: dict[str, Developed] = {}
    problems = []
    for draft in found:
        for name, line in draft.pictures().items():
            try:
                data = _file(name, draft.path).read_bytes()
                of = hashlib.sha256(data).digest()
                if name not in shown:
                    shown[name] = Developed(of, darkroom.renew(name, data))
            except pictures.NotAPicture as wrong:
                problems.append(Problem(draft.path, line, f"picture {name!r} {wrong}"))
                continue
            if shown[name].of != of:
                message = "is another file than the one of this name in another folder: rename it"
                problems.append(Problem(draft.path, line, f"picture {name!r} {message}"))
    return shown, problems


def _file(name: str, beside: Path) -> Path:
    path = pictures.find(name, beside) if pictures.NAME.fullmatch(name) else None
    if path is None:
        hint = "put the file beside the article or in a folder named pictures"
        raise pictures.NotAPicture(f"is missing: {hint}")
    if path.stat().st_size > pictures.LARGEST:
        raise pictures.NotAPicture(pictures.TOO_LARGE)
    return path


def _write(found: list[Draft], shown: dict[str, Developed], reason: str) -> ImportReport:
    settings: Settings = current_app.extensions["settings"]
    for picture in (one for developed in shown.values() for one in developed.pictures):
        pictures.put(picture, settings.data_dir / "pictures")
    done: dict[Kept, list[str]] = {kept: [] for kept in Kept}
    by = f"import by {trail.actor().name}"
    for draft in found:
        given = draft.manuscript
        lead = shown[given.picture].pictures[0] if given.picture else None
        kept = typesetting.keep(given, lead, by=by, in_bulk=True)
        done[kept].append(given.slug)
    db.session.flush()
    counts = {str(kept): len(slugs) for kept, slugs in done.items() if slugs and kept is not Kept.SAME}
    if counts:
        trail.note("articles imported", "Markdown files", after=counts, reason=reason)
    added, changed, same = (tuple(done[kept]) for kept in (Kept.ADDED, Kept.CHANGED, Kept.SAME))
    return ImportReport(added=added, changed=changed, same=same)
