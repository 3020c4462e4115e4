"""Staff pages of the door: why a reader can or cannot read, and who would read an article."""

from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, render_template, request
from sqlalchemy import select

from paywall import clock
from paywall.access.words import tried
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.articles.models import Article
from paywall.config import Settings
from paywall.db import db
from paywall.errors import PaywallError
from paywall.office import simulator, why, words

office = Blueprint("office", __name__, url_prefix="/staff")

NEWEST = 50


@office.get("/why")
@may_enter(*StaffRole)
def trace() -> tuple[str, int]:
    """The trace for `?reader=<e-mail>&article=<slug>`; without a reader for a visitor."""
    email, slug = request.args.get("reader", "").strip(), request.args.get("article", "").strip()
    found, message, status = None, "", 200
    if slug:
        try:
            found = why.explain(email or None, slug, clock.now())
        except PaywallError as wrong:
            message, status = wrong.message, wrong.status
    page = render_template(
        "office/why.html",
        found=found,
        email=email,
        tried=tried,
        slug=slug,
        message=message,
        words=words,
        zone=_zone(),
        newest=_newest(),
    )
    return page, status


@office.get("/simulate")
@may_enter(*StaffRole)
def simulate() -> tuple[str, int]:
    """What `?article=<slug>` shows to sample readers now."""
    slug, now = request.args.get("article", "").strip(), clock.now()
    article, samples, message, status = None, [], "", 200
    if slug:
        try:
            article = why.before(slug, now)
            samples = simulator.simulate(article.gate, why.newsroom(), now)
        except PaywallError as wrong:
            message, status = wrong.message, wrong.status
    page = render_template(
        "office/simulate.html",
        article=article,
        samples=samples,
        slug=slug,
        message=message,
        now=now,
        words=words,
        zone=_zone(),
        newest=_newest(),
    )
    return page, status


def _newest() -> list[str]:
    """Slugs to choose from, those not out yet too."""
    return list(db.session.scalars(select(Article.slug).order_by(Article.id.desc()).limit(NEWEST)))


def _zone() -> ZoneInfo:
    settings: Settings = current_app.extensions["settings"]
    return ZoneInfo(settings.timezone)
