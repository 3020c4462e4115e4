"""How a newsroom's CMS hands articles and pictures in: by the importer's rules, and none over another."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import current_app, request
from sqlalchemy.exc import IntegrityError

from paywall.api import callers
from paywall.api.given import ArticleChange, ArticleGiven
from paywall.api.models import ApiToken
from paywall.api.problems import Overtaken, Wrong, WrongFields
from paywall.articles import darkroom, manuscript, pictures, typesetting
from paywall.articles.manuscript import Manuscript, slug_of_tag
from paywall.articles.models import Article
from paywall.articles.pictures import NotAPicture, Picture
from paywall.articles.typesetting import Kept
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Conflict, NotFound

BODIES = ("body_markdown", "body_html")
TERMS = ("gate", "free_until", "free_from", "first_hours", "archive_days")


def put(slug: str, given: ArticleGiven) -> tuple[Article, Kept]:
    """Create or replace an article; the caller commits. Raises WrongFields, Overtaken, Conflict."""
    kept = _keep(_changed(Manuscript(slug, "", "", ""), given), typesetting.find(slug))
    return _found(slug), kept


def patch(slug: str, change: ArticleChange) -> tuple[Article, Kept]:
    """Change some fields of an article, likewise; raises NotFound as well."""
    old = _found(slug)
    return old, _keep(_changed(typesetting.manuscript(old), change), old)


def withdraw(slug: str) -> None:
    """Unpublish an article; its row stays. The caller commits. Raises NotFound, Overtaken."""
    old = _found(slug)
    _check(old)
    typesetting.withdraw(old, by=_by())


def hand_in(name: str, data: bytes) -> tuple[Picture, Kept]:
    """Develop a picture and put it in its place.

    Raises WrongFields for what is none, Conflict if the name is another's.
    """
    if not pictures.NAME.fullmatch(name):
        hint = "must be a plain file name in small letters that ends in .jpg, .png or .webp"
        raise WrongFields([Wrong(f"name {hint}", parameter="name")])
    try:
        developed = darkroom.renew(name, data)
    except NotAPicture as wrong:
        raise WrongFields([Wrong(f"the picture {wrong}", pointer="")]) from None
    place = _folder() / name
    # As it came is how it was kept before pictures were developed here.
    if place.is_file() and place.read_bytes() not in (developed[0].data, data):
        raise Conflict(f"There is another picture called {name}: choose another name.")
    kept = Kept.SAME if place.is_file() else Kept.ADDED
    for picture in developed:
        pictures.put(picture, _folder())
    return developed[0], kept


def tag(version: int) -> str:
    """What an article's ETag begins with: the version alone says whether somebody else has changed it."""
    return f"v{version}"


def _found(slug: str) -> Article:
    found = typesetting.find(slug)
    if found is None:
        raise NotFound(f"There is no article {slug!r}.")
    return found


def _changed(before: Manuscript, change: ArticleChange) -> Manuscript:
    """The manuscript with what `change` says; raises WrongFields for two bodies."""
    said = change.model_dump(exclude_unset=True)
    bodies = [(name, said.pop(name)) for name in BODIES if name in said]
    bodies = [(name, text) for name, text in bodies if text is not None]
    if len(bodies) == 2:
        raise WrongFields([Wrong("give body_markdown or body_html, not both", pointer="/body_html")])
    new: dict[str, Any] = {}
    for name, text in bodies:
        new |= {"body": text.replace("\r\n", "\n").replace("\r", "\n"), "is_html": name == "body_html"}
    terms = {name: said.pop(name) for name in TERMS if name in said}
    if "metered" in said:
        terms["is_metered"] = said.pop("metered")
    if "tags" in said:
        new["tags"] = tuple(dict.fromkeys(map(slug_of_tag, said.pop("tags"))))
    return replace(before, **said, **new, terms=replace(before.terms, **terms))


def _keep(given: Manuscript, old: Article | None) -> Kept:
    _check(old)
    shown, missing = typesetting.pictures_of(given, hint="POST it to /api/v1/pictures first")
    wrong = [*manuscript.faults(given), *typesetting.unknown_plans(given), *missing]
    if wrong:
        raise WrongFields([_wrong(fault.field, fault.message, given) for fault in wrong])
    try:
        kept = typesetting.keep(given, shown.get(given.picture), over=old, is_new=old is None, by=_by())
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise Conflict("Somebody else has made the same at this moment: send it again.") from None
    return kept


def _check(old: Article | None) -> None:
    """Hold If-Match and If-None-Match against the article as it is."""
    if request.if_none_match.star_tag and old is not None:
        raise Overtaken("There is such an article already.")
    if "If-Match" not in request.headers or (request.if_match.star_tag and old is not None):
        return
    versions = {known.partition("-")[0] for known in request.if_match.as_set(include_weak=False)}
    if old is None or tag(old.version) not in versions:
        raise Overtaken("Somebody else has changed it meanwhile: read it again.")


def _by() -> str:
    """The program that writes, by the name of its token."""
    token = db.session.get(ApiToken, callers.caller().token_id)
    return f"API: {token.name}" if token else "API"


def _wrong(field: str, message: str, given: Manuscript) -> Wrong:
    if field == "slug":
        return Wrong(message, parameter="slug")
    names = {"body": "body_html" if given.is_html else "body_markdown", "is_metered": "metered"}
    return Wrong(message, pointer=f"/{names.get(field, field)}")


def _folder() -> Path:
    settings: Settings = current_app.extensions["settings"]
    return settings.data_dir / "pictures"
