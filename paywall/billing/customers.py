"""A reader's one customer at Stripe: found, made once, forgotten when it was deleted there."""

from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError

from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeCustomer
from paywall.billing.sync import sync
from paywall.db import db


def of(reader_id: int) -> Select[StripeCustomer]:
    """The query for a reader's row in the mode that we talk in."""
    return select(StripeCustomer).where(
        StripeCustomer.reader_id == reader_id, StripeCustomer.mode == gateway().mode
    )


def row_id(reader_id: int) -> int | None:
    """The id of a reader's row, if there is one."""
    return db.session.scalar(of(reader_id).with_only_columns(StripeCustomer.id))


def ensure(reader: Reader) -> StripeCustomer:
    """The reader's row with a customer at Stripe behind it; commits. A sync then tells it the address."""
    row = db.session.scalar(of(reader.id))
    if row is None:
        row = _new(reader.id)
    known_id, stripe_id = row.id, row.stripe_id
    key = f"{int(reader.created_at.timestamp())}:{reader.id}:{row.generation}"
    reader_id = reader.id
    db.session.commit()
    if stripe_id is None:
        stripe_id = gateway().create_customer(reader_id, key)
    row = db.session.get_one(StripeCustomer, known_id, populate_existing=True)
    row.stripe_id = stripe_id
    db.session.commit()
    return row


def sync_reader(reader_id: int) -> None:
    """Read a reader's books at Stripe again; commits. Does nothing for who has none."""
    customer_id = row_id(reader_id)
    db.session.commit()
    if customer_id is not None:
        sync(customer_id)


def forget(reader_id: int, stripe_id: str | None) -> None:
    """Let the next `ensure` make another customer, for this one was deleted at Stripe; commits.

    What they held is ended first, for nobody tells us of a customer whom we do not know any more. Whoever
    forgets the same one a moment later must not forget the new one.
    """
    sync_reader(reader_id)
    mine = update(StripeCustomer).where(
        StripeCustomer.reader_id == reader_id,
        StripeCustomer.mode == gateway().mode,
        StripeCustomer.stripe_id == stripe_id,
    )
    db.session.execute(mine.values(stripe_id=None, email=None, generation=StripeCustomer.generation + 1))
    db.session.commit()


def _new(reader_id: int) -> StripeCustomer:
    try:
        with db.session.begin_nested():
            db.session.add(row := StripeCustomer(reader_id=reader_id, mode=gateway().mode))
    except IntegrityError:
        # A second click at the same moment wrote the row first.
        return db.session.scalars(of(reader_id)).one()
    return row
