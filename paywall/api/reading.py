"""Articles and plans as the API shows them: the door's own decision, and no body that it does not allow."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app, url_for
from sqlalchemy import ColumnElement, Row, Select, and_, or_, select

from paywall.access.decision import Decision, Gate, Show, Visitor, decide
from paywall.api import given, shapes
from paywall.api.problems import Wrong, WrongFields
from paywall.articles import cards, gates
from paywall.articles.models import Article, Section
from paywall.articles.terms import House
from paywall.config import Settings
from paywall.db import db
from paywall.membership import plans
from paywall.membership.models import Plan, PlanState

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
LARGEST_ID = 2**31 - 1
COLUMNS = (
    *cards.COLUMNS,
    Article.picture_credit,
    Article.version,
    Article.words,
    Article.words_left,
    Article.teaser_html,
)

Found = Row[*tuple[Any, ...]]


def article(slug: str, visitor: Visitor, now: datetime, *, unseen: bool = False) -> shapes.Article | None:
    """The article of this slug, with `unseen` also one that is not out, as far as `visitor` may read it."""
    query = _articles().where(Article.slug == slug)
    if not unseen:
        query = query.where(cards.is_published(now))
    found = db.session.execute(query).all()
    return next(iter(_shown(found, visitor, now)), None)


def gate(slug: str, now: datetime) -> Gate | None:
    """The gate of an article that is out."""
    row = db.session.execute(_articles().where(Article.slug == slug, cards.is_published(now))).first()
    return gates.of(row, gates.house_now(now)) if row else None


def page(asked: given.ArticlesAsked, visitor: Visitor, now: datetime) -> shapes.ArticlePage:
    """The newest articles that are asked for, and where the next ones are."""
    query = _articles().where(cards.is_published(now), *_wanted(asked))
    newest = query.order_by(Article.published_at.desc(), Article.id.desc()).limit(asked.limit + 1)
    found = db.session.execute(newest).all()
    shown = _shown(found[: asked.limit], visitor, now)
    further = _further(asked, found[asked.limit - 1]) if len(found) > asked.limit else None
    return shapes.ArticlePage(articles=tuple(shown), next=further)


def access(of: Gate, visitor: Visitor, now: datetime) -> shapes.Access:
    """The decision, without plans that only those know who have their link."""
    return _access(of, decide(of, visitor, now), visitor, now, _hidden())


def on_offer() -> shapes.Plans:
    """The plans that anyone can join."""
    return shapes.Plans(plans=tuple(_plan(plan) for plan in plans.on_offer()))


def turn(of: Gate, visitor: Visitor, now: datetime) -> datetime | None:
    """When more or less will be shown than now, if nothing changes by then but the time."""
    held = (*visitor.holdings, *([visitor.institution] if visitor.institution else []))
    edges = [edge for window in of.windows for edge in (window.since, window.until)]
    edges += [one.until for one in held]
    shown = decide(of, visitor, now).show
    ahead = sorted(edge for edge in edges if edge is not None and edge > now)
    return next((edge for edge in ahead if decide(of, visitor, edge).show is not shown), None)


def url(endpoint: str, **values: Any) -> str:
    """The whole address of a page of ours."""
    return _site() + url_for(endpoint, **values)


def _articles() -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).join(Section, Article.section_id == Section.id)


def _wanted(asked: given.ArticlesAsked) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if asked.section:
        wanted.append(Section.slug == asked.section)
    if asked.tag:
        wanted.append(Article.tags.contains(f" {asked.tag} ", autoescape=True))
    if asked.since:
        wanted.append(Article.published_at >= asked.since)
    if asked.cursor:
        at, last = _read_cursor(asked.cursor)
        older = and_(Article.published_at == at, Article.id < last)
        wanted.append(or_(Article.published_at < at, older))
    return wanted


def _shown(found: Sequence[Found], visitor: Visitor, now: datetime) -> list[shapes.Article]:
    house, hidden = gates.house_now(now), _hidden()
    behind = {row.article_id: gates.of(row, house) for row in found}
    decided = {number: decide(of, visitor, now) for number, of in behind.items()}
    bodies = _bodies([number for number, said in decided.items() if said.show is Show.FULL])
    shown = []
    for row in found:
        number = row.article_id
        said = _access(behind[number], decided[number], visitor, now, hidden)
        shown.append(_shape(row, house, now, said, bodies.get(number)))
    return shown


def _bodies(allowed: list[int]) -> dict[int, str]:
    """The whole text of these articles; that of no other is even read."""
    if not allowed:
        return {}
    query = select(Article.id, Article.full_html).where(Article.id.in_(allowed))
    return {row.id: row.full_html for row in db.session.execute(query)}


def _shape(
    row: Found, house: House, now: datetime, access: shapes.Access, html: str | None
) -> shapes.Article:
    card = cards.Card.of(row, house, now)
    fields: dict[str, Any] = {
        "slug": card.slug,
        "url": url("articles.article", slug=card.slug),
        "title": card.title,
        "standfirst": card.standfirst,
        "byline": card.byline,
        "section": shapes.SectionName(slug=card.section_slug, name=card.section),
        "tags": tuple(row.tags.split()),
        "published_at": card.published_at,
        "updated_at": card.updated_at,
        "version": row.version,
        "picture": _picture(card, row.picture_credit),
        "access": access,
        "teaser_html": row.teaser_html,
        "words": row.words,
        "words_left": row.words_left if html is None else 0,
    }
    return shapes.Article(**fields) if html is None else shapes.WholeArticle(**fields, html=html)


def _picture(card: cards.Card, credit: str) -> shapes.Picture | None:
    if card.picture is None:
        return None
    return shapes.Picture(
        url=url("articles.picture", name=card.picture),
        width=card.picture_width,
        height=card.picture_height,
        alt=card.picture_alt,
        credit=credit,
    )


def _access(
    of: Gate, said: Decision, visitor: Visitor, now: datetime, hidden: frozenset[str]
) -> shapes.Access:
    return shapes.Access(
        show=said.show,
        reason=said.reason,
        gate=of.at(now).level,
        offer=tuple(sorted(said.offer - hidden)),
        until=turn(of, visitor, now),
    )


def _hidden() -> frozenset[str]:
    return frozenset(db.session.scalars(select(Plan.slug).where(Plan.state == PlanState.HIDDEN)))


def _plan(plan: Plan) -> shapes.Plan:
    on_sale = [price for price in plan.prices if price.active]
    return shapes.Plan(
        slug=plan.slug,
        name=plan.name,
        description=plan.description,
        trial_days=plan.trial_days,
        seats=shapes.Seats(least=plan.seats.least, most=plan.seats.most) if plan.seats else None,
        prices=tuple(
            shapes.Price(amount=price.amount, currency=price.currency, interval=price.interval)
            for price in on_sale
        ),
        join_url=url("billing.join", plan=plan.slug),
    )


def _further(asked: given.ArticlesAsked, last: Found) -> str:
    said = asked.model_dump(mode="json", exclude_defaults=True) | {"cursor": _cursor(last)}
    return url("api.articles", **said)


def _cursor(last: Found) -> str:
    text = f"{(last.out_at - EPOCH) // TICK}.{last.article_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        ticks, _, last = text.partition(".")
        return EPOCH + int(ticks) * TICK, max(0, min(int(last), LARGEST_ID))
    except (binascii.Error, ValueError, OverflowError):
        raise WrongFields([Wrong("take it from next, as it is", parameter="cursor")]) from None


def _site() -> str:
    settings: Settings = current_app.extensions["settings"]
    return settings.site_url
