"""A preview: the article's own page for who may read it and who may not, and who would be which."""

from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from markupsafe import Markup

from paywall import clock
from paywall.access.decision import Decision, Gate, Reason, Show, Visitor, decide
from paywall.articles import gates, sheets, terms, typesetting
from paywall.articles.cards import Card
from paywall.articles.manuscript import Manuscript
from paywall.articles.models import Article
from paywall.articles.pictures import Picture
from paywall.articles.sheets import Text
from paywall.articles.terms import About, Rule, Terms
from paywall.office import simulator, why
from paywall.office.simulator import Sample

PATRON = Decision(Show.FULL, Reason.PATRON)


@dataclass(frozen=True, slots=True)
class Proof:
    """What readers will see at `at`: `visitor` is the page of who brings nothing, `patron` that in full.

    `patron` is None if everybody sees the whole. `own_gate` is the article's word, `rule` the first for it.
    """

    at: datetime
    visitor: Markup
    patron: Markup | None
    words: int
    words_left: int
    own_gate: str
    rule: Rule | None
    gate: Gate
    samples: tuple[Sample, ...]


def proof(given: Manuscript, picture: Picture | None, article_id: int | None) -> Proof:
    """The preview of a manuscript, now or when it comes out; nothing is written."""
    now = clock.now()
    at = max(now, given.published_at or now)
    draft, about, house = (
        typesetting.proof(given, picture),
        _about(given, article_id, at),
        gates.house_now(now),
    )
    gate = terms.gate(given.terms, about, house)
    decision = decide(gate, Visitor(), at)
    is_open = decision.show is Show.FULL
    return Proof(
        at,
        _page(draft, given, gate, decision, at),
        None if is_open else _page(draft, given, gate, PATRON, at),
        draft.words,
        draft.words_left,
        given.terms.gate,
        house.rule(about),
        gate,
        tuple(simulator.simulate(gate, why.newsroom(), at)),
    )


def usual(given: Manuscript, article_id: int | None) -> Gate:
    """The gate that a manuscript has if it says none itself."""
    now = clock.now()
    return terms.gate(Terms(), _about(given, article_id, now), gates.house_now(now))


def _about(given: Manuscript, article_id: int | None, at: datetime) -> About:
    section = typesetting.section_slug(given.section)
    return About(article_id, section, frozenset(given.tags), given.published_at or at)


def _page(draft: Article, given: Manuscript, gate: Gate, decision: Decision, at: datetime) -> Markup:
    html = draft.full_html if decision.show is Show.FULL else draft.teaser_html
    text = Text(html, draft.words, draft.words_left, draft.picture_credit)
    is_patron = decision is PATRON
    sheet = sheets.sheet(_card(draft, given, gate, at), text, gate, decision, at, signed_in=is_patron)
    page = render_template("articles/sheet.html", sheet=sheet, signed_in=lambda: is_patron)
    # The page is made of sanitised HTML, as the reader's is.
    return Markup(page)  # noqa: S704


def _card(draft: Article, given: Manuscript, gate: Gate, at: datetime) -> Card:
    return Card(
        slug=draft.slug or "preview",
        title=draft.title,
        standfirst=draft.standfirst,
        byline=draft.byline,
        picture=draft.picture,
        picture_alt=draft.picture_alt,
        picture_width=draft.picture_width,
        picture_height=draft.picture_height,
        published_at=given.published_at or at,
        updated_at=at,
        teaser_text=draft.teaser_text,
        section_slug=typesetting.section_slug(given.section),
        section=given.section,
        gate=gate.at(at),
    )
