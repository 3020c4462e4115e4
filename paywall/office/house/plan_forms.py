"""What staff write into the forms about plans, read into what the rooms below take; raises BadInput."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from paywall.billing.repricing.commands import LEAST_NOTICE
from paywall.billing.repricing.planning import Wanted
from paywall.errors import BadInput
from paywall.membership.models import Plan, PlanState
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.membership.seats import SeatRange
from paywall.money import Money

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
Form = Mapping[str, str]


def text(form: Form, currency: str, slug: str | None = None) -> PlanText:
    """A plan as the form says it; `slug` is that of the plan which is changed."""
    return PlanText(
        slug=slug or _slug(_said(form, "slug")),
        name=_needed(form, "name"),
        description=_said(form, "description"),
        prices=_prices(form, currency),
        trial_days=_number(form, "trial_days", 730),
        position=_number(form, "position", 1000),
        state=PlanState(_one_of(form, "state", PlanState)),
        seats=SeatRange.read(_said(form, "seats")) if _said(form, "seats") else None,
    )


def shown(plan: Plan) -> dict[str, str]:
    """The form's fields, filled with what a plan says."""
    prices = {str(one.interval): str(one.money.major()) for one in plan.prices if one.active}
    return {
        "name": plan.name,
        "description": plan.description,
        "trial_days": str(plan.trial_days),
        "position": str(plan.position),
        "state": str(plan.state),
        "seats": f"{plan.seats.least}-{plan.seats.most}" if plan.seats else "",
        "currency": next((one.currency for one in plan.prices if one.active), ""),
        **prices,
    }


def wanted(form: Form, plan: Plan, currency: str, zone: ZoneInfo) -> Wanted:
    """A new price for everyone."""
    interval = Interval(_one_of(form, "interval", Interval))
    day, notice = _day(_said(form, "from")), _number(form, "notice", 365)
    if notice < LEAST_NOTICE:
        raise BadInput(f"Give at least {LEAST_NOTICE} days' notice.")
    from_at = datetime(day.year, day.month, day.day, tzinfo=zone)
    return Wanted(plan.slug, interval, Money.read(_needed(form, "amount"), currency), from_at, notice)


def _said(form: Form, name: str) -> str:
    return form.get(name, "").strip()


def _needed(form: Form, name: str) -> str:
    if not _said(form, name):
        raise BadInput(f"Please fill in: {name}.")
    return _said(form, name)


def _slug(text: str) -> str:
    if not SLUG.fullmatch(text) or len(text) > 60:
        raise BadInput("A short name has small letters, digits and hyphens, like friends-of-the-paper.")
    return text


def _prices(form: Form, currency: str) -> dict[Interval, Money]:
    found = {one: Money.read(_said(form, one), currency) for one in Interval if _said(form, one)}
    if not found:
        raise BadInput("A plan needs a price, for a month or for a year.")
    return found


def _number(form: Form, name: str, most: int) -> int:
    given = _said(form, name) or "0"
    if not (given.isascii() and given.isdecimal() and int(given) <= most):
        raise BadInput(f"{name.replace('_', ' ').capitalize()}: a number from 0 to {most}.")
    return int(given)


def _one_of(form: Form, name: str, known: type[PlanState] | type[Interval]) -> str:
    if _said(form, name) not in set(known):
        raise BadInput(f"Choose one: {', '.join(known)}.")
    return _said(form, name)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("Give the first day of the new price.") from None
