"""What happens by itself as time passes: timers in the order of their instants, changes with events."""

from collections.abc import Callable

from paywall.sandbox import collection, renewal, sessions, standing
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc

_KEEP_EVENTS = 60 * 86_400


def play(books: Books, until: int, limit: int = 50) -> bool:
    """Play what is due, at most `limit` timers. True if nothing is left that is due.

    `books.now` is moved to the instant of each timer, so every change and event carries it.
    """
    for _ in range(limit):
        row = books.db.execute(
            "SELECT * FROM timers WHERE at <= ? ORDER BY at, rank LIMIT 1", (until,)
        ).fetchone()
        if row is None:
            return True
        books.now = row["at"]
        books.stop(row["id"], row["action"])
        doc = books.get(row["id"])
        if doc is not None:
            _ACTIONS[row["action"]](books, doc)
    return False


def tidy(books: Books) -> None:
    """Forget what nobody can ask for any more: old events and the deliveries that came of them."""
    edge = books.now - _KEEP_EVENTS
    books.db.execute("DELETE FROM objects WHERE kind = 'event' AND created < ?", (edge,))
    books.db.execute("DELETE FROM deliveries WHERE created < ?", (edge,))


def _cancel(books: Books, subscription: Doc) -> None:
    standing.end(books, subscription, "cancellation_requested")


def _trial_will_end(books: Books, subscription: Doc) -> None:
    if subscription["status"] == "trialing":
        books.emit("customer.subscription.trial_will_end", subscription)


def _finalize(books: Books, invoice: Doc) -> None:
    if invoice["status"] == "draft":
        renewal.finalize_and_collect(books, invoice)


def _retry(books: Books, invoice: Doc) -> None:
    if invoice["status"] == "open":
        collection.collect(books, invoice)


def _resume_collection(books: Books, subscription: Doc) -> None:
    standing.change(books, subscription, pause_collection=None)


def _expire_session(books: Books, session: Doc) -> None:
    if session["status"] == "open":
        sessions.expire_now(books, session)


_ACTIONS: dict[str, Callable[[Books, Doc], object]] = {
    "cancel": _cancel,
    "expire_incomplete": standing.give_up_incomplete,
    "expire_session": _expire_session,
    "finalize": _finalize,
    "renew": renewal.turn,
    "resume_collection": _resume_collection,
    "retry": _retry,
    "trial_will_end": _trial_will_end,
}
