"""What waits for a subscription's next invoice: prorations, and things bought once along with it."""

from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc
from paywall.sandbox.invoicing import Line, pricing


def add(books: Books, subscription: Doc, line: Line) -> Doc:
    """An invoice item; the next invoice of the subscription takes it."""
    facts = {
        "amount": line.amount,
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "date": books.now,
        "description": line.description,
        "discountable": not line.proration,
        "invoice": None,
        "metadata": {},
        "period": {"start": line.start, "end": line.end},
        "pricing": pricing(line.price),
        "proration": line.proration,
        "quantity": line.quantity,
        "quantity_decimal": str(line.quantity),
        "_item": line.item,
        "_subscription": subscription["id"],
    }
    item = books.add("invoiceitem", facts)
    books.emit("invoiceitem.created", item)
    return item


def take(books: Books, subscription: Doc, invoice: str) -> list[Line]:
    """All that waits, as lines of this invoice."""
    waiting = [
        item for item in books.all("invoiceitem", parent=subscription["id"]) if item["invoice"] is None
    ]
    for item in waiting:
        books.save({**item, "invoice": invoice})
    return [_line(books, item) for item in waiting]


def _line(books: Books, item: Doc) -> Line:
    return Line(
        price=books.find("price", item["pricing"]["price_details"]["price"]),
        quantity=item["quantity"],
        amount=item["amount"],
        start=item["period"]["start"],
        end=item["period"]["end"],
        item=item["_item"],
        proration=item["proration"],
        description=item["description"],
        invoice_item=item["id"],
    )
