"""The desk's pages: the box, a reader's page, and their pages as they see them."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from paywall import clock
from paywall.accounts import privacy, trail
from paywall.accounts.models import Reader, StaffRole
from paywall.accounts.routes import may_enter
from paywall.articles.models import Article
from paywall.billing.selfcare.turns import Taken
from paywall.db import db
from paywall.errors import BadInput, Conflict, PaywallError, Unavailable
from paywall.membership.policy_words import CAUSES
from paywall.money import Money
from paywall.office import why
from paywall.office.desk import finding, looking, person, resending, sheets, timeline
from paywall.office.desk.timeline import Cursor, Kind

ACTS = (StaffRole.OWNER, StaffRole.MEMBERSHIP)
LOOKS = (*ACTS, StaffRole.BOOKKEEPER)
NEWEST = 20

desk = Blueprint("desk", __name__, url_prefix="/staff/desk")
desk.after_request(privacy.unshared)


@desk.get("")
@may_enter(*LOOKS)
def box() -> ResponseReturnValue:
    """Find a reader by `?q=`; one who is named exactly is gone to at once."""
    asked = request.args.get("q", "").strip()
    found = finding.find(asked)
    if found.is_exact:
        return redirect(url_for("desk.show", reader_id=found.readers[0].id))
    return render_template("office/desk/box.html", asked=asked, found=found)


@desk.get("/<int(max=2147483647):reader_id>")
@may_enter(*LOOKS)
def show(reader_id: int) -> str:
    """A reader: who they are, what they can read and why, and all that happened, newest first."""
    only = request.args.get("only", "")
    kind = Kind(only) if only in set(Kind) else None
    before = Cursor.read(request.args.get("before", ""))
    return render_template(
        "office/desk/reader.html",
        person=person.of(reader_id, clock.now()),
        page=timeline.page(reader_id, before=before, only=kind),
        chosen=kind,
        is_first=before is None,
        kinds=list(Kind),
        may_act=may_act(),
        slugs=_newest(),
        how=resending.how,
        causes=CAUSES,
        at=sheets.at,
        sum=_sum,
        given=lambda row: Money(row.refunded, row.currency),
        delta=lambda row: Money(row.monthly_delta, row.currency),
    )


@desk.get("/<int(max=2147483647):reader_id>/as")
@may_enter(*ACTS)
def as_account(reader_id: int) -> Response:
    """The reader's account page as they see it."""
    reader = _noted(reader_id, "their account page")
    return _shown(reader, looking.account(reader_id))


@desk.get("/<int(max=2147483647):reader_id>/as/article")
@may_enter(*ACTS)
def as_article(reader_id: int) -> Response:
    """The article `?article=<slug>` as the reader sees it."""
    email, slug = person.reader(reader_id).email, request.args.get("article", "")
    found = why.explain(email, slug, clock.now())
    db.session.commit()
    reader = _noted(reader_id, f"the article {slug}")
    return _shown(reader, looking.article(reader_id, found))


@desk.errorhandler(Conflict)
@desk.errorhandler(BadInput)
@desk.errorhandler(Unavailable)
def _told(error: PaywallError) -> Response:
    """What could not be done is said on the reader's page."""
    db.session.rollback()
    words = "Somebody changes this membership just now. Wait a moment, and look again."
    flash(words if isinstance(error, Taken) else error.message, "error")
    reader_id = (request.view_args or {}).get("reader_id")
    return redirect(url_for("desk.show", reader_id=reader_id) if reader_id else url_for("desk.box"), 303)


def may_act() -> bool:
    """Whether who is signed in may do what the desk does, and not only look."""
    return bool(current_user.staff_roles & set(ACTS))


def _sum(row: Any) -> Money:
    """What an invoice, a payment, a refund or a dispute comes to."""
    return Money(row.amount, row.currency)


def _newest() -> list[str]:
    return list(db.session.scalars(select(Article.slug).order_by(Article.id.desc()).limit(NEWEST)))


def _noted(reader_id: int, what: str) -> Reader:
    reader = person.reader(reader_id)
    trail.note("seen as reader", f"{what} as {reader.email}", reader_id=reader_id)
    db.session.commit()
    reader = person.reader(reader_id)
    db.session.expunge(reader)
    db.session.commit()
    return reader


def _shown(reader: Reader, html: str) -> Response:
    banner = render_template("office/desk/banner.html", reader=reader)
    answer = make_response(looking.inert(html, reader.id, banner))
    answer.headers["Content-Security-Policy"] = looking.POLICY
    return answer
