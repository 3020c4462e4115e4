"""How an editor's text is saved: by the rules of every way in, and never over what someone else has saved."""

from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError

from paywall.articles import manuscript, typesetting, versions
from paywall.articles.manuscript import Fault, Manuscript
from paywall.articles.models import Article, ArticleVersion
from paywall.articles.pictures import Picture
from paywall.articles.typesetting import Kept
from paywall.db import db

UPLOAD_IT = "upload it below"
AT_ONCE = Fault("section", "someone else has made the same section at this moment: save again")
TAKEN = Fault("slug", "another article has this address: choose another")


@dataclass(frozen=True, slots=True)
class Saved:
    """It is saved; SAME: nothing was to be changed."""

    article: Article
    kept: Kept


@dataclass(frozen=True, slots=True)
class Wrong:
    """Nothing is saved, because of these."""

    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Nothing is saved: someone else has saved since this text was opened."""

    article: Article


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing is saved: the article was deleted meanwhile."""


Outcome = Saved | Wrong | Overtaken | Gone


def save(article_id: int | None, version: int, given: Manuscript, *, reason: str = "") -> Outcome:
    """Save over the `version` of an article that was read, or as a new one; the caller commits."""
    article = typesetting.hold(article_id) if article_id is not None else None
    if article_id is not None and article is None:
        return Gone()
    if article and article.version != version:
        # A second click on the button has nothing to say that is not saved.
        is_same = typesetting.agrees(article, given)
        return Saved(article, Kept.SAME) if is_same else Overtaken(article)
    faults, picture = check(given)
    if faults:
        return Wrong(faults)
    return _keep(given, picture, article, reason)


def check(given: Manuscript) -> tuple[list[Fault], Picture | None]:
    """All that is wrong with a manuscript, and the picture that is shown over it."""
    shown, missing = typesetting.pictures_of(given, hint=UPLOAD_IT)
    faults = [*manuscript.faults(given), *typesetting.unknown_plans(given), *missing]
    return faults, shown.get(given.picture)


def restore(article: Article, version: ArticleVersion) -> Outcome:
    """Make an earlier version the newest one. Whether it is out, when and where stays as it is now."""
    now = typesetting.manuscript(article)
    before = versions.from_json(version.manuscript)
    given = replace(before, slug=now.slug, published_at=now.published_at)
    return save(article.id, article.version, given, reason=f"version {version.version} restored")


def _keep(given: Manuscript, picture: Picture | None, article: Article | None, reason: str) -> Outcome:
    other = typesetting.find(given.slug)
    if other is not None and other is not article:
        is_twice = article is None and typesetting.agrees(other, given)
        return Saved(other, Kept.SAME) if is_twice else Wrong([TAKEN])
    try:
        kept = typesetting.keep(given, picture, over=article, is_new=article is None, reason=reason)
        db.session.flush()
    except IntegrityError:
        # At the same moment someone has made an article of this address, or a section of this name.
        db.session.rollback()
        return Wrong([TAKEN if typesetting.find(given.slug) else AT_ONCE])
    saved = typesetting.find(given.slug)
    assert saved is not None, "it has just been written"
    return Saved(saved, kept)
