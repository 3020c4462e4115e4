"""Import of Markdown files with front matter: idempotent by slug, and all or nothing."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select

from paywall import clock
from paywall.access.decision import Gate
from paywall.articles.importers import draft as drafts
from paywall.articles.importers import pictures
from paywall.articles.importers.draft import Draft
from paywall.articles.importers.report import ImportReport, Problem
from paywall.articles.models import Article, Section
from paywall.articles.render import render
from paywall.config import Settings
from paywall.db import db
from paywall.membership.models import Plan

# What a new reading of the file may change; a row that agrees in all of it is left alone.
COMPARED = tuple(
    column.key
    for column in Article.__table__.columns
    if column.key not in {"id", "slug", "version", "updated_at"}
)


def import_markdown(paths: Iterable[Path]) -> ImportReport:
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
    return _write(found, shown)


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
        slug = draft.fields.get("slug", "")
        if slug and first.setdefault(slug, draft) is not draft:
            message = f"slug {slug!r} is also that of {first[slug].path}: each needs its own"
            yield draft.problem("slug", message)


def _unknown_plans(found: list[Draft]) -> Iterator[Problem]:
    known = set(db.session.scalars(select(Plan.slug)))
    for draft in found:
        for slug in sorted(Gate.parse(draft.terms.gate).plans - known):
            plans = f"there are {', '.join(sorted(known))}" if known else "make it with `flask paywall plan`"
            yield draft.problem("gate", f"there is no plan {slug!r}: {plans}")


def _pictures(found: list[Draft]) -> tuple[dict[str, pictures.Picture], list[Problem]]:
    """The pictures that the drafts name, by name; two different files of one name are a problem."""
    shown: dict[str, pictures.Picture] = {}
    problems = []
    for draft in found:
        for name, line in draft.pictures.items():
            try:
                picture = _picture(name, draft.path)
            except pictures.NotAPicture as wrong:
                problems.append(Problem(draft.path, line, f"picture {name!r} {wrong}"))
                continue
            if shown.setdefault(name, picture).data != picture.data:
                message = "is another file than the one of this name in another folder: rename it"
                problems.append(Problem(draft.path, line, f"picture {name!r} {message}"))
    return shown, problems


def _picture(name: str, beside: Path) -> pictures.Picture:
    path = pictures.find(name, beside) if drafts.PICTURE_NAME.fullmatch(name) else None
    if path is None:
        hint = "put the file beside the article or in a folder named pictures"
        raise pictures.NotAPicture(f"is missing: {hint}")
    return pictures.read(path)


def _write(found: list[Draft], shown: dict[str, pictures.Picture]) -> ImportReport:
    settings: Settings = current_app.extensions["settings"]
    for picture in shown.values():
        pictures.put(picture, settings.data_dir / "pictures")
    sections = _sections([draft.fields["section"] for draft in found])
    done: dict[str, list[str]] = {"added": [], "changed": [], "same": []}
    for draft in found:
        article = _article(draft, shown, sections)
        render(article, words=settings.teaser_words)
        done[_save(article)].append(article.slug)
    db.session.flush()
    added, changed, same = map(tuple, done.values())
    return ImportReport(added=added, changed=changed, same=same)


def _sections(names: list[str]) -> dict[str, int]:
    """The ids of the sections by name; those that are new are added after the others."""
    known = {section.slug: section.id for section in db.session.scalars(select(Section))}
    last = db.session.scalar(select(func.max(Section.position))) or 0
    for name in names:
        if _slug(name) not in known:
            last += 1
            section = Section(slug=_slug(name), name=name, position=last)
            db.session.add(section)
            db.session.flush()
            known[section.slug] = section.id
    return {name: known[_slug(name)] for name in names}


def _slug(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "news"


def _article(draft: Draft, shown: dict[str, pictures.Picture], sections: dict[str, int]) -> Article:
    fields = draft.fields
    picture = shown.get(fields.get("picture", ""))
    return Article(
        slug=fields["slug"],
        title=fields["title"],
        standfirst=fields.get("standfirst", ""),
        byline=fields.get("byline", ""),
        section_id=sections[fields["section"]],
        picture=picture.name if picture else None,
        picture_alt=fields.get("picture_alt", ""),
        picture_credit=fields.get("picture_credit", ""),
        picture_width=picture.width if picture else None,
        picture_height=picture.height if picture else None,
        body=draft.body.strip() + "\n",
        tags=f" {' '.join(draft.tags)} " if draft.tags else "",
        published_at=draft.published_at,
        **asdict(draft.terms),
    )


def _save(new: Article) -> str:
    """Add the article, or write what is different into the one of the same slug; says which."""
    old = db.session.scalar(select(Article).where(Article.slug == new.slug))
    if old is None:
        db.session.add(new)
        return "added"
    if all(getattr(old, name) == getattr(new, name) for name in COMPARED):
        return "same"
    for name in COMPARED:
        setattr(old, name, getattr(new, name))
    old.version += 1
    old.updated_at = clock.now()
    return "changed"
