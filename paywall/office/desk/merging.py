"""Joining two accounts of one person: what moves, what stays, and what cannot be joined."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import aliased

from paywall import clock
from paywall.access.gift_links.models import GiftArrival, GiftLink
from paywall.access.journey import paying
from paywall.access.models import MeterRead
from paywall.accounts import names, proofs, readers, trail
from paywall.accounts.models import Reader
from paywall.billing import checkout, customers
from paywall.billing.cashbook.models import Invoice, Payment
from paywall.billing.gateway import gateway
from paywall.billing.gifts import redeeming
from paywall.billing.gifts.models import Gift
from paywall.billing.groups import seats
from paywall.billing.groups.models import Group, Invitation, Seat
from paywall.billing.models import StripeCustomer
from paywall.db import db
from paywall.errors import Conflict
from paywall.membership import record
from paywall.membership.models import Subscription
from paywall.membership.rules import Source
from paywall.office.desk import person
from paywall.reports import rollup

Moved = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Join:
    """Two accounts: `gone` is to be joined to `kept`.

    `takes_customer`: what Stripe knows of it moves too. `leaves_customer`: that stays with the closed one.
    """

    kept: Reader
    gone: Reader
    takes_customer: bool
    leaves_customer: bool


def look(kept_id: int, gone_id: int) -> Join:
    """What joining would do; raises NotFound, or Conflict if these two cannot be joined so."""
    kept, gone = person.reader(kept_id), person.reader(gone_id)
    _require_two_open(kept, gone)
    theirs, ours = _customer(gone_id), _customer(kept_id)
    if theirs and ours and record.billed(gone_id):
        if record.billed(kept_id):
            raise Conflict(
                "Both accounts have a membership that Stripe bills, each by a customer of its own, and Stripe"
                " cannot join customers. Cancel one of the two first, and give its money back if need be."
            )
        raise Conflict(
            f"It is {gone.email} that pays. Open that account, and join {kept.email} to it; its address can"
            " be changed then."
        )
    return Join(kept, gone, takes_customer=bool(theirs and not ours), leaves_customer=bool(theirs and ours))


def join(kept_id: int, gone_id: int, reason: str) -> bool:
    """Join an account to another; False if that is done already. Commits. Raises as `look` does, Unavailable.

    What is open at Stripe is closed, and the books are read, before anything moves; then all moves at once.
    """
    if person.reader(gone_id).merged_into_id == kept_id:
        return False
    look(kept_id, gone_id)
    db.session.commit()
    for reader_id in (kept_id, gone_id):
        checkout.close_open(reader_id)
        customers.sync_reader(reader_id)
    readers.hold(kept_id, gone_id)
    db.session.expire_all()
    if person.reader(gone_id).merged_into_id == kept_id:
        db.session.commit()
        return False
    found = look(kept_id, gone_id)
    moved = _move(found)
    _close(found)
    redeeming.line_up(kept_id, clock.now())
    seats.follow(kept_id)
    said = {name: ", ".join(map(str, rows)) for name, rows in moved.items() if rows}
    trail.note(
        "accounts joined",
        f"{found.gone.email} ({gone_id}) to {found.kept.email} ({kept_id})",
        reader_id=kept_id,
        after=said,
        reason=reason,
    )
    db.session.commit()
    return True


def _require_two_open(kept: Reader, gone: Reader) -> None:
    if kept.id == gone.id:
        raise Conflict("That is this very account.")
    if kept.staff_roles or gone.staff_roles:
        raise Conflict("An account with a staff role is not joined: take the role away first.")
    for one in (kept, gone):
        if one.merged_into_id is not None or not one.active:
            raise Conflict(f"{one.email} is closed, or was joined to another account.")


def _customer(reader_id: int) -> StripeCustomer | None:
    query = customers.of(reader_id).where(StripeCustomer.stripe_id.is_not(None))
    return db.session.scalar(query)


def _move(found: Join) -> Moved:
    kept_id, gone_id = found.kept.id, found.gone.id
    moved: Moved = {"seats given up": _give_up_seats(found)}
    if found.takes_customer:
        moved["customer"] = _move_customer(kept_id, gone_id)
        for name, table in (("invoices", Invoice), ("payments", Payment)):
            its = (table.reader_id == gone_id, table.mode == gateway().mode)
            moved[name] = _hand_over(table, table.reader_id, kept_id, *its)
    others = () if found.takes_customer else (Subscription.source != Source.STRIPE,)
    moved["memberships"] = _hand_over(
        Subscription, Subscription.reader_id, kept_id, Subscription.reader_id == gone_id, *others
    )
    if moved["memberships"]:
        rollup.count_anew()
    for name, table, column in _PLAIN:
        moved[name] = _hand_over(table, column, kept_id, column == gone_id)
    _move_reads(kept_id, gone_id)
    _move_arrival(kept_id, gone_id)
    paying.join(kept_id, gone_id)
    return moved


# What is handed over row by row, whatever it says: by the word for it in the trail.
_PLAIN: tuple[tuple[str, Any, Any], ...] = (
    ("gifts bought", Gift, Gift.buyer_id),
    ("gifts redeemed", Gift, Gift.redeemer_id),
    ("seats", Seat, Seat.reader_id),
    ("invitations", Invitation, Invitation.accepted_by),
    ("gift links", GiftLink, GiftLink.giver_id),
)


def _hand_over(table: Any, column: Any, kept_id: int, *whose: Any) -> list[int]:
    moving = update(table).where(*whose).values({column: kept_id}).returning(table.id)
    return sorted(db.session.scalars(moving.execution_options(synchronize_session=False)))


def _move_customer(kept_id: int, gone_id: int) -> list[int]:
    """The customer becomes the kept reader's; an empty place of theirs gives way, but its count goes on."""
    empty, moving = db.session.scalar(customers.of(kept_id)), db.session.scalars(customers.of(gone_id)).one()
    if empty is not None:
        # A customer is made with a key of reader and generation: the same key would bring back an old one.
        moving.generation = max(moving.generation, empty.generation)
        db.session.delete(empty)
        db.session.flush()
    moving.reader_id = kept_id
    db.session.flush()
    return [moving.id]


def _give_up_seats(found: Join) -> list[int]:
    """Nobody has two seats in one group: who owns it, or has a seat there already, gives the other back."""
    kept_id, gone_id = found.kept.id, found.gone.id
    given = [(gone_id, seat_id) for seat_id in _seats_in(gone_id, _groups_with(kept_id))]
    if found.takes_customer:
        given += [(kept_id, seat_id) for seat_id in _seats_in(kept_id, _owned(gone_id))]
    for reader_id, seat_id in given:
        seats.leave(reader_id, seat_id)
    return [seat_id for _, seat_id in given]


def _groups_with(reader_id: int) -> set[int]:
    taken = select(Seat.group_id).where(Seat.reader_id == reader_id, Seat.left_at.is_(None))
    return _owned(reader_id) | set(db.session.scalars(taken))


def _owned(reader_id: int) -> set[int]:
    query = select(Group.id).join(Subscription).where(Subscription.reader_id == reader_id)
    return set(db.session.scalars(query))


def _seats_in(reader_id: int, groups: Iterable[int]) -> list[int]:
    query = select(Seat.id).where(
        Seat.reader_id == reader_id, Seat.left_at.is_(None), Seat.group_id.in_(list(groups))
    )
    return list(db.session.scalars(query.order_by(Seat.id)))


def _move_reads(kept_id: int, gone_id: int) -> None:
    """Free reads are counted together; a page that both have read counts once."""
    other = aliased(MeterRead)
    both = select(other.key).where(other.reader_id == kept_id)
    db.session.execute(
        delete(MeterRead)
        .where(MeterRead.reader_id == gone_id, MeterRead.key.in_(both))
        .execution_options(synchronize_session=False)
    )
    moving = update(MeterRead).where(MeterRead.reader_id == gone_id).values(reader_id=kept_id)
    db.session.execute(moving.execution_options(synchronize_session=False))


def _move_arrival(kept_id: int, gone_id: int) -> None:
    """By which gift link they came: the one by which the kept account came stands, if there is one."""
    if db.session.scalar(select(GiftArrival.id).where(GiftArrival.reader_id == kept_id)) is None:
        db.session.execute(
            update(GiftArrival).where(GiftArrival.reader_id == gone_id).values(reader_id=kept_id)
        )


def _close(found: Join) -> None:
    """The account says where it went, opens to nobody, and what was joined to it before follows."""
    gone, kept = found.gone, found.kept
    gone.active, gone.password, gone.merged_into_id = False, None, kept.id
    readers.end_sessions(gone)
    proofs.void(gone.email)
    names.learn(kept, gone.name)
    earlier = update(Reader).where(Reader.merged_into_id == gone.id).values(merged_into_id=kept.id)
    db.session.execute(earlier.execution_options(synchronize_session=False))
    db.session.flush()
    db.session.expire_all()
