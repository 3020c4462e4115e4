"""What the pages of the newsroom show, and the articles that they are about."""

from collections.abc import Sequence

from flask import current_app, render_template
from sqlalchemy import select

from paywall import clock
from paywall.articles import manuscript, typesetting, versions
from paywall.articles.manuscript import Manuscript
from paywall.articles.models import Article, Section
from paywall.articles.pictures import Picture
from paywall.config import Settings
from paywall.db import db
from paywall.errors import NotFound
from paywall.office import words
from paywall.office.newsroom import catalogue, differences, proofs, written
from paywall.office.newsroom.forms import AS_RULES_SAY, LEVELS, METERED, ArticleForm
from paywall.office.newsroom.proofs import Proof
from paywall.reports.rollup import zone

CHOSEN = {"gate": {"": AS_RULES_SAY, **LEVELS}, "is_metered": METERED}
NO_ARTICLE = "There is no such article: perhaps it was deleted."


def editor(
    form: ArticleForm,
    article: Article | None,
    given: Manuscript,
    *,
    theirs: Manuscript | None = None,
    is_gone: bool = False,
) -> str:
    """The editor. `theirs`: what someone else has saved meanwhile; `is_gone`: it was deleted."""
    now, number = clock.now(), article.id if article else None
    picture = typesetting.pictures_of(given, hint="")[0].get(given.picture)
    form.offer(words.gate(proofs.usual(given, number)), given.terms.gate)
    return shown(
        "office/newsroom/editor.html",
        form=form,
        article=article,
        is_html=given.is_html,
        state=catalogue.state(article.published_at if article else None, now),
        proof=proof(given, picture, number),
        sections=list(db.session.scalars(select(Section.name).order_by(Section.position))),
        can_delete=article is not None and not versions.may_have_been_out(article, now),
        theirs=theirs,
        pieces=differences.words(theirs.body, given.body) if theirs else (),
        others=differing(theirs, given) if theirs else (),
        is_gone=is_gone,
    )


def proof(given: Manuscript, picture: Picture | None, article_id: int | None) -> Proof | None:
    """The preview; None for a text that is no good to be rendered."""
    return None if manuscript.is_tangled(given.body) else proofs.proof(given, picture, article_id)


def differing(before: Manuscript, after: Manuscript) -> Sequence[tuple[str, object, object]]:
    """The fields that differ, but for the text: what each is called, and what it says in both."""
    was, will = written.fields(before, zone()), written.fields(after, zone())
    named = {field.name: field.label.text for field in ArticleForm(formdata=None)}
    names = [name for name in was if name != "body" and was[name] != will[name]]
    return [(named[name], _said(name, was[name]), _said(name, will[name])) for name in names]


def shown(template: str, **about: object) -> str:
    """A page with what all of them need."""
    settings: Settings = current_app.extensions["settings"]
    common = {"said": words, "zone": zone(), "zone_name": settings.timezone, "now": clock.now()}
    return render_template(template, **common, teaser_words=settings.teaser_words, **about)


def found(article_id: int) -> Article:
    """The article of this number; raises NotFound."""
    article = db.session.get(Article, article_id)
    if article is None:
        raise NotFound(NO_ARTICLE)
    return article


def held(article_id: int) -> Article:
    """The same, which nobody else changes until the transaction ends."""
    article = typesetting.hold(article_id)
    if article is None:
        raise NotFound(NO_ARTICLE)
    return article


def _said(field: str, value: object) -> object:
    """What a field says, in the words in which it is chosen."""
    return CHOSEN[field].get(str(value), value) if field in CHOSEN else value
