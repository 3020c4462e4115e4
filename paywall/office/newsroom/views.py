"""The list of articles and the editor: write, look at it as readers will, save, publish, schedule."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from paywall import clock
from paywall.accounts import reasons
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.articles import pictures, typesetting
from paywall.articles.manuscript import Manuscript
from paywall.articles.models import Article, Section
from paywall.articles.typesetting import UNSEEN, Kept
from paywall.db import db, read_only
from paywall.office import words
from paywall.office.newsroom import catalogue, pages, saving, uploading, written
from paywall.office.newsroom.catalogue import Asked, Place, State
from paywall.office.newsroom.forms import ArticleForm, ListForm
from paywall.office.newsroom.saving import Gone, Overtaken, Saved, Wrong
from paywall.reports.rollup import zone

EDITORS = (StaffRole.OWNER, StaffRole.EDITOR)
# A larger number is no row's, and PostgreSQL refuses to look for it.
LARGEST_ID = 2**31 - 1
ARTICLE = f"/<int(max={LARGEST_ID}):article_id>"
LONGEST_TEXT = 3 * 1024 * 1024

newsroom = Blueprint("newsroom", __name__, url_prefix="/staff/articles")


@newsroom.get("")
@may_enter(*EDITORS)
def index() -> str:
    """The articles that are asked for, those changed last first."""
    form = ListForm(request.args)
    known = db.session.execute(select(Section.slug, Section.name).order_by(Section.position))
    form.section.choices = {"": "All"} | {row.slug: row.name for row in known}
    state = State(form.state.data) if form.state.data in list(State) else None
    asked = Asked(
        (form.q.data or "").strip(),
        state,
        form.section.data or "",
        (form.tag.data or "").strip(),
        Place.parse(request.args.get("after", "")),
    )
    return pages.shown("office/newsroom/index.html", form=form, page=catalogue.page(asked, clock.now()))


@newsroom.get("/new")
@may_enter(*EDITORS)
def begin() -> str:
    """An empty sheet."""
    form = ArticleForm(formdata=None)
    form.say(UNSEEN, zone())
    return pages.editor(form, None, _read(form, UNSEEN).manuscript)


@newsroom.post("/new")
@may_enter(*EDITORS)
def write() -> ResponseReturnValue:
    """Save a new article, or look at it first."""
    return _act(None)


@newsroom.get(ARTICLE)
@may_enter(*EDITORS)
def edit(article_id: int) -> str:
    """An article as it is now."""
    article = pages.found(article_id)
    given = typesetting.manuscript(article)
    form = ArticleForm(formdata=None)
    form.say(given, zone())
    form.version.data = str(article.version)
    return pages.editor(form, article, given)


@newsroom.post(ARTICLE)
@may_enter(*EDITORS)
def change(article_id: int) -> ResponseReturnValue:
    """Save an article, or look at it first."""
    return _act(article_id)


@newsroom.post("/new/preview", defaults={"article_id": None}, endpoint="preview_new")
@newsroom.post(f"{ARTICLE}/preview")
@may_enter(*EDITORS)
def preview(article_id: int | None) -> str:
    """The preview alone, for the editor's script."""
    db.session.commit()
    read_only()
    article = db.session.get(Article, article_id) if article_id is not None else None
    read = _read(ArticleForm(), typesetting.manuscript(article) if article else UNSEEN)
    faults, picture = saving.check(read.manuscript)
    return pages.shown(
        "office/newsroom/proof.html",
        proof=pages.proof(read.manuscript, picture, article_id),
        faults=[*read.faults, *faults],
    )


@newsroom.post(f"{ARTICLE}/unpublish")
@may_enter(*EDITORS)
def unpublish(article_id: int) -> ResponseReturnValue:
    """Take an article out of the paper; it is a draft again."""
    typesetting.withdraw(pages.held(article_id), reason=reasons.given())
    db.session.commit()
    flash("It is a draft again. Nobody but staff can read it.", "success")
    return redirect(url_for("newsroom.edit", article_id=article_id), 303)


@newsroom.post(f"{ARTICLE}/delete")
@may_enter(*EDITORS)
def delete(article_id: int) -> ResponseReturnValue:
    """Delete a draft that was never out."""
    article = pages.held(article_id)
    title = article.title
    typesetting.discard(article, reason=reasons.given())
    db.session.commit()
    flash(f"“{title}” is deleted.", "success")
    return redirect(url_for("newsroom.index"), 303)


@newsroom.before_request
def _hold_up_nobody() -> None:
    """Who only looks takes no lock for writing; the sign-in was looked up in a transaction that did."""
    if request.method == "GET":
        db.session.commit()
        read_only()


@newsroom.app_url_value_preprocessor
def _take_more(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Articles and pictures are larger than other forms, and it must be said before any form is read."""
    if request.blueprint == newsroom.name:
        request.max_content_length = pictures.LARGEST + LONGEST_TEXT
        request.max_form_memory_size = LONGEST_TEXT


def _act(article_id: int | None) -> ResponseReturnValue:
    form, act = ArticleForm(), request.form.get("act", "")
    article = db.session.get(Article, article_id) if article_id is not None else None
    before = typesetting.manuscript(article) if article else UNSEEN
    if act == "upload":
        uploading.upload(form, is_html=before.is_html)
    read = _read(form, before)
    given, problems = read.manuscript, form.tell(read.faults)
    if act not in {"save", "publish"} or problems:
        problems += form.tell(saving.check(given)[0]) if act != "upload" else 0
        return pages.editor(form, article, given), 400 if problems and act in {"save", "publish"} else 200
    if act == "publish":
        given = replace(given, published_at=clock.now())
    return _save(form, article_id, given)


def _save(form: ArticleForm, article_id: int | None, given: Manuscript) -> ResponseReturnValue:
    match saving.save(article_id, form.seen, given, reason=reasons.given()):
        case Saved(article, done):
            db.session.commit()
            flash(_told(article, done), "success")
            return redirect(url_for("newsroom.edit", article_id=article.id), 303)
        case Wrong(faults):
            form.tell(faults)
            kept = db.session.get(Article, article_id) if article_id is not None else None
            return pages.editor(form, kept, given), 400
        case Overtaken(article):
            form.version.data = str(article.version)
            return pages.editor(form, article, given, theirs=typesetting.manuscript(article)), 409
        case Gone():
            form.version.data = "0"
            return pages.editor(form, None, given, is_gone=True), 409


def _told(article: Article, kept: Kept) -> str:
    now, at = clock.now(), article.published_at
    what = "There was nothing to save." if kept is Kept.SAME else "Saved."
    match catalogue.state(at, now):
        case State.OUT:
            return f"{what} Readers see it within a second."
        case State.AHEAD:
            return f"{what} It comes out on {words.local(at, zone())}."
    return f"{what} It is a draft."


def _read(form: ArticleForm, before: Manuscript) -> written.Written:
    texts = {name: value for name, value in form.data.items() if isinstance(value, str)}
    said = {field.name: "" for field in form} | texts
    return written.read(said, list(form.plans.data or ()), before, zone())
