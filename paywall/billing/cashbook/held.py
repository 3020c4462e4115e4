"""What Stripe held for us when a month began: sums that are kept by month, and the lines that came since.

A line of the balance says for ever what it moved, so each is added to its month's sum once. Should one change
nevertheless, or go, the database itself drops the sums (migration 0032), and they are made anew.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select, update

from paywall.billing.cashbook.models import BalanceTransaction, CashMonth
from paywall.billing.gateway import gateway
from paywall.db import db, hold_still, insert


def at(start: datetime) -> dict[str, int]:
    """What Stripe held when the month began that begins at an instant, by currency; without noughts."""
    mode, line = gateway().mode, BalanceTransaction
    kept = select(CashMonth.currency, CashMonth.net).where(
        CashMonth.mode == mode, CashMonth.month < f"{start:%Y-%m}"
    )
    since = select(line.currency, line.net).where(
        line.mode == mode, line.made_at < start, line.id > _added_upto()
    )
    both = kept.union_all(since).subquery()
    found = db.session.execute(select(both.c.currency, func.sum(both.c.net)).group_by(both.c.currency))
    return {currency: int(held) for currency, held in found if held}


def add_up() -> None:
    """Add the lines that are new to the sums of their months; the caller commits: nobody else can write."""
    hold_still(BalanceTransaction)
    line, upto = BalanceTransaction, _added_upto()
    last = db.session.scalar(select(func.max(line.id))) or 0
    if last > upto:
        sums = (
            select(line.mode, line.currency, _month().label("month"), func.sum(line.net), literal(last))
            .where(line.id > upto)
            .group_by(line.mode, line.currency, "month")
        )
        new = insert(CashMonth).from_select(["mode", "currency", "month", "net", "upto"], sums)
        added = {"net": CashMonth.net + new.excluded.net}
        db.session.execute(
            new.on_conflict_do_update(index_elements=["mode", "currency", "month"], set_=added)
        )
        db.session.execute(update(CashMonth).values(upto=last))


def _added_upto() -> int:
    return db.session.scalar(select(func.max(CashMonth.upto))) or 0


def _month() -> Any:
    at_utc = BalanceTransaction.made_at
    if db.engine.dialect.name == "sqlite":
        return func.strftime("%Y-%m", at_utc)
    return func.to_char(func.timezone("UTC", at_utc), "YYYY-MM")
