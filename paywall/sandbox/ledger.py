"""What has happened so far, for the console: events with their deliveries, customers with what they hold."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from paywall.sandbox import journal, pages
from paywall.sandbox.books import Books
from paywall.sandbox.deliveries import Deliveries, Delivery
from paywall.sandbox.errors import Doc

Work = Callable[[], AbstractContextManager[Books]]


@dataclass(frozen=True)
class Happened:
    """One event as the API shows it, and where it was sent."""

    event: Doc
    deliveries: list[Delivery]


@dataclass(frozen=True)
class Holding:
    """One customer and all their subscriptions, newest first, with the products of their prices."""

    customer: Doc
    subscriptions: list[Doc]


class Ledger:
    """Reads past the API, so that a fault played on the API does not hide what is going on."""

    def __init__(self, work: Work, look: Work, deliveries: Deliveries) -> None:
        self._work = work
        self._look = look
        self._deliveries = deliveries

    def events(self, after: str | None = None, limit: int = 50) -> tuple[list[Happened], bool]:
        """Newest first, older than the event `after`; and whether there are more."""
        cursor = {"starting_after": after} if after else {}
        with self._look() as books:
            found = pages.page(books, "event", "/v1/events", {"limit": limit, **cursor})
        happened = [Happened(event, self._deliveries.of_event(event["id"])) for event in found["data"]]
        return happened, found["has_more"]

    def event(self, event_id: str) -> Happened:
        """One event. Raises `SandboxError` for an unknown id."""
        with self._look() as books:
            event = books.render(books.find("event", event_id))
        return Happened(event, self._deliveries.of_event(event_id))

    def customers(self, limit: int = 20) -> list[Holding]:
        """The newest customers."""
        with self._look() as books:
            found = pages.page(books, "customer", "/v1/customers", {"limit": limit})["data"]
            return [_holding(books, customer) for customer in found]

    def resend(self, event_id: str) -> int:
        """Deliver an event anew, to every endpoint that wants it now. How many those are."""
        with self._work() as books:
            event = books.find("event", event_id)
            known = [delivery.id for delivery in self._deliveries.of_event(event_id)]
            wanted = journal.queue(books, event)
            if wanted:
                books.rang = True
                books.db.executemany("DELETE FROM deliveries WHERE id = ?", [(id,) for id in known])
            return wanted


def _holding(books: Books, customer: Doc) -> Holding:
    held = [books.render(s) for s in books.all("subscription", customer=customer["id"])[::-1]]
    for subscription in held:
        for item in subscription["items"]["data"]:
            product = books.find("product", item["price"]["product"])
            item["price"] = {**item["price"], "product": books.render(product)}
    return Holding(customer, held)
