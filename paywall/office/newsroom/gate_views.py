"""The rules of gates by section and tag, and what is open to everyone for a time, as pages."""

from flask import Blueprint, current_app, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from paywall import clock
from paywall.access.decision import Gate
from paywall.accounts import reasons
from paywall.accounts.routes import may_enter
from paywall.articles import gatekeeping
from paywall.articles.models import Article
from paywall.config import Settings
from paywall.db import db, read_only
from paywall.errors import PaywallError
from paywall.office.newsroom import pages, written
from paywall.office.newsroom.forms import RuleForm, UnlockForm
from paywall.office.newsroom.views import EDITORS, LARGEST_ID
from paywall.reports.rollup import zone

NEWEST = 50

gatehouse = Blueprint("gatehouse", __name__, url_prefix="/staff/gates")


@gatehouse.get("")
@may_enter(*EDITORS)
def index() -> str:
    """The rules in their order, and what is unlocked."""
    db.session.commit()
    read_only()
    return _page(RuleForm(formdata=None), UnlockForm(formdata=None))


@gatehouse.post("/rule")
@may_enter(*EDITORS)
def set_rule() -> ResponseReturnValue:
    """Write the rule of a section, of a tag or of all articles."""
    form = RuleForm()
    form.offer()
    if form.validate():
        try:
            gatekeeping.set_rule(
                form.terms(),
                section=form.section.data or None,
                tag=(form.tag.data or "").strip() or None,
                position=form.position.data,
                reason=reasons.given(),
            )
        except PaywallError as wrong:
            db.session.rollback()
            form.form_errors.append(wrong.message)
        else:
            return _done("The rule holds from now on.")
    return _page(form, UnlockForm(formdata=None)), 400


@gatehouse.post(f"/rule/<int(max={LARGEST_ID}):rule_id>/drop")
@may_enter(*EDITORS)
def drop_rule(rule_id: int) -> ResponseReturnValue:
    """Delete a rule, wherever it stands by now."""
    place = next((rule.position for rule in gatekeeping.rules() if rule.id == rule_id), 0)
    gatekeeping.drop_rule(place, reason=reasons.given())
    return _done("The rule is gone.")


@gatehouse.post("/unlock")
@may_enter(*EDITORS)
def unlock() -> ResponseReturnValue:
    """Open an article, or all with a tag, to everyone for a time."""
    form = UnlockForm()
    if form.validate():
        try:
            gatekeeping.unlock(
                until=written.moment(form.until.data or "", zone()) or clock.now(),
                why=form.why.data or "",
                by=current_user.email,
                article=(form.article.data or "").strip() or None,
                tag=(form.tag.data or "").strip() or None,
            )
        except PaywallError as wrong:
            db.session.rollback()
            form.form_errors.append(wrong.message)
        except ValueError as wrong:
            form.until.errors = [f"{wrong}."]
        else:
            return _done("It is open to everyone until then, and closes by itself.")
    return _page(RuleForm(formdata=None), form), 400


@gatehouse.post(f"/unlock/<int(max={LARGEST_ID}):unlock_id>/close")
@may_enter(*EDITORS)
def close(unlock_id: int) -> ResponseReturnValue:
    """End an unlock before its time."""
    gatekeeping.close(unlock_id, by=current_user.email, reason=reasons.given())
    return _done("It is closed: the usual gate stands again.")


def _done(told: str) -> ResponseReturnValue:
    db.session.commit()
    flash(f"{told} In force within a second.", "success")
    return redirect(url_for("gatehouse.index"), 303)


def _page(rule: RuleForm, opening: UnlockForm) -> str:
    settings: Settings = current_app.extensions["settings"]
    rule.offer()
    return pages.shown(
        "office/newsroom/gates.html",
        rule_form=rule,
        unlock_form=opening,
        rules=gatekeeping.rules(),
        default=Gate.parse(settings.default_gate),
        read=Gate.parse,
        unlocks=gatekeeping.unlocks(past=True)[:NEWEST],
        newest=db.session.scalars(select(Article.slug).order_by(Article.id.desc()).limit(NEWEST)),
    )
