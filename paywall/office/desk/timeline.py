"""One line of time for all that is known of a reader, newest first, a page at a time."""

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from paywall.accounts import readers
from paywall.accounts.models import FormerAddress, Reader
from paywall.accounts.trail import StaffAct
from paywall.billing.cashbook.models import Dispute, Invoice, Payment, Refund
from paywall.billing.gateway import gateway
from paywall.billing.gifts.models import Gift
from paywall.db import db
from paywall.mail import Letter
from paywall.membership.models import MembershipEvent, Plan

A_PAGE = 40
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(enum.StrEnum):
    """What an entry is about; the page can show one kind alone."""

    ACCOUNT = "account"
    MONEY = "money"
    LETTERS = "letters"
    MEMBERSHIP = "membership"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened. `row` is what happened to it: an invoice, a payment, a letter, a staff act.

    `place` orders what happened at the same instant: by its source, then by its row.
    """

    at: datetime
    place: tuple[int, int]
    kind: Kind
    row: Any
    more: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """What the row is, for the page."""
        return type(self.row).__name__


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: the next one shows what stands after this entry."""

    at: datetime
    place: tuple[int, int]

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """A cursor that a page has printed; None for anything else."""
        parts = text.split(".")
        if len(parts) != 3 or not all(
            part.isascii() and part.isdecimal() and len(part) < 18 for part in parts
        ):
            return None
        micros, rank, row_id = map(int, parts)
        if micros > 10**17 or row_id >= 2**31:
            return None
        return cls(EPOCH + timedelta(microseconds=micros), (rank, row_id))

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}.{self.place[0]}.{self.place[1]}"


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and where the older ones begin; None at the end."""

    entries: Sequence[Entry]
    older: Cursor | None


@dataclass(frozen=True, slots=True)
class Who:
    """Whose time it is: the reader and who was joined to them, their addresses, and who had these before."""

    ids: Sequence[int]
    people: Sequence[Reader]
    former: Sequence[FormerAddress]
    taken_over: Sequence[FormerAddress]


def page(
    reader_id: int, *, before: Cursor | None = None, only: Kind | None = None, most: int = A_PAGE
) -> Page:
    """The entries of a reader that stand after `before`: each source is asked for no more than a page."""
    who = _who(reader_id)
    entries: list[Entry] = []
    for rank, (kind, source) in enumerate(SOURCES):
        if only in (None, kind):
            entries += source(who, _After(before, rank, most + 1))
    entries.sort(key=lambda one: (one.at, one.place), reverse=True)
    shown = entries[:most]
    older = Cursor(shown[-1].at, shown[-1].place) if len(entries) > most else None
    return Page(shown, older)


@dataclass(frozen=True, slots=True)
class _After:
    """What a source is asked for: so many of its newest rows after a cursor."""

    cursor: Cursor | None
    rank: int
    most: int

    def ask(self, kind: Kind, query: Any, at: Any, row_id: Any) -> Iterator[Entry]:
        """Rows of a query whose first column is the thing that happened."""
        found = db.session.execute(
            query.where(self._is_after(at, row_id)).order_by(at.desc(), row_id.desc()).limit(self.most)
        )
        for row in found:
            yield Entry(getattr(row[0], at.key), (self.rank, row[0].id), kind, row[0], tuple(row[1:]))

    def takes(self, at: datetime, row_id: int) -> bool:
        """The same for what is at hand already."""
        return self.cursor is None or (at, (self.rank, row_id)) < (self.cursor.at, self.cursor.place)

    def _is_after(self, at: Any, row_id: Any) -> ColumnElement[bool]:
        if self.cursor is None:
            return at.is_not(None)  # type: ignore[no-any-return]
        rank, last = self.cursor.place
        if self.rank == rank:
            return or_(at < self.cursor.at, and_(at == self.cursor.at, row_id < last))
        return at <= self.cursor.at if self.rank < rank else at < self.cursor.at  # type: ignore[no-any-return]


def _who(reader_id: int) -> Who:
    ids = readers.family(reader_id)
    people = db.session.scalars(select(Reader).where(Reader.id.in_(ids)).order_by(Reader.id)).all()
    former = db.session.scalars(select(FormerAddress).where(FormerAddress.reader_id.in_(ids))).all()
    mine = {one.email for one in people} | {one.email for one in former}
    others = select(FormerAddress).where(FormerAddress.email.in_(mine), FormerAddress.reader_id.not_in(ids))
    return Who(ids, people, former, db.session.scalars(others).all())


def _ledger(who: Who, after: _After) -> Iterator[Entry]:
    query = select(MembershipEvent, Plan.name).join(Plan, Plan.id == MembershipEvent.plan_id)
    query = query.where(MembershipEvent.reader_id.in_(who.ids))
    yield from after.ask(Kind.MEMBERSHIP, query, MembershipEvent.at, MembershipEvent.id)


def _invoices(who: Who, after: _After) -> Iterator[Entry]:
    query = select(Invoice).where(Invoice.reader_id.in_(who.ids), Invoice.mode == gateway().mode)
    yield from after.ask(Kind.MONEY, query, Invoice.made_at, Invoice.id)


def _payments(who: Who, after: _After) -> Iterator[Entry]:
    query = select(Payment).where(Payment.reader_id.in_(who.ids), Payment.mode == gateway().mode)
    yield from after.ask(Kind.MONEY, query, Payment.made_at, Payment.id)


def _refunds(who: Who, after: _After) -> Iterator[Entry]:
    yield from after.ask(Kind.MONEY, _of_payments(Refund, who), Refund.made_at, Refund.id)


def _disputes(who: Who, after: _After) -> Iterator[Entry]:
    yield from after.ask(Kind.MONEY, _of_payments(Dispute, who), Dispute.opened_at, Dispute.id)


def _of_payments(table: type[Refund | Dispute], who: Who) -> Any:
    query = select(table).join(Payment, (Payment.stripe_id == table.charge) & (Payment.mode == table.mode))
    return query.where(Payment.reader_id.in_(who.ids), Payment.mode == gateway().mode)


def _letters(who: Who, after: _After) -> Iterator[Entry]:
    """What was written to each address while it was this reader's: it may have been another's before."""
    times = [_written_to(who, one.email, None) for one in who.people]
    times += [_written_to(who, one.email, one.until) for one in who.former]
    query = select(Letter).where(or_(*times))
    yield from after.ask(Kind.LETTERS, query, Letter.created_at, Letter.id)


def _written_to(who: Who, email: str, until: datetime | None) -> ColumnElement[bool]:
    others = [
        one.until for one in who.taken_over if one.email == email and (until is None or one.until < until)
    ]
    days = [Letter.created_at > max(others)] if others else []
    days += [Letter.created_at <= until] if until else []
    return and_(Letter.to == email, *days)


def _acts(who: Who, after: _After) -> Iterator[Entry]:
    query = select(StaffAct).where(StaffAct.reader_id.in_(who.ids))
    yield from after.ask(Kind.STAFF, query, StaffAct.at, StaffAct.id)


def _bought(who: Who, after: _After) -> Iterator[Entry]:
    query = select(Gift).where(
        Gift.buyer_id.in_(who.ids), Gift.paid_at.is_not(None), Gift.mode == gateway().mode
    )
    yield from after.ask(Kind.MONEY, query, Gift.paid_at, Gift.id)


def _redeemed(who: Who, after: _After) -> Iterator[Entry]:
    query = select(Gift).where(Gift.redeemer_id.in_(who.ids), Gift.redeemed_at.is_not(None))
    yield from after.ask(Kind.MEMBERSHIP, query, Gift.redeemed_at, Gift.id)


def _began(who: Who, after: _After) -> Iterator[Entry]:
    for one in who.people:
        if after.takes(one.created_at, one.id):
            yield Entry(one.created_at, (after.rank, one.id), Kind.ACCOUNT, one, ("began",))


def _confirmed(who: Who, after: _After) -> Iterator[Entry]:
    for one in who.people:
        if one.confirmed_at and after.takes(one.confirmed_at, one.id):
            yield Entry(one.confirmed_at, (after.rank, one.id), Kind.ACCOUNT, one, ("confirmed",))


def _moved(who: Who, after: _After) -> Iterator[Entry]:
    for one in who.former:
        if after.takes(one.until, one.id):
            yield Entry(one.until, (after.rank, one.id), Kind.ACCOUNT, one)


# Of what happened at the same instant the last of these is shown first.
SOURCES: tuple[tuple[Kind, Callable[[Who, _After], Iterator[Entry]]], ...] = (
    (Kind.ACCOUNT, _began),
    (Kind.ACCOUNT, _confirmed),
    (Kind.ACCOUNT, _moved),
    (Kind.MONEY, _invoices),
    (Kind.MONEY, _payments),
    (Kind.MONEY, _bought),
    (Kind.MEMBERSHIP, _redeemed),
    (Kind.MEMBERSHIP, _ledger),
    (Kind.LETTERS, _letters),
    (Kind.MONEY, _refunds),
    (Kind.MONEY, _disputes),
    (Kind.STAFF, _acts),
)
