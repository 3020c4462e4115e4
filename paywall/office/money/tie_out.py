"""The tie-out: whether a month's books are what the balance at Stripe says, and what went to the bank."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, render_template, request, url_for

from paywall import clock
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.billing.cashbook import months, statement
from paywall.billing.cashbook.facts import PayoutFacts
from paywall.billing.cashbook.statement import Month, Statement
from paywall.billing.cashbook.sums import Difference
from paywall.billing.gateway import gateway
from paywall.db import db, read_much
from paywall.errors import BadInput
from paywall.money import Money
from paywall.office.money import (
    at_stripe,
    behind,
    countries,  # noqa: F401  # nobody calls it: it declares a report
    failures,  # noqa: F401  # likewise
    letter,  # noqa: F401  # nobody calls it: it declares a job
    presents,  # noqa: F401  # likewise
    seats,  # noqa: F401  # likewise
)
from paywall.reports import listed, routes, shown
from paywall.reports.page import Kind, Link

READS = (StaffRole.OWNER, StaffRole.BOOKKEEPER)
HEADER = ("month", "currency", "line", "object", "amount", "held against")
SHOWN_PARTS = 12
MADE_OF = "The lines that it is made of come to it. Stripe tells them of automatic payouts only."

money = Blueprint("money", __name__, url_prefix="/staff")


class Part(NamedTuple):
    """Something at Stripe, and its page there if it has one."""

    stripe_id: str
    url: str | None


@money.get("/tie-out")
@may_enter(*READS)
def tie_out() -> tuple[str, int]:
    """The statement of `?month=2026-10`, from top to bottom; else of the last month."""
    db.session.commit()
    read_much()
    start, message = _last_month(), ""
    try:
        start = _asked()
    except BadInput as wrong:
        message = wrong.message
    page = render_template(
        "office/money/tie_out.html",
        month=statement.of(start),
        earlier=f"{start - timedelta(days=1):%Y-%m}",
        later=f"{months.following(start):%Y-%m}",
        message=message,
        sums={words: name for name, words in behind.TITLES.items()},
        money=lambda amount, currency: shown.words(Money(amount, currency), Kind.MONEY),
        parts=_parts,
        at_stripe=_part,
    )
    return page, 400 if message else 200


@money.get("/tie-out.csv")
@may_enter(*READS)
def tie_out_csv() -> Response:
    """The same for a spreadsheet."""
    db.session.commit()
    read_much()
    start = _asked()
    return listed.csv(f"tie-out-{start:%Y-%m}", HEADER, _lines(statement.of(start)))


@money.get("/tie-out/rows/<which>")
@may_enter(*READS)
def tie_out_rows(which: str) -> str:
    """What a sum of `?month=2026-10&currency=eur` is made of, line by line."""
    start, currency, title = _asked_rows(which)
    return listed.page(
        title,
        behind.COLUMNS,
        behind.rows(start, currency, which),
        above=_above(start, currency),
        about=f"{start:%Y-%m} (UTC), {currency.upper()}. What counts comes to the figure, to the cent.",
        query=urlencode({"month": f"{start:%Y-%m}", "currency": currency}),
    )


@money.get("/tie-out/rows/<which>.csv")
@may_enter(*READS)
def tie_out_rows_csv(which: str) -> Response:
    """The same for a spreadsheet."""
    start, currency, _ = _asked_rows(which)
    file = f"tie-out-{which}-{currency}-{start:%Y-%m}"
    return listed.file(file, behind.COLUMNS, behind.rows(start, currency, which))


@money.get("/tie-out/payouts/<stripe_id>")
@may_enter(*READS)
def payout_rows(stripe_id: str) -> str:
    """The lines of the balance that a payout is made of."""
    sent = _asked_payout(stripe_id)
    return listed.page(
        f"Payout {stripe_id}",
        behind.COLUMNS,
        behind.sent(sent),
        above=_above(sent.made_at, sent.currency),
        about=f"{shown.words(Money(sent.amount, sent.currency))}. {MADE_OF}",
        query="",
    )


@money.get("/tie-out/payouts/<stripe_id>.csv")
@may_enter(*READS)
def payout_rows_csv(stripe_id: str) -> Response:
    """The same for a spreadsheet."""
    return listed.file(f"payout-{stripe_id}", behind.COLUMNS, behind.sent(_asked_payout(stripe_id)))


def _above(at: datetime, currency: str) -> Link:
    name = f"{at:%Y-%m}"
    return Link(f"Tie-out {name}", f"{url_for('money.tie_out', month=name)}#{currency}")


def _asked_payout(stripe_id: str) -> PayoutFacts:
    db.session.commit()
    read_much()
    return behind.payout(stripe_id) or abort(404)


def _asked_rows(which: str) -> tuple[datetime, str, str]:
    """The month, the currency, and what the sum is called."""
    db.session.commit()
    read_much()
    title, currency = behind.TITLES.get(which) or abort(404), routes.currency(is_needed=True)
    return _asked(), currency, title


def _asked() -> datetime:
    name = request.args.get("month", "").strip()
    try:
        return months.month(name) if name else _last_month()
    except ValueError:
        raise BadInput(f"{name!r} is no month: write it like 2026-10.") from None


def _last_month() -> datetime:
    return months.month(f"{clock.now().replace(day=1) - timedelta(days=1):%Y-%m}")


def _parts(found: Difference) -> tuple[list[Part], int]:
    """The thing that does not tie out and what it was held against; and how many of these are left out."""
    named = [one for one in (found.stripe_id, *found.parts) if one]
    found_there = [_part(one) for one in named[: SHOWN_PARTS + 1]]
    return found_there, len(named) - len(found_there)


def _part(stripe_id: str) -> Part:
    return Part(stripe_id, at_stripe.address(stripe_id, gateway().mode))


def _lines(month: Month) -> Iterator[tuple[object, ...]]:
    for one in month.statements:
        for words, stripe_id, amount, parts in _amounts(one):
            currency = one.sums.currency
            major = Money(amount, currency).major()
            yield (one.sums.month, currency.upper(), words, stripe_id, major, " ".join(parts))


def _amounts(one: Statement) -> Iterator[tuple[str, str, int, tuple[str, ...]]]:
    yield "Held by Stripe before", "", one.opening, ()
    for words, amount in one.steps:
        yield words, "", amount, ()
    yield "Net, as the balance has it", "", one.sums.net, ()
    yield "Paid out", "", one.sums.payouts, ()
    yield "Held by Stripe after", "", one.closing, ()
    for sent in one.payouts:
        yield f"Payout: {sent.status}", sent.stripe_id, sent.amount, ()
    for found in one.found:
        yield f"Difference: {found.why}", found.stripe_id, found.amount, found.parts
