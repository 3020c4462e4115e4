"""`flask paywall coupon ...`: promotion codes from a shell."""

import re
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import AppGroup

from paywall.accounts.reasons import WHY
from paywall.billing import promotions
from paywall.billing.gateway import gateway
from paywall.billing.remote import Duration, Offer, Promotion
from paywall.config import Settings
from paywall.errors import BadInput
from paywall.membership.discounts import Cut
from paywall.money import Money

coupon = AppGroup("coupon", help="Promotion codes that make a membership cheaper.")


@coupon.command("create")
@click.argument("code")
@click.option("--percent", help="Percent off, like 20 or 12.5.")
@click.option("--amount", help="Money off each bill, like 5.00.")
@click.option("--currency", help="Of the amount: three letters; else the setting's.")
@click.option("--months", type=click.IntRange(1, 120), help="It counts for so many months.")
@click.option("--forever", is_flag=True, help="It counts as long as the membership lasts.")
@click.option("--once", is_flag=True, help="It counts for the first bill only (what it does without these).")
@click.option("--max", "most", type=click.IntRange(1), help="So many readers can use it.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it can be used.")
@click.option("--plan", help="Only for this plan (its slug).")
@click.option("--why", default="", help=WHY)
def create(
    code: str, plan: str | None, most: int | None, until: datetime | None, why: str, **given: Any
) -> None:
    """Make a code that readers enter at Stripe, or bring along by the link /join?code=CODE."""
    if not re.fullmatch("[A-Za-z0-9-]{1,100}", code):
        raise BadInput("Stripe takes only letters from A to Z, digits and dashes in a code.")
    offer = _offer(given)
    last = _end_of(until) if until else None
    promotions.create(code, offer, plan=plan, most=most, until=last, reason=why)
    click.echo(f"{code}: {_words(offer)}. Readers type it on Stripe's page, or follow")
    click.echo(f"{_settings().site_url}/join?code={code}")


@coupon.command("list")
def show() -> None:
    """Every code there is or was, newest first."""
    for one in gateway().promotions():
        limit = f" of {one.most}" if one.most else ""
        until = f", until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else ""
        state = "open" if one.is_active else "ended"
        click.echo(
            f"{one.code:<20} {state:<6} {_words(one.offer)}; used {one.used}{limit}{until}{_where(one)}"
        )


@coupon.command("end")
@click.argument("code")
@click.option("--why", default="", help=WHY)
def end(code: str, *, why: str) -> None:
    """Let nobody use a code any more; who has used it keeps the discount."""
    promotions.end(code, reason=why)
    click.echo(f"{code} has ended. Who has used it keeps the discount.")


def _offer(given: dict[str, Any]) -> Offer:
    chosen = [name for name in ("months", "forever", "once") if given[name]]
    if len(chosen) > 1:
        raise BadInput("Choose one of --months, --forever and --once.")
    duration = (
        Duration.REPEATING if given["months"] else Duration.FOREVER if given["forever"] else Duration.ONCE
    )
    return Offer(_cut(given["percent"], given["amount"], given["currency"]), duration, given["months"])


def _cut(percent: str | None, amount: str | None, currency: str | None) -> Cut:
    if (percent is None) == (amount is None):
        raise BadInput("Give --percent or --amount, one of them.")
    if amount is not None:
        money = Money.read(amount, (currency or _settings().currency).lower())
        if money.amount <= 0:
            raise BadInput("The amount must be more than nothing.")
        return Cut(percent=None, amount=money)
    try:
        share = Decimal((percent or "").rstrip("% ").replace(",", "."))
    except InvalidOperation:
        raise BadInput(f"{percent!r} is not a percentage: write 20 or 12.5.") from None
    if not 0 < share <= 100 or share != round(share, 2):
        raise BadInput("The percentage must be more than 0 and at most 100, with two digits at most.")
    return Cut(percent=share, amount=None)


def _end_of(day: datetime) -> datetime:
    """A last day ends with the newspaper's midnight."""
    return datetime.combine(day.date() + timedelta(days=1), time(), ZoneInfo(_settings().timezone))


def _words(offer: Offer) -> str:
    off = (
        f"{float(offer.cut.percent):g} %"
        if offer.cut.percent is not None
        else offer.cut.amount and offer.cut.amount.text()
    )
    match offer.duration:
        case Duration.ONCE:
            return f"{off} off the first bill"
        case Duration.FOREVER:
            return f"{off} off for ever"
    return f"{off} off for {offer.months} months"


def _where(one: Promotion) -> str:
    return f", only {', '.join(sorted(one.offer.products))}" if one.offer.products else ""


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
