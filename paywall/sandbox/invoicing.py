"""Invoices as documents: drafted with lines, finalised with a number, voided (https://docs.stripe.com/api/invoices)."""

from dataclasses import dataclass, field

from paywall.sandbox import discounts, payments
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc

HOUR = 3600
_UNTOUCHED: Doc = {
    "attempt_count": 0,
    "attempted": False,
    "collection_method": "charge_automatically",
    "default_payment_method": None,
    "issuer": {"type": "self"},
    "metadata": {},
    "status": "draft",
}


@dataclass(frozen=True)
class Line:
    """One line: minor units, and the period it is for."""

    price: Doc
    quantity: int
    amount: int
    start: int
    end: int
    item: str | None = None
    proration: bool = False
    description: str | None = None
    invoice_item: str | None = None


@dataclass(frozen=True)
class Bill:
    """What an invoice is about."""

    customer: str
    reason: str
    lines: list[Line]
    currency: str
    start: int
    end: int
    subscription: Doc
    discounts: list[str] = field(default_factory=list)
    id: str | None = None


def draft(books: Books, bill: Bill, *, automatic: bool = True) -> Doc:
    """A draft; if automatic it is finalised an hour later."""
    customer = books.find("customer", bill.customer)
    id = bill.id or books.ids.new("invoice")
    facts = {
        "id": id,
        **_addressee(customer),
        **_parentage(bill.subscription),
        **_amounts(books, bill),
        **_UNTOUCHED,
        "auto_advance": automatic,
        "automatically_finalizes_at": books.now + HOUR if automatic else None,
        "billing_reason": bill.reason,
        "discounts": bill.discounts,
        "period_end": bill.end,
        "period_start": bill.start,
        "_lines": [_line(books, id, bill, line) for line in bill.lines],
    }
    invoice = books.add("invoice", facts)
    books.emit("invoice.created", invoice)
    if automatic:
        books.timer("finalize", id, books.now + HOUR)
    return invoice


def finalize(books: Books, invoice: Doc) -> Doc:
    """Open it: a number, a page to pay on, and a payment intent for what is due."""
    before = books.render(invoice)
    books.stop(invoice["id"], "finalize")
    invoice.update(
        status="open",
        number=_number(books, invoice["customer"]),
        effective_at=books.now,
        automatically_finalizes_at=None,
        hosted_invoice_url=f"{books.public_url}/sandbox/invoices/{invoice['id']}",
        invoice_pdf=f"{books.public_url}/sandbox/invoices/{invoice['id']}?print=1",
    )
    invoice["status_transitions"] = {"finalized_at": books.now}
    _use_credit(books, invoice)
    books.save(invoice)
    books.emit("invoice.finalized", invoice)
    books.emit("invoice.updated", invoice, before)
    return invoice


def ask_for_payment(books: Books, invoice: Doc, intent: Doc | None = None) -> None:
    """Tie a payment intent (a new one if none is given) to what is due on an open invoice."""
    due, currency = invoice["amount_due"], invoice["currency"]
    purpose = str(invoice["billing_reason"]).replace("_", " ").capitalize()
    intent = intent or payments.new_intent(books, invoice["customer"], due, currency, purpose)
    facts = {
        "amount_paid": None,
        "amount_requested": due,
        "currency": currency,
        "invoice": invoice["id"],
        "is_default": True,
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "open",
        "status_transitions": {},
    }
    books.add("invoice_payment", facts)


def payment_of(books: Books, invoice: Doc) -> Doc | None:
    """The invoice payment that is to settle this invoice."""
    known = books.all("invoice_payment", parent=invoice["id"])
    return known[-1] if known else None


def close(books: Books, invoice: Doc, status: str, why: str = "user_forgiven") -> Doc:
    """End an unpaid invoice as `void` or `uncollectible`; only the latter says why."""
    before = books.render(invoice)
    books.stop(invoice["id"])
    invoice.update(status=status, auto_advance=False, next_payment_attempt=None)
    mark = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}[status]
    invoice["status_transitions"] = {**invoice.get("status_transitions", {}), mark: books.now}
    if status == "uncollectible":
        invoice["status_details"] = {"uncollectible": {"reason": why}}
    payment = payment_of(books, invoice)
    if payment and status == "void":
        payment.update(status="canceled", status_transitions={"canceled_at": books.now})
        books.save(payment)
        payments.cancel_intent(
            books, books.find("payment_intent", payment["payment"]["payment_intent"]), "void_invoice"
        )
    books.save(invoice)
    event = {"void": "invoice.voided", "uncollectible": "invoice.marked_uncollectible"}[status]
    books.emit(event, invoice)
    books.emit("invoice.updated", invoice, before)
    return invoice


def due_after_credit(books: Books, invoice: Doc) -> int:
    """What is left to pay when the customer's credit has paid its part."""
    return max(int(invoice["total"] + books.find("customer", invoice["customer"])["balance"]), 0)


def pricing(price: Doc) -> Doc:
    """How a line names its price."""
    details = {"price": price["id"], "product": price["product"]}
    return {
        "type": "price_details",
        "price_details": details,
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def _addressee(customer: Doc) -> Doc:
    return {
        "account_country": "DE",
        "account_name": "Sandbox",
        "customer": customer["id"],
        "customer_email": customer.get("email"),
        "customer_name": customer.get("name"),
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
    }


def _parentage(subscription: Doc) -> Doc:
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    parent = {"type": "subscription_details", "subscription_details": details}
    return {"parent": parent, "_subscription": subscription["id"]}


def _amounts(books: Books, bill: Bill) -> Doc:
    subtotal = sum(line.amount for line in bill.lines)
    products = {line.price["product"] for line in bill.lines}
    off = discounts.amounts_off(books, bill.discounts, subtotal, products)
    total = subtotal - sum(part["amount"] for part in off)
    return {
        "amount_due": max(total, 0),
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": max(total, 0),
        "amount_shipping": 0,
        "currency": bill.currency,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_discount_amounts": off,
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def _line(books: Books, invoice: str, bill: Bill, line: Line) -> Doc:
    product = books.find("product", line.price["product"])
    subscription = bill.subscription["id"]
    return {
        "id": books.ids.new("line_item"),
        "object": "line_item",
        "amount": line.amount,
        "currency": bill.currency,
        "description": line.description or f"{line.quantity} × {product['name']}",
        "discountable": not line.proration,
        "discounts": [],
        "invoice": invoice,
        "livemode": False,
        "metadata": bill.subscription["metadata"],
        "parent": _line_parent(line, subscription),
        "period": {"start": line.start, "end": line.end},
        "pricing": pricing(line.price),
        "quantity": line.quantity,
        "quantity_decimal": str(line.quantity),
        "subscription": subscription,
        "subtotal": line.amount,
        "taxes": [],
    }


def _line_parent(line: Line, subscription: str) -> Doc:
    details = {"invoice_item": line.invoice_item, "proration": line.proration, "subscription": subscription}
    if line.item is None:
        return {"type": "invoice_item_details", "invoice_item_details": details}
    details["subscription_item"] = line.item
    return {"type": "subscription_item_details", "subscription_item_details": details}


def _number(books: Books, customer_id: str) -> str:
    customer = books.find("customer", customer_id)
    sequence = customer["next_invoice_sequence"]
    books.save({**customer, "next_invoice_sequence": sequence + 1})
    return f"{customer['invoice_prefix']}-{sequence:04}"


def _use_credit(books: Books, invoice: Doc) -> None:
    customer = books.find("customer", invoice["customer"])
    balance = customer["balance"]
    due = due_after_credit(books, invoice)
    left = invoice["total"] + balance - due
    invoice.update(starting_balance=balance, ending_balance=left, amount_due=due, amount_remaining=due)
    if left != balance:
        before = books.render(customer)
        books.save({**customer, "balance": left})
        books.emit("customer.updated", books.find("customer", customer["id"]), before)
