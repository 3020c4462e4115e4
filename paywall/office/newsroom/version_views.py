"""The versions of an article: who saved what when, what differs, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from paywall.accounts.routes import may_enter
from paywall.articles import typesetting, versions
from paywall.articles.manuscript import Manuscript
from paywall.articles.models import Article
from paywall.db import db, read_only
from paywall.errors import Conflict, NotFound
from paywall.office.newsroom import differences, pages, saving
from paywall.office.newsroom.saving import Saved, Wrong
from paywall.office.newsroom.views import ARTICLE, EDITORS, LARGEST_ID

MOST = 100

article_versions = Blueprint("article_versions", __name__, url_prefix="/staff/articles")


@dataclass(frozen=True, slots=True)
class Version:
    """One version; `changed` names the fields in which it differs from the one before it."""

    number: int
    saved_at: datetime
    saved_by: str
    given: Manuscript
    changed: tuple[str, ...] = ()


@article_versions.get(f"{ARTICLE}/versions")
@may_enter(*EDITORS)
def index(article_id: int) -> str:
    """All versions, and what `?of=3` changed; of the newest if none is asked for."""
    db.session.commit()
    read_only()
    article = pages.found(article_id)
    known = _versions(article)
    asked = request.args.get("of", known[0].number, type=int)
    after, before = next(
        ((one, known[at + 1]) for at, one in enumerate(known[:-1]) if one.number == asked), (None, None)
    )
    return pages.shown(
        "office/newsroom/versions.html",
        article=article,
        versions=known[:MOST],
        after=after,
        fields=pages.differing(before.given, after.given) if before and after else (),
        pieces=differences.words(before.given.body, after.given.body) if before and after else (),
    )


@article_versions.post(f"{ARTICLE}/versions/<int(max={LARGEST_ID}):number>/restore")
@may_enter(*EDITORS)
def restore(article_id: int, number: int) -> ResponseReturnValue:
    """Make an earlier version the newest one; nothing is taken away."""
    article = pages.held(article_id)
    version = versions.find(article_id, number)
    if version is None:
        raise NotFound("There is no such version.")
    if str(article.version) != request.form.get("seen"):
        raise Conflict("Someone else has saved this article meanwhile: look at its versions again.")
    match saving.restore(article, version):
        case Saved():
            db.session.commit()
            flash(f"Version {number} is the newest one again. What stood before it is kept.", "success")
        case Wrong(faults):
            flash(f"Version {number} cannot be restored: {faults[0].message}.", "error")
    return redirect(url_for("article_versions.index", article_id=article_id), 303)


def _versions(article: Article) -> Sequence[Version]:
    """The newest versions, the present one first; the last of them is there to be compared with."""
    given = typesetting.manuscript(article)
    found = [Version(article.version, article.updated_at, article.saved_by, given)]
    found += [
        Version(one.version, one.saved_at, one.saved_by, versions.from_json(one.manuscript))
        for one in versions.of(article.id, most=MOST)
    ]
    befores = [*(one.given for one in found[1:]), None]
    return [
        Version(one.number, one.saved_at, one.saved_by, one.given, _changed(before, one.given))
        for one, before in zip(found, befores, strict=True)
    ]


def _changed(before: Manuscript | None, after: Manuscript) -> tuple[str, ...]:
    if before is None:
        return ()
    text = ("Text",) if before.body != after.body else ()
    return (*text, *(name for name, _, _ in pages.differing(before, after)))
