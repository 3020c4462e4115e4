"""Patrons and revenue by plan, and by where memberships come from."""

from collections.abc import Mapping
from fractions import Fraction
from functools import partial

from sqlalchemy import select

from paywall.db import db
from paywall.membership.models import Plan
from paywall.membership.rules import Source
from paywall.money import Money
from paywall.reports import measures, page
from paywall.reports.asked import Asked
from paywall.reports.fold import Kind, Scope
from paywall.reports.page import Column, Figure, Report, Row, Table
from paywall.reports.patrons import lists
from paywall.reports.patrons.look import BY_DAY, Look, look
from paywall.reports.patrons.standing import MRR, PATRONS
from paywall.reports.stretch import Stretch

NUMBERS = ("Patrons", "Paid", "In grace", "In trial", "Members of groups", "Came", "Left")
COUNTS = (
    "When the last day ends. Came and left: in these days, from and to another {thing}, too. A patron of two "
    "{thing}s is in two rows, so the rows can come to more than all patrons."
)
REVENUE = "When the last day ends; the rows come to all MRR in this currency. Moved: in these days."
SOURCES = {
    Source.STRIPE: "Paid by card and bank through Stripe",
    Source.PATREON: "On Patreon",
    Source.GIFT: "Paid by somebody else, for a time",
    Source.GROUP: "A seat in a group that somebody pays for",
    Source.COMP: "Given by us",
}


@page.report("plans", "By plan", narrows=("source",))
def plans(asked: Asked) -> Report:
    """Each plan with its patrons and its revenue."""
    seen = look(asked)
    names = {
        Scope(row.id, seen.scope.source): row.name
        for row in db.session.execute(select(Plan.id, Plan.name).order_by(Plan.position, Plan.id))
    }
    return _report("By plan", "plan", seen, names)


@page.report("sources", "By source", narrows=("plan",))
def sources(asked: Asked) -> Report:
    """Each source with its patrons and its revenue."""
    seen = look(asked)
    names = {Scope(seen.scope.plan_id, source.value): name for source, name in SOURCES.items()}
    return _report("By source", "source", seen, names)


for _report_name in ("plans", "sources"):
    lists.standing(_report_name, "patrons", "paying")


def _report(title: str, thing: str, seen: Look, names: Mapping[Scope, str]) -> Report:
    spans = {scope: span.whole() for scope, span in seen.spans(list(names)).items()}
    parts = {name: spans[scope] for scope, name in names.items()}
    tables = [_counts(thing, parts), *(_revenue(thing, parts, currency) for currency in seen.currencies)]
    figures: list[Figure] = [seen.figure("Patrons", lambda days: days.patrons(), PATRONS, "patrons")]
    figures += (
        seen.figure(f"MRR in {one.upper()}", partial(_monthly, one), MRR, "paying") for one in seen.currencies
    )
    return Report(title, figures, tables, (BY_DAY, *seen.notes))


def _monthly(currency: str, days: Stretch) -> Money:
    return Money(days.monthly(currency), currency)


def _counts(thing: str, parts: Mapping[str, Stretch]) -> Table:
    columns = (Column(thing.capitalize()), *(Column(name, page.Kind.NUMBER) for name in NUMBERS))
    rows: list[Row] = []
    for name, days in parts.items():
        found = measures.standing(days)
        came = days.happened(Kind.JOINED).readers + days.happened(Kind.REJOINED).readers
        stand = (found.patrons, found.active, found.grace, found.trial, found.members)
        rows.append((name, *stand, came, days.happened(Kind.LEFT).readers))
    return Table(f"Patrons by {thing}", COUNTS.format(thing=thing), columns, rows)


def _revenue(thing: str, parts: Mapping[str, Stretch], currency: str) -> Table:
    columns = (
        Column(thing.capitalize()),
        Column("Paying", page.Kind.NUMBER),
        Column("MRR", page.Kind.MONEY),
        Column("Share", page.Kind.SHARE),
        *(Column(name, page.Kind.MONEY) for name in ("ARR", "Average", "Moved")),
    )
    total = sum(days.monthly(currency) for days in parts.values())
    rows: list[Row] = []
    for name, days in parts.items():
        moved, worth = measures.movement(days, currency), measures.worth(days, currency, None)
        share = Fraction(moved.closing.amount, total) if total else None
        money = (worth.yearly, worth.average, moved.net)
        rows.append((name, days.payers(currency), moved.closing, share, *money))
    return Table(f"Revenue in {currency.upper()} by {thing}", REVENUE, columns, rows)
