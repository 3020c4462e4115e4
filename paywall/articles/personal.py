"""A patron's own feed: one secret address a reader, made anew or switched off at will."""

from datetime import datetime

from flask import current_app, url_for
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from paywall import clock
from paywall.access import tokens
from paywall.access.tokens import Purpose
from paywall.accounts.models import Reader
from paywall.articles import cards, syndication, unmetered
from paywall.articles.cards import Card
from paywall.articles.models import Article
from paywall.articles.syndication import Entry
from paywall.config import Settings
from paywall.db import Id, Model, db, insert, utcnow


class PersonalFeed(Model):
    """That a reader has a feed; a new nonce makes the address a new one, and the old one is dead."""

    __tablename__ = "personal_feed"

    id: Mapped[Id]
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), unique=True)
    nonce: Mapped[str] = mapped_column(String(32), default=tokens.new_nonce)
    made_at: Mapped[datetime] = mapped_column(default=utcnow)


def address(reader_id: int) -> str | None:
    """The whole address of this reader's feed as Atom, None while it is off."""
    row = db.session.execute(
        select(PersonalFeed.id, PersonalFeed.nonce).where(PersonalFeed.reader_id == reader_id)
    ).first()
    if row is None:
        return None
    token = tokens.make(_secret(), Purpose.FEED, row.id, row.nonce)
    return _settings().site_url + url_for("feeds.personal_feed", token=token, kind="atom")


def may_begin(reader: Reader, now: datetime) -> bool:
    """Whether a feed would give this reader more than the one for everyone: patrons and staff."""
    visitor = unmetered.known(reader, now)
    return visitor.is_staff or any(now < held.until for held in visitor.holdings)


def reader(token: str) -> Reader | None:
    """Whose feed this is; None for what is no token, or no longer one, and for a closed account."""
    row_id = tokens.read(token)
    if row_id is None:
        return None
    query = select(Reader, PersonalFeed.nonce).join(PersonalFeed, PersonalFeed.reader_id == Reader.id)
    found = db.session.execute(query.where(PersonalFeed.id == row_id, Reader.active)).first()
    if found is None or not tokens.fits(token, _secret(), Purpose.FEED, row_id, found.nonce):
        return None
    owner: Reader = found[0]
    return owner


def renew(reader_id: int) -> None:
    """Give this reader a feed, or a new address for it. The caller commits."""
    new = {"nonce": tokens.new_nonce(), "made_at": clock.now()}
    row = insert(PersonalFeed).values(reader_id=reader_id, **new)
    db.session.execute(row.on_conflict_do_update(index_elements=["reader_id"], set_=new))


def stop(reader_id: int) -> None:
    """Switch this reader's feed off. The caller commits."""
    db.session.execute(delete(PersonalFeed).where(PersonalFeed.reader_id == reader_id))


def entries(reader: Reader, now: datetime, *, limit: int) -> list[Entry]:
    """The newest articles, whole where this reader may read them at `now`, else the teaser and a way on."""
    visitor = unmetered.known(reader, now)
    found = cards.newest(now, limit=limit)
    whole = {card.slug for card in found if unmetered.may_read(card, visitor, now)}
    # What may not be read is not even asked for.
    bodies = _html(Article.full_html, whole)
    teasers = _html(Article.teaser_html, {card.slug for card in found} - whole)
    return [
        Entry(card, _entry_html(card, bodies[card.slug], is_whole=True))
        if card.slug in whole
        else Entry(card, _entry_html(card, teasers[card.slug], is_whole=False))
        for card in found
    ]


def _html(column: InstrumentedAttribute[str], slugs: set[str]) -> dict[str, str]:
    query = select(Article.slug, column.label("html")).where(Article.slug.in_(slugs))
    return {row.slug: row.html for row in db.session.execute(query)}


def _entry_html(card: Card, html: str, *, is_whole: bool) -> str:
    page = _settings().site_url + url_for("articles.article", slug=card.slug)
    parts = [Markup(syndication.absolute(html, page))]  # noqa: S704  # sanitised when it was rendered
    if card.picture:
        picture = _settings().site_url + url_for("articles.picture", name=card.picture)
        parts.insert(0, Markup('<p><img src="{}" alt="{}"></p>').format(picture, card.picture_alt))
    if not is_whole:
        parts.append(Markup('<p><a href="{}">{}</a></p>').format(page, gettext("Read on")))
    return "\n".join(parts)


def _secret() -> str:
    return _settings().secret_key.get_secret_value()


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
