"""One box for whatever somebody knows of a reader: an address, a name, an id at Stripe, a bill's number."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import InstrumentedAttribute

from paywall.accounts import addresses, names
from paywall.accounts.models import FormerAddress, NameWord, Reader
from paywall.billing.cashbook.models import Dispute, Invoice, Payment, Refund
from paywall.billing.gateway import gateway
from paywall.billing.gifts.models import Gift
from paywall.billing.models import CheckoutTry, StripeCustomer
from paywall.db import db
from paywall.membership.models import Subscription
from paywall.membership.rules import Source

MOST = 25
LONGEST = 200
# After whatever begins with a text; no address or name has it.
LAST = "\U0010ffff"
STRIPE_ID = re.compile(r"(cus|sub|in|ch|py|pi|re|pyr|dp|du|cs)_\w+")
Whose = Select[int] | Select[int | None]
NUMBER = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*-\d+")


@dataclass(frozen=True, slots=True)
class Found:
    """The readers who fit. `is_exact`: it names this one and no other. `has_more` than are shown.

    `guest`: whose thing it is, if it is by somebody without an account.
    """

    readers: Sequence[Reader] = ()
    is_exact: bool = False
    has_more: bool = False
    guest: str | None = None


def find(text: str) -> Found:
    """Who fits what was typed; nobody if it is too short to mean anything."""
    text = text.strip()[:LONGEST]
    if len(text) < 2:
        return Found()
    if STRIPE_ID.fullmatch(text):
        return _by_stripe_id(text)
    found = _by_number(text.upper()) if NUMBER.fullmatch(text.upper()) else None
    return found or _by_address(text) or _beginning_with(text)


def beginning(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """That a column begins with a text, in the words that let each database use its index."""
    if db.engine.dialect.name == "sqlite":
        return (column >= text) & (column < text + LAST)
    # By bytes and not as people sort: only so is what begins alike together (text_pattern_ops).
    return column.op("~>=~", is_comparison=True)(text) & column.op("~<~", is_comparison=True)(text + LAST)


def _by_stripe_id(stripe_id: str) -> Found:
    query = _WHOSE[stripe_id.partition("_")[0]](stripe_id)
    reader_id = db.session.scalars(query.limit(1)).first()
    if reader_id is None and (gift := _gift(stripe_id)):
        reader_id = gift.buyer_id or db.session.scalar(
            select(Reader.id).where(Reader.email == gift.buyer_email)
        )
        if reader_id is None:
            return Found(guest=f"{gift.buyer_name} <{gift.buyer_email}>, who paid for gift {gift.id}")
    return _exactly(reader_id)


def _by_number(number: str) -> Found | None:
    query = select(Invoice.reader_id).where(Invoice.number == number, Invoice.mode == gateway().mode)
    found = _exactly(db.session.scalars(query.where(Invoice.reader_id.is_not(None)).limit(1)).first())
    return found if found.readers else None


def _by_address(text: str) -> Found | None:
    """The reader who has this address, or had it last."""
    email = addresses.normalise(text)
    if email is None:
        return None
    reader_id = db.session.scalar(select(Reader.id).where(Reader.email == email))
    if reader_id is None:
        former = select(FormerAddress.reader_id).where(FormerAddress.email == email)
        reader_id = db.session.scalars(former.order_by(FormerAddress.id.desc()).limit(1)).first()
    return _exactly(reader_id) if reader_id else None


def _beginning_with(text: str) -> Found:
    small = text.lower()
    queries = [select(Reader).where(beginning(Reader.email, small))]
    domain = small.removeprefix("@")
    if domain and "@" not in domain:
        queries.append(select(Reader).where(beginning(Reader.domain, domain)))
    if "@" not in text and (words := sorted(names.words(text), key=len, reverse=True)):
        queries.append(_named(words))
    found: dict[int, Reader] = {}
    for query in queries:
        if len(found) <= MOST:
            found |= {reader.id: reader for reader in db.session.scalars(query.limit(MOST + 1))}
    readers = sorted(found.values(), key=lambda reader: reader.email)
    return Found(readers[:MOST], has_more=len(readers) > MOST)


def _named(words: Sequence[str]) -> Select[Reader]:
    """Readers with a name in which each of these words begins one; the longest, being rarest, leads."""
    query = select(Reader).join(NameWord, NameWord.reader_id == Reader.id)
    return query.where(beginning(NameWord.word, words[0]), *_all_named(words[1:]))


def _all_named(words: Iterable[str]) -> Iterable[ColumnElement[bool]]:
    for word in words:
        other = select(NameWord.word).where(NameWord.reader_id == Reader.id, beginning(NameWord.word, word))
        yield exists(other.correlate(Reader))


def _exactly(reader_id: int | None) -> Found:
    reader = db.session.get(Reader, reader_id) if reader_id else None
    return Found((reader,), is_exact=True) if reader else Found()


def _gift(stripe_id: str) -> Gift | None:
    charge = db.session.scalar(
        select(Refund.charge).where(Refund.stripe_id == stripe_id)
        if stripe_id.startswith(("re_", "pyr_"))
        else select(Dispute.charge).where(Dispute.stripe_id == stripe_id)
    )
    is_it = (
        (Gift.session_id == stripe_id)
        | (Gift.payment_intent == stripe_id)
        | (Gift.charge == (charge or stripe_id))
    )
    return db.session.scalar(select(Gift).where(is_it, Gift.mode == gateway().mode))


def _customer(stripe_id: str) -> Whose:
    return select(StripeCustomer.reader_id).where(
        StripeCustomer.stripe_id == stripe_id, StripeCustomer.mode == gateway().mode
    )


def _subscription(stripe_id: str) -> Whose:
    return select(Subscription.reader_id).where(
        Subscription.source == Source.STRIPE, Subscription.external_id == stripe_id
    )


def _invoice(stripe_id: str) -> Whose:
    return select(Invoice.reader_id).where(Invoice.stripe_id == stripe_id, Invoice.mode == gateway().mode)


def _charge(stripe_id: str) -> Whose:
    return select(Payment.reader_id).where(Payment.stripe_id == stripe_id, Payment.mode == gateway().mode)


def _intent(stripe_id: str) -> Whose:
    return select(Payment.reader_id).where(
        Payment.payment_intent == stripe_id, Payment.mode == gateway().mode, Payment.reader_id.is_not(None)
    )


def _refund(stripe_id: str) -> Whose:
    query = select(Payment.reader_id).join(Refund, Refund.charge == Payment.stripe_id)
    return query.where(Refund.stripe_id == stripe_id, Payment.mode == gateway().mode)


def _dispute(stripe_id: str) -> Whose:
    query = select(Payment.reader_id).join(Dispute, Dispute.charge == Payment.stripe_id)
    return query.where(Dispute.stripe_id == stripe_id, Payment.mode == gateway().mode)


def _session(stripe_id: str) -> Whose:
    return select(CheckoutTry.reader_id).where(CheckoutTry.session_id == stripe_id)


_WHOSE: dict[str, Callable[[str], Whose]] = {
    "cus": _customer,
    "sub": _subscription,
    "in": _invoice,
    "ch": _charge,
    "py": _charge,
    "pi": _intent,
    "re": _refund,
    "pyr": _refund,
    "dp": _dispute,
    "du": _dispute,
    "cs": _session,
}
