"""The tie-out: whether a month's books are what the balance at Stripe says, and what went to the bank."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import Blueprint, Response, render_template, request, stream_with_context

from paywall import clock
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.billing.cashbook import months, statement
from paywall.billing.cashbook.statement import Month, Statement
from paywall.billing.cashbook.sums import Difference
from paywall.billing.gateway import gateway
from paywall.db import db, read_much
from paywall.errors import BadInput
from paywall.money import Money
from paywall.office.money import (
    at_stripe,
    countries,  # noqa: F401  # nobody calls it: it declares a report
    failures,  # noqa: F401  # likewise
    letter,  # noqa: F401  # nobody calls it: it declares a job
    presents,  # noqa: F401  # likewise
    seats,  # noqa: F401  # likewise
)
from paywall.reports import export, shown
from paywall.reports.page import Kind

READS = (StaffRole.OWNER, StaffRole.BOOKKEEPER)
HEADER = ("month", "currency", "line", "object", "amount", "held against")
SHOWN_PARTS = 12

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
        money=lambda amount, currency: shown.words(Money(amount, currency), Kind.MONEY),
        parts=_parts,
    )
    return page, 400 if message else 200


@money.get("/tie-out.csv")
@may_enter(*READS)
def tie_out_csv() -> Response:
    """The same for a spreadsheet."""
    db.session.commit()
    read_much()
    start = _asked()
    body = stream_with_context(export.rows(HEADER, _lines(statement.of(start))))
    headers = {"Content-Disposition": f"attachment; filename=tie-out-{start:%Y-%m}.csv"}
    return Response(body, mimetype="text/csv", headers=headers)


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
    mode = gateway().mode
    found_there = [Part(one, at_stripe.address(one, mode)) for one in named[: SHOWN_PARTS + 1]]
    return found_there, len(named) - len(found_there)


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
