"""How a manuscript becomes an article: held against the tables, rendered, and kept under its slug."""

import enum
import re
from collections.abc import Iterator
from dataclasses import asdict, fields, replace

from flask import current_app
from sqlalchemy import func, select

from paywall import clock
from paywall.access.decision import Gate
from paywall.accounts import trail
from paywall.articles import addresses, pictures, versions
from paywall.articles.manuscript import Fault, Manuscript
from paywall.articles.models import Article, Section
from paywall.articles.pictures import NotAPicture, Picture
from paywall.articles.render import render
from paywall.articles.terms import Terms
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Conflict
from paywall.membership.models import Plan

# What another manuscript may change; a row that agrees in all of it is left alone.
COMPARED = tuple(
    column.key
    for column in Article.__table__.columns
    if column.key not in {"id", "version", "updated_at", "saved_by"}
)
# What an article says before there is one.
UNSEEN = Manuscript("", "", "", "")


class Kept(enum.StrEnum):
    """What became of a manuscript."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"


def unknown_plans(given: Manuscript) -> Iterator[Fault]:
    """The plans in its gate that there are not."""
    known = set(db.session.scalars(select(Plan.slug)))
    for slug in sorted(Gate.parse(given.terms.gate).plans - known):
        plans = f"there are {', '.join(sorted(known))}" if known else "make it with `flask paywall plan`"
        yield Fault("gate", f"there is no plan {slug!r}: {plans}")


def pictures_of(given: Manuscript, *, hint: str) -> tuple[dict[str, Picture], list[Fault]]:
    """The pictures that a manuscript names, and what is wrong with them; `hint`: how to hand one in."""
    settings: Settings = current_app.extensions["settings"]
    shown: dict[str, Picture] = {}
    wrong = []
    for name in (name for name in given.pictures() if pictures.NAME.fullmatch(name)):
        place = settings.data_dir / "pictures" / name
        try:
            if not place.is_file():
                raise NotAPicture(f"is missing: {hint}")
            shown[name] = pictures.read(place)
        except NotAPicture as fault:
            wrong.append(Fault("picture" if name == given.picture else "body", f"picture {name!r} {fault}"))
    return shown, wrong


def keep(
    given: Manuscript,
    picture: Picture | None,
    *,
    over: Article | None = None,
    by: str = "",
    is_new: bool = False,
    in_bulk: bool = False,
    reason: str = "",
) -> Kept:
    """Add the article, or write what is different `over` one, else over that of the same slug.

    The caller commits. With `is_new` it is written over none: if there is one of its slug by now, the
    database refuses at the flush. `picture` is the file that it names. A section that is new comes last.
    The version before is kept; `by` is who saves this one, if not whoever acts. `in_bulk`: the trail has one
    line for all that is brought in, and it is the caller's.
    """
    given = _normal(given)
    new = _article(given, picture, _section(given.section))
    old = over or (None if is_new else find(given.slug))
    by = by or trail.actor().name
    if old is None:
        new.saved_by = by
        db.session.add(new)
        if not in_bulk:
            _note_version(1, given, reason)
            _note(UNSEEN, given, reason)
        return Kept.ADDED
    if all(getattr(old, name) == getattr(new, name) for name in COMPARED):
        return Kept.SAME
    before = _leave(old, by)
    if old.slug != new.slug and versions.may_have_been_out(old, clock.now()):
        addresses.leave(old, new.slug)
    for name in COMPARED:
        setattr(old, name, getattr(new, name))
    if not in_bulk:
        _note_version(old.version, given, reason)
    _note(before, given, reason)
    return Kept.CHANGED


def agrees(article: Article, given: Manuscript) -> bool:
    """Whether an article says just what a manuscript does."""
    return manuscript(article) == _normal(given)


def proof(given: Manuscript, picture: Picture | None) -> Article:
    """The article that a manuscript would become, in no table and of no section."""
    return _article(_normal(given), picture, None)


def withdraw(article: Article, *, by: str = "", reason: str = "") -> None:
    """Take an article out of the paper; its row stays. The caller commits."""
    if article.published_at is not None:
        before = _leave(article, by or trail.actor().name)
        article.published_at = None
        _note(before, replace(before, published_at=None), reason)


def discard(article: Article, *, reason: str = "") -> None:
    """Delete an article that nobody can have read, with its versions; raises Conflict. The caller commits."""
    if versions.may_have_been_out(article, clock.now()):
        # Its number may come again, and with it links that were given to it, and free reads.
        raise Conflict("This article has been out: it can be unpublished, and not deleted.")
    trail.note("article deleted", article.slug, before={"title": article.title}, reason=reason)
    db.session.delete(article)


def hold(article_id: int) -> Article | None:
    """The article of this number, likewise held for us alone until the transaction ends."""
    query = select(Article).where(Article.id == article_id).with_for_update()
    return db.session.scalar(query.execution_options(populate_existing=True))


def find(slug: str) -> Article | None:
    """The article of this slug, published or not, which nobody else changes until the transaction ends."""
    return db.session.scalar(select(Article).where(Article.slug == slug).with_for_update())


def manuscript(article: Article) -> Manuscript:
    """The manuscript that an article was made of."""
    same = {field.name for field in fields(Manuscript)} - {"section", "picture", "tags", "terms"}
    return Manuscript(
        **{name: getattr(article, name) for name in same},
        section=article.section.name,
        picture=article.picture or "",
        tags=tuple(article.tags.split()),
        terms=Terms(**{field.name: getattr(article, field.name) for field in fields(Terms)}),
    )


def section_slug(name: str) -> str:
    """The slug of the section of this name."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "news"


def _normal(given: Manuscript) -> Manuscript:
    """The same in the one spelling that is kept."""
    gate = str(Gate.parse(given.terms.gate)) if given.terms.gate else ""
    return replace(given, body=given.body.strip() + "\n", terms=replace(given.terms, gate=gate))


def _leave(article: Article, by: str) -> Manuscript:
    """Keep the version that was, which is given back, and begin the next one."""
    before = manuscript(article)
    versions.keep(article, before)
    article.version += 1
    article.updated_at = clock.now()
    article.saved_by = by
    return before


def _note_version(number: int, given: Manuscript, reason: str) -> None:
    """Write down that this version is saved; what it says is kept with the versions."""
    before = {"version": number - 1} if number > 1 else None
    trail.note("article saved", given.slug, before=before, after={"version": number}, reason=reason)


def _note(before: Manuscript, after: Manuscript, reason: str) -> None:
    """Write down when it is out, and who may read it, if that has changed."""
    was, will = {"published_at": before.published_at}, {"published_at": after.published_at}
    match before.published_at, after.published_at:
        case None, None:
            pass
        case None, _:
            trail.note("article published", after.slug, before=was, after=will, reason=reason)
        case _, None:
            trail.note("article unpublished", after.slug, before=was, after=will, reason=reason)
        case at, now if at != now:
            trail.note("publication moved", after.slug, before=was, after=will, reason=reason)
    if before is not UNSEEN and before.terms != after.terms:
        shut, opened = asdict(before.terms), asdict(after.terms)
        trail.note("article gate changed", after.slug, before=shut, after=opened, reason=reason)


def _article(given: Manuscript, picture: Picture | None, section_id: int | None) -> Article:
    """The article, rendered, and in no session."""
    settings: Settings = current_app.extensions["settings"]
    article = Article(
        slug=given.slug,
        title=given.title,
        standfirst=given.standfirst,
        byline=given.byline,
        section_id=section_id,
        picture=picture.name if picture else None,
        picture_alt=given.picture_alt,
        picture_credit=given.picture_credit,
        picture_width=picture.width if picture else None,
        picture_height=picture.height if picture else None,
        body=given.body,
        is_html=given.is_html,
        tags=f" {' '.join(given.tags)} " if given.tags else "",
        published_at=given.published_at,
        **asdict(given.terms),
    )
    render(article, words=settings.teaser_words)
    return article


def _section(name: str) -> int:
    """The id of the section of this name."""
    slug = section_slug(name)
    known = db.session.scalar(select(Section.id).where(Section.slug == slug))
    if known is not None:
        return known
    last = db.session.scalar(select(func.max(Section.position))) or 0
    section = Section(slug=slug, name=name, position=last + 1)
    db.session.add(section)
    db.session.flush()
    return section.id
