"""What happens by itself as time passes: timers in the order of their instants, changes with events."""

import json
from collections.abc import Callable

from paywall.sandbox import collection, payouts, refunds, renewal, sessions, standing, updates
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc

_KEEP_EVENTS = 60 * 86_400


def play(books: Books, until: int, limit: int = 50) -> bool:
    """Play what is due, at most `limit` timers. True if nothing is left that is due.

    `books.now` is moved to the instant of each timer, so every change and event carries it.
    """
    for _ in range(limit):
        row = books.db.execute(_NEXT, (until,)).fetchone()
        if row is None:
            return True
        books.now = row["at"]
        books.stop(row["id"], row["action"])
        _ACTIONS[row["action"]](books, json.loads(row["body"]))
    return False


def tidy(books: Books) -> None:
    """Forget what nobody can ask for any more: old events and the deliveries that came of them."""
    edge = books.now - _KEEP_EVENTS
    books.db.execute("DELETE FROM objects WHERE kind IN ('event', 'v2.core.event') AND created < ?", (edge,))
    books.db.execute("DELETE FROM deliveries WHERE created < ?", (edge,))


def _cancel(books: Books, subscription: Doc) -> None:
    standing.end(books, subscription, "cancellation_requested")


def _trial_will_end(books: Books, subscription: Doc) -> None:
    books.emit("customer.subscription.trial_will_end", subscription)


def _resume_collection(books: Books, subscription: Doc) -> None:
    standing.change(books, subscription, pause_collection=None)


_NEXT = """SELECT timers.id, action, at, body FROM timers JOIN objects ON objects.id = timers.id
    WHERE at <= ? ORDER BY at, rank LIMIT 1"""
_ACTIONS: dict[str, Callable[[Books, Doc], object]] = {
    "arrive": payouts.arrive,
    "cancel": _cancel,
    "expire_incomplete": standing.give_up_incomplete,
    "expire_session": sessions.expire_now,
    "expire_update": updates.expire,
    "finalize": renewal.finalize_and_collect,
    "pay_out": payouts.pay_out,
    "renew": renewal.turn,
    "resume_collection": _resume_collection,
    "retry": collection.collect,
    "settle_refund": refunds.settle,
    "trial_will_end": _trial_will_end,
}
