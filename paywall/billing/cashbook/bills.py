"""A reader's bills, out of our tables: their account page shows them while Stripe does not answer, too."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from paywall.billing.cashbook.models import Invoice, Payment
from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill: what it comes to, what was paid of it and what of that was given back."""

    made_at: datetime
    number: str | None
    page_url: str | None
    status: str
    total: Money
    paid: Money
    refunded: Money

    @property
    def is_refunded(self) -> bool:
        """Whether all that was paid was given back."""
        return 0 < self.paid.amount <= self.refunded.amount


def of(reader_id: int, *, most: int) -> list[Bill]:
    """The newest bills of a reader."""
    refunded = (
        select(func.coalesce(func.sum(Payment.refunded), 0))
        .where(Payment.invoice == Invoice.stripe_id, Payment.mode == Invoice.mode)
        .scalar_subquery()
    )
    query = select(Invoice, refunded).where(Invoice.reader_id == reader_id, Invoice.mode == gateway().mode)
    found = db.session.execute(query.order_by(Invoice.made_at.desc(), Invoice.id.desc()).limit(most))
    return [_bill(invoice, int(given)) for invoice, given in found]


def _bill(invoice: Invoice, refunded: int) -> Bill:
    return Bill(
        made_at=invoice.made_at,
        number=invoice.number,
        page_url=invoice.page_url,
        status=invoice.status,
        total=Money(invoice.amount, invoice.currency),
        paid=Money(invoice.amount_paid, invoice.currency),
        refunded=Money(refunded, invoice.currency),
    )
