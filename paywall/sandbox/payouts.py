"""Payouts: what is available goes to the bank by itself (https://docs.stripe.com/payouts, /api/payouts)."""

import json
from enum import StrEnum

from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import page

DAY = 86_400
# The 5th of January 1970 was a Monday.
_MONDAY = 4 * DAY
KIND = "payout_schedule"
_AVAILABLE_ON = "json_extract(body, '$.available_on')"
_WAITS = """kind = 'balance_transaction' AND json_extract(body, '$._payout') IS NULL
    AND json_extract(body, '$.currency') = ?"""


class Rhythm(StrEnum):
    """When money is paid out by itself (a setting of the Stripe dashboard)."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MANUAL = "manual"


def rhythm(books: Books) -> Rhythm:
    """The account's setting."""
    row = books.db.execute("SELECT value FROM meta WHERE name = 'payouts'").fetchone()
    return Rhythm(json.loads(row[0])) if row else Rhythm.DAILY


def set_rhythm(books: Books, wanted: Rhythm) -> None:
    """Keep the setting; what waits is paid out by it."""
    books.db.execute("INSERT OR REPLACE INTO meta VALUES ('payouts', ?)", (json.dumps(wanted),))
    for schedule in books.all(KIND):
        books.stop(schedule["id"])
        plan(books, schedule["currency"])


def plan(books: Books, currency: str) -> None:
    """Set the time of the next payout in a currency, if money waits and none is set."""
    id, wanted = f"{KIND}_{currency}", rhythm(books)
    if wanted is Rhythm.MANUAL or books.db.execute("SELECT 1 FROM timers WHERE id = ?", (id,)).fetchone():
        return
    first = _first_available(books, currency)
    if first is not None:
        if books.get(id) is None:
            books.add(KIND, {"id": id, "currency": currency})
        books.timer("pay_out", id, _turn(max(first, books.now + 1), wanted))


def pay_out(books: Books, schedule: Doc) -> None:
    """Send what is available to the bank; a debt waits for money that comes later."""
    currency = schedule["currency"]
    ready = _available(books, currency)
    amount = sum(each["net"] for each in ready)
    if amount > 0:
        _send(books, currency, amount, ready)
        plan(books, currency)
        return
    later = _first_available(books, currency, after=books.now)
    if later is not None and rhythm(books) is not Rhythm.MANUAL:
        books.timer("pay_out", schedule["id"], _turn(later, rhythm(books)))


def arrive(books: Books, payout: Doc) -> None:
    """The bank has it, and Stripe has sorted out which transactions it is made of."""
    _change(books, payout, "payout.paid", status="paid", reconciliation_status="completed")
    books.emit("payout.reconciliation_completed", payout)


def fail(books: Books, id: str) -> Doc:
    """The bank sends it back; some payouts fail after they were shown as paid."""
    payout = books.find("payout", id)
    if payout["status"] == "failed":
        raise invalid("This payout has failed already.", "payout")
    books.stop(id)
    back = _book(books, "payout_failure", payout, payout["amount"])
    _change(
        books,
        payout,
        "payout.failed",
        status="failed",
        failure_balance_transaction=back["id"],
        failure_code="account_closed",
        failure_message="The bank account has been closed",
        reconciliation_status="completed",
    )
    plan(books, payout["currency"])
    return payout


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/payouts/:id"""
    return books.find("payout", id)


def list_payouts(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/payouts"""
    return page(books, "payout", "/v1/payouts", params, where={"status": params.get("status")})


def _send(books: Books, currency: str, amount: int, ready: list[Doc]) -> None:
    facts = {
        "amount": amount,
        "arrival_date": books.now + DAY,
        "automatic": True,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": "ba_sandbox",
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "in_progress",
        "source_type": "card",
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    payout = books.add("payout", facts)
    taken = _book(books, "payout", payout, -amount)
    for each in [*ready, taken]:
        books.save({**each, "_payout": payout["id"]})
    payout["balance_transaction"] = taken["id"]
    books.save(payout)
    books.emit("payout.created", payout)
    books.timer("arrive", payout["id"], payout["arrival_date"])


def _change(books: Books, payout: Doc, event: str, **facts: object) -> None:
    before = books.render(payout)
    payout.update(facts)
    books.save(payout)
    books.emit(event, payout)
    books.emit("payout.updated", payout, before)


def _book(books: Books, type: str, payout: Doc, amount: int) -> Doc:
    facts = {
        "amount": amount,
        "available_on": books.now,
        "balance_type": "payments",
        "currency": payout["currency"],
        "description": payout["description"],
        "fee": 0,
        "fee_details": [],
        "net": amount,
        "reporting_category": "payout" if type == "payout" else "payout_reversal",
        "source": payout["id"],
        "status": "available",
        "type": type,
    }
    return books.add("balance_transaction", facts)


def _available(books: Books, currency: str) -> list[Doc]:
    sql = f"SELECT body FROM objects WHERE {_WAITS} AND {_AVAILABLE_ON} <= ? ORDER BY created, seq"  # noqa: S608
    return books.rows(sql, (currency, books.now))


def _first_available(books: Books, currency: str, after: int = 0) -> int | None:
    sql = f"SELECT min({_AVAILABLE_ON}) FROM objects WHERE {_WAITS} AND {_AVAILABLE_ON} > ?"  # noqa: S608
    first: int | None = books.db.execute(sql, (currency, after)).fetchone()[0]
    return first


def _turn(earliest: int, wanted: Rhythm) -> int:
    """The first midnight (UTC) from that instant on; the first Monday's if it is weekly."""
    if wanted is Rhythm.WEEKLY:
        return earliest + (_MONDAY - earliest) % (7 * DAY)
    return earliest + -earliest % DAY
