"""Reconcile: every subscription at Stripe and every row here, compared; what differs is synced again."""

import enum
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial

import structlog
from flask import current_app
from sqlalchemy import select

from paywall import clock, jobs
from paywall.billing.gateway import gateway
from paywall.billing.reconcile import backfill, kept, runs
from paywall.billing.reconcile.drift import Drift, Kind, Outcome, compare
from paywall.billing.reconcile.kept import LiveRow
from paywall.billing.reconcile.pace import Pace
from paywall.billing.reconcile.runs import Run, Seen
from paywall.billing.remote import Claimed, Gone, RemoteSubscription
from paywall.billing.sync import CALLS, facts_of, sync
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Unavailable
from paywall.membership import rules
from paywall.membership.models import Subscription

log = structlog.get_logger()


class Part(enum.StrEnum):
    """How far a walk has come: Stripe's events, its subscriptions, our rows, readers who pay twice."""

    EVENTS = "events"
    THERE = "there"
    HERE = "here"
    TWICE = "twice"


@dataclass
class Walk:
    """A walk under way. Memory holds one page; which ids were seen at Stripe is kept in a file beside.

    `is_dry` writes nothing to the database. `stop()` asks it to end after the present page.
    """

    run: Run
    seen: Seen
    pace: Pace
    is_dry: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    is_stopped: bool = False

    def stop(self) -> None:
        """End after the present page; the next walk goes on from there."""
        self.is_stopped = True

    @property
    def is_clean(self) -> bool:
        """Whether nothing that differs was left so."""
        return not any(self.counts[name] for name in (Outcome.REMAINS, Outcome.FOUND))

    def drifts(self) -> Iterator[Drift]:
        """Go on from where the run stands, and tell each drift when it is dealt with; commits.

        Raises Unavailable when Stripe stays silent: what was done is done, the next walk goes on.
        """
        try:
            yield from self._parts()
        except Unavailable:
            db.session.rollback()
            self._leave()
            raise

    def _parts(self) -> Iterator[Drift]:
        parts = {
            Part.EVENTS: self._events,
            Part.THERE: self._there,
            Part.HERE: self._here,
            Part.TWICE: self._twice,
        }
        for part in list(Part)[list(Part).index(Part(self.run.part)) :]:
            for found in parts[part]():
                self._count(found)
                yield found
            if self.is_stopped:
                self._leave()
                return
            following = list(Part)[list(Part).index(part) + 1 :]
            if following:
                self._note(following[0], None)
        self._finish()

    def _count(self, found: Drift) -> None:
        self.counts[found.kind] += 1
        if found.kind is not Kind.FOREIGN:
            self.counts[found.outcome] += 1

    def _events(self) -> Iterator[Drift]:
        """What the webhook missed comes into the inbox; it is no drift, and is handled as any event is."""
        before = runs.last(gateway().mode)
        since = clock.now() - backfill.KEPT if before is None else before.started_at - backfill.OVERLAP
        db.session.rollback()
        cursor = self.run.cursor
        while not self.is_dry and not self.is_stopped:
            stored, cursor = self.pace.ask(partial(backfill.step, since, cursor))
            self.counts["events"] += stored
            self._note(Part.EVENTS, cursor)
            if cursor is None:
                return
        yield from ()

    def _there(self) -> Iterator[Drift]:
        cursor = self.run.cursor
        while not self.is_stopped:
            page = self.pace.ask(partial(gateway().subscriptions_after, cursor))
            yield from self._page(page.items)
            self.seen.add(one.id for one in page.items)
            self.counts["subscriptions"] += len(page.items)
            self._note(Part.THERE, page.cursor)
            cursor = page.cursor
            if cursor is None:
                return

    def _page(self, page: Sequence[RemoteSubscription]) -> Iterator[Drift]:
        facts = {one.external_id: one for one in facts_of(page)}
        ours = kept.customers({one.customer for one in page})
        rows = kept.kept(facts)
        db.session.rollback()
        for one in page:
            stated, customer_id = facts.get(one.id), ours.get(one.customer)
            if stated is None:
                yield Drift(Kind.FOREIGN, one.id, one.customer, "no price of ours", one.status.value)
            elif customer_id is None:
                yield self._unknown(one)
            else:
                yield from self._compared(one, list(compare(rows.get(one.id), stated)), customer_id)

    def _compared(
        self, one: RemoteSubscription, differ: Sequence[tuple[Kind, str, str]], customer_id: int
    ) -> Iterator[Drift]:
        outcome = self._repair(customer_id, one.id) if differ else Outcome.FOUND
        for kind, here, there in differ:
            yield Drift(kind, one.id, one.customer, here, there, outcome)

    def _unknown(self, one: RemoteSubscription) -> Drift:
        """A subscription at our price by a customer that is in no row of ours."""
        try:
            claimed = self.pace.ask(lambda: gateway().claimed(one.customer))
        except Gone:
            claimed = Claimed(None, None)
        reader = kept.claimant(claimed)
        customer_id = kept.link(reader, one.customer) if reader and not self.is_dry else None
        db.session.commit()
        if reader is None:
            return Drift(Kind.FOREIGN, one.id, one.customer, "no customer of ours", one.status.value)
        outcome = self._repair(customer_id, one.id) if customer_id else Outcome.FOUND
        return Drift(Kind.MISSING_HERE, one.id, one.customer, "nothing", one.status.value, outcome)

    def _repair(self, customer_id: int, subscription: str) -> Outcome:
        """Sync, then look once more at both sides: what was written must be what Stripe says."""
        if self.is_dry:
            return Outcome.FOUND
        try:
            self.pace.ask(lambda: sync(customer_id, also=[subscription]), calls=CALLS)
            stated = facts_of([self.pace.ask(lambda: gateway().subscription(subscription))])
        except Gone:
            return Outcome.REMAINS
        rows = kept.kept([subscription])
        db.session.rollback()
        still = any(list(compare(rows.get(subscription), one)) for one in stated)
        return Outcome.REMAINS if still else Outcome.REPAIRED

    def _here(self) -> Iterator[Drift]:
        last = int(self.run.cursor or 0)
        while not self.is_stopped:
            rows = kept.live_after(last)
            db.session.rollback()
            if not rows:
                return
            absent = self.seen.absent(row.external_id for row in rows)
            yield from (self._absent(row) for row in rows if row.external_id in absent)
            last = rows[-1].id
            self.counts["rows"] += len(rows)
            self._note(Part.HERE, str(last))

    def _absent(self, row: LiveRow) -> Drift:
        """Absence alone ends nothing: the sync asks whether the customer is deleted, else the date stands."""
        found = Drift(Kind.MISSING_THERE, row.external_id, row.customer or "", row.status.value, "nothing")
        if self.is_dry or row.customer_id is None:
            return found if self.is_dry else replace(found, outcome=Outcome.REMAINS)
        self.pace.ask(lambda: sync(row.customer_id or 0), calls=CALLS)
        status = db.session.scalar(select(Subscription.status).where(Subscription.id == row.id))
        db.session.rollback()
        return replace(found, outcome=Outcome.REMAINS if status in rules.LIVE else Outcome.REPAIRED)

    def _twice(self) -> Iterator[Drift]:
        """Whoever pays twice keeps reading; a person must give the money back."""
        last = int(self.run.cursor or 0)
        while not self.is_stopped:
            found = kept.paying_twice(last)
            db.session.rollback()
            if not found:
                return
            for reader_id, subscriptions, customer in found:
                outcome = Outcome.FOUND if self.is_dry else Outcome.REMAINS
                yield Drift(Kind.DUPLICATE, subscriptions, customer or "", "2 or more", "2 or more", outcome)
                last = reader_id
            self._note(Part.TWICE, str(last))

    def _note(self, part: Part, cursor: str | None) -> None:
        self.run = replace(self.run, part=part.value, cursor=cursor)
        if not self.is_dry:
            runs.note(self.run, dict(self.counts))

    def _leave(self) -> None:
        if self.is_dry:
            self.seen.drop()
        else:
            runs.leave(self.run, dict(self.counts))

    def _finish(self) -> None:
        if not self.is_dry:
            runs.finish(self.run, dict(self.counts))
        self.seen.drop()


def begin(*, dry: bool = False, restart: bool = False) -> Walk:
    """A walk to iterate over: a new one, or the one broken off before; Conflict if one is under way."""
    settings: Settings = current_app.extensions["settings"]
    folder = settings.data_dir / "reconcile"
    if dry:
        run = Run(f"dry-{uuid.uuid4()}", Part.THERE)
    else:
        run = runs.claim(gateway().mode, Part.EVENTS, restart=restart, folder=folder)
    pace = Pace(settings.stripe_reads_per_second)
    return Walk(run, Seen(folder / f"{run.name}.sqlite3"), pace, is_dry=dry, counts=Counter(run.counts))


@jobs.every(minute="20", hour="3")
def nightly() -> None:
    """Walk through all books each night; what was broken off the night before goes on."""
    walk = begin()
    try:
        for found in walk.drifts():
            if found.kind is not Kind.FOREIGN:
                log.warning("drift", **{name: str(value) for name, value in asdict(found).items()})
    except Unavailable:
        log.warning("reconcile_broken_off", part=walk.run.part, cursor=walk.run.cursor)
    else:
        log.info("reconciled", **walk.counts)
