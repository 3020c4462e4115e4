"""The walk through the whole account's balance: each line of it, each payout, and what is still open."""

import enum
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import structlog
from flask import current_app
from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import IntegrityError

from paywall import clock, jobs
from paywall.billing import tickets
from paywall.billing.cashbook import comparing, held, reading
from paywall.billing.cashbook.facts import Entries
from paywall.billing.cashbook.keeping import keep
from paywall.billing.cashbook.models import CashWalk
from paywall.billing.gateway import gateway
from paywall.billing.reconcile.pace import Pace
from paywall.billing.remote import Gone, Page
from paywall.billing.sync import CALLS, sync
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Conflict, Unavailable

OVERLAP = timedelta(hours=1)
SILENCE = timedelta(minutes=10)

log = structlog.get_logger()


class Part(enum.StrEnum):
    """How far a walk has come: lines of the balance, disputes, payouts, and what is not decided yet."""

    LINES = "lines"
    DISPUTES = "disputes"
    PAYOUTS = "payouts"
    OPEN = "open"


@dataclass
class Walk:
    """A walk under way. Memory holds one page. `stop()` asks it to end after the present one."""

    part: Part
    cursor: str | None
    seen_until: datetime | None
    pace: Pace
    counts: Counter[str] = field(default_factory=Counter)
    is_stopped: bool = False

    def stop(self) -> None:
        """End after the present page; the next walk goes on from there."""
        self.is_stopped = True

    def run(self) -> None:
        """Go on from where it stands; commits. Raises Unavailable when Stripe stays silent."""
        steps: dict[Part, Callable[[], None]] = {
            Part.LINES: self._lines,
            Part.DISPUTES: self._disputes,
            Part.PAYOUTS: self._payouts,
            Part.OPEN: self._open,
        }
        try:
            for part in list(Part)[list(Part).index(self.part) :]:
                self._note(part, self.cursor)
                steps[part]()
                if self.is_stopped:
                    break
                self.cursor = None
        except Unavailable:
            db.session.rollback()
            self._leave()
            raise
        self._leave() if self.is_stopped else self._finish()

    def _lines(self) -> None:
        """Lines of the balance that are new, or that were not available yet when we saw them last."""
        since = self._since(comparing.unsettled_lines())
        self._pages(lambda cursor: gateway().transactions_after(cursor, since), self._take_lines)

    def _take_lines(self, entries: Entries) -> None:
        self._sync_who_differs(entries)
        self.counts["lines"] += len(entries.transactions)

    def _disputes(self) -> None:
        """A bank's inquiry takes no money, so that no line tells of it."""
        since = self._since(None)
        self._pages(lambda cursor: gateway().disputes_after(cursor, since), self._sync_who_differs)

    def _payouts(self) -> None:
        since = self._since(comparing.unsettled_payouts(clock.now()))
        self._pages(lambda cursor: gateway().payouts_after(cursor, since), self._take_payouts)

    def _take_payouts(self, entries: Entries) -> None:
        for one in entries.payouts:
            if one.is_automatic and one.reconciliation == "completed":
                self.pace.ask(partial(reading.make_up, one.stripe_id))
            self.counts["payouts"] += 1

    def _open(self) -> None:
        """No line of the balance tells that a dispute was lost, or that a refund is waited for no more."""
        for charge in iter(self._next_open, None):
            self._read(charge)
            self._note(Part.OPEN, charge)

    def _next_open(self) -> str | None:
        charge = None if self.is_stopped else comparing.open_charge(self.cursor or "")
        db.session.commit()
        return charge

    def _pages(self, ask: Callable[[str | None], Page[Entries]], take: Callable[[Entries], None]) -> None:
        while not self.is_stopped:
            ticket = tickets.tear()
            db.session.commit()
            page = self.pace.ask(partial(ask, self.cursor))
            for entries in page.items:
                take(entries)
                ours = reading.customers(one.customer for one in entries.payments)
                keep(entries, ticket, readers={name: whose for name, (_, whose) in ours.items()})
            self._note(self.part, page.cursor)
            if page.cursor is None:
                return

    def _sync_who_differs(self, entries: Entries) -> None:
        """What differs of a customer of ours is mended by their sync; what is nobody's is kept as it came."""
        charges = comparing.differing(entries)
        owner = comparing.owners(charges) | {one.stripe_id: one.customer for one in entries.payments}
        ours = reading.customers(owner.get(charge) for charge in charges)
        db.session.commit()
        for customer_id, _ in ours.values():
            self.pace.ask(partial(sync, customer_id), calls=CALLS)
            self.counts["synced"] += 1
        for charge in charges:
            if charge not in owner:
                self._read(charge)

    def _read(self, charge: str) -> None:
        try:
            self.pace.ask(partial(reading.charge, charge), calls=1 + CALLS)
        except Gone:
            db.session.rollback()
            log.warning("charge_gone", charge=charge)
        self.counts["charges"] += 1

    def _since(self, unsettled: datetime | None) -> datetime | None:
        if self.seen_until is None:
            return None
        return min(self.seen_until - OVERLAP, unsettled or self.seen_until)

    def _note(self, part: Part, cursor: str | None) -> None:
        self.part, self.cursor = part, cursor
        _write(part=part.value, cursor=cursor, beat_at=clock.wall())

    def _leave(self) -> None:
        _write(beat_at=clock.wall() - 2 * SILENCE)

    def _finish(self) -> None:
        # Whoever was silent for so long that another took over, and ended, must not undo what that one wrote.
        ended = update(CashWalk).where(CashWalk.mode == gateway().mode, CashWalk.began_at.is_not(None))
        db.session.execute(ended.values(seen_until=CashWalk.began_at, began_at=None))
        self._leave()
        held.add_up()
        db.session.commit()


def begin(*, restart: bool = False) -> Walk:
    """A walk to run: one that was broken off goes on; commits. Raises Conflict while another is at work."""
    mode = gateway().mode
    row = db.session.scalar(select(CashWalk).where(CashWalk.mode == mode)) or _first_walk()
    silent = update(CashWalk).where(CashWalk.mode == mode, CashWalk.beat_at < clock.wall() - SILENCE)
    taken = cast("CursorResult[None]", db.session.execute(silent.values(beat_at=clock.wall())))
    if not taken.rowcount:
        db.session.rollback()
        raise Conflict("A walk through the balance is at work already: wait until it ends, or stop it.")
    if restart:
        row.began_at = row.seen_until = None
    if row.began_at is None:
        row.part, row.cursor, row.began_at = Part.LINES, None, clock.now()
    settings: Settings = current_app.extensions["settings"]
    walk = Walk(Part(row.part), row.cursor, row.seen_until, Pace(settings.stripe_reads_per_second))
    db.session.commit()
    return walk


def age() -> float:
    """Seconds since the whole balance was seen; -1 if it never was."""
    seen = db.session.scalar(select(CashWalk.seen_until).where(CashWalk.mode == gateway().mode))
    return (clock.now() - seen).total_seconds() if seen else -1.0


@jobs.every(minute="50")
def hourly() -> None:
    """Read on in the account's balance each hour."""
    try:
        walk = begin()
    except Conflict:
        log.info("cash_walk_under_way")
        return
    try:
        walk.run()
    except Unavailable:
        log.warning("cash_walk_broken_off", part=walk.part, cursor=walk.cursor)
    else:
        log.info("cash_walked", **walk.counts)


def _first_walk() -> CashWalk:
    row = CashWalk(mode=gateway().mode, part=Part.LINES, beat_at=clock.wall() - 2 * SILENCE)
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        return db.session.scalars(select(CashWalk).where(CashWalk.mode == gateway().mode)).one()
    return row


def _write(**values: object) -> None:
    db.session.execute(update(CashWalk).where(CashWalk.mode == gateway().mode).values(**values))
    db.session.commit()
