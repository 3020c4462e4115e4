"""Staff pages of the door: why a reader can or cannot read, and who would read an article."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy import select

from paywall import clock
from paywall.access.words import tried
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.articles.models import Article
from paywall.db import db
from paywall.errors import PaywallError
from paywall.office import menu, simulator, why, words
from paywall.reports.rollup import zone

office = Blueprint("office", __name__, url_prefix="/staff")

NEWEST = 50


@office.app_context_processor
def _menu() -> dict[str, object]:
    return {"staff_menu": menu.menu}


@office.get("/why")
@may_enter(StaffRole.OWNER, StaffRole.MEMBERSHIP, StaffRole.BOOKKEEPER)
def trace() -> tuple[str, int]:
    """The trace for `?reader=<e-mail>&article=<slug>`; without a reader for a visitor."""
    email, now = request.args.get("reader", "").strip(), clock.now()

    def answer(slug: str) -> dict[str, Any]:
        return {"found": why.explain(email or None, slug, now)}

    return _asked("office/why.html", answer, email=email, tried=tried)


@office.get("/simulate")
@may_enter(*StaffRole)
def simulate() -> tuple[str, int]:
    """What `?article=<slug>` shows to sample readers now."""
    now = clock.now()

    def answer(slug: str) -> dict[str, Any]:
        article = why.before(slug, now)
        return {"article": article, "samples": simulator.simulate(article.gate, why.newsroom(), now)}

    return _asked("office/simulate.html", answer, now=now)


def _asked(template: str, answer: Callable[[str], dict[str, Any]], **shown: Any) -> tuple[str, int]:
    """The page for an article, if one is asked for: with the answer, or what is wrong with the question."""
    slug, message, status = request.args.get("article", "").strip(), "", 200
    found: dict[str, Any] = {}
    if slug:
        try:
            found = answer(slug)
        except PaywallError as wrong:
            message, status = wrong.message, wrong.status
    form = {"slug": slug, "message": message, "newest": _newest(), "words": words, "zone": zone()}
    return render_template(template, **form, **found, **shown), status


def _newest() -> list[str]:
    """Slugs to choose from, those not out yet too."""
    return list(db.session.scalars(select(Article.slug).order_by(Article.id.desc()).limit(NEWEST)))
