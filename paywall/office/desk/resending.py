"""Letters sent once more: as they were if we have their words, else written anew where that can be done."""

import enum
from collections.abc import Callable

from sqlalchemy import select

from paywall import clock, jobs, mail
from paywall.accounts import letters as account_letters
from paywall.accounts import proofs, readers, trail
from paywall.accounts.models import FormerAddress, Reader
from paywall.billing import letters as billing_letters
from paywall.billing.cashbook.models import Invoice
from paywall.billing.gateway import gateway
from paywall.billing.gifts import letters as gift_letters
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState
from paywall.db import db
from paywall.errors import Conflict, NotFound
from paywall.mail import Letter
from paywall.membership import letters as membership_letters
from paywall.membership.models import Subscription
from paywall.membership.notices import Kind as Notice
from paywall.money import Money


class How(enum.StrEnum):
    """What can be done about a letter."""

    NOW = "now"
    COPY = "copy"
    ANEW = "anew"
    NOT = "not"


# Letters with a key that was good for minutes: what they were for, a new one to sign in with does.
KEYS = frozenset({"sign_in", "confirm", "no_account", "already_registered", "reset", "welcome_staff"})
GIFTS = frozenset({"gift", "gift_receipt"})


def how(letter: Letter) -> How:
    """What can be done about a letter: hurry it, send its words again, write it anew, or nothing."""
    if letter.sent_at is None and letter.try_at is not None:
        return How.NOW
    if letter.kind in KEYS | GIFTS | {"welcome"} | set(Notice):
        return How.ANEW
    return How.COPY if letter.text else How.NOT


def mine(reader_id: int, letter_id: int) -> Letter:
    """A letter to an address that this reader has, or had when it was written; raises NotFound."""
    ids = readers.family(reader_id)
    letter = db.session.get(Letter, letter_id)
    present = select(Reader.email).where(Reader.id.in_(ids))
    former = select(FormerAddress.email).where(FormerAddress.reader_id.in_(ids))
    if letter is not None and letter.to not in set(db.session.scalars(present)):
        then = former.where(FormerAddress.email == letter.to, FormerAddress.until >= letter.created_at)
        letter = letter if db.session.scalar(then.limit(1)) else None
    if letter is None:
        raise NotFound("No such letter was written to this reader.")
    return letter


def again(reader: Reader, letter: Letter, *, key: str, reason: str) -> bool:
    """Send it to the address that the reader has now; False if the same `key` did. The caller commits.

    Raises Conflict if it cannot be done.
    """
    readers.hold(reader.id)
    way = how(letter)
    if way is How.NOT:
        raise Conflict("The words of this letter are wiped, and it cannot be written anew.")
    if not _WAYS[way](reader, letter, key):
        return False
    about = f"{letter.kind} of {letter.created_at:%Y-%m-%d} to {reader.email}"
    trail.note("letter sent again", about, reader_id=reader.id, after={"how": way.value}, reason=reason)
    return True


def bill(reader_id: int, invoice_id: int) -> Invoice:
    """An invoice of this reader with a page at Stripe; raises NotFound."""
    query = select(Invoice).where(
        Invoice.id == invoice_id,
        Invoice.reader_id.in_(readers.family(reader_id)),
        Invoice.mode == gateway().mode,
        Invoice.page_url.is_not(None),
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("This reader has no such invoice.")
    return found


def send_bill(reader: Reader, invoice: Invoice, *, key: str, reason: str) -> bool:
    """Write to a reader where their invoice and its receipt are; False if the same `key` did."""
    written = mail.write(
        "invoice_copy",
        reader.email,
        cause=mail.again(f"invoice_copy:{invoice.id}", key),
        about=invoice.id,
        invoice=invoice,
        total=Money(invoice.amount, invoice.currency),
    )
    if written is None:
        return False
    about = f"invoice {invoice.number or invoice.stripe_id} to {reader.email}"
    trail.note("invoice sent", about, reader_id=reader.id, reason=reason)
    return True


def _hurry(_reader: Reader, letter: Letter, _key: str) -> bool:
    if letter.try_at is None or letter.try_at <= clock.wall():
        # It is on its way: the worker has it, or takes it within the minute.
        return False
    letter.try_at = clock.wall()
    jobs.later(mail.send, letter.id)
    return True


def _copy(reader: Reader, letter: Letter, key: str) -> bool:
    return mail.copy(letter, reader.email, key) is not None


def _anew(reader: Reader, letter: Letter, key: str) -> bool:
    if letter.kind in KEYS:
        return _key_letter(reader, letter, key)
    if letter.kind in GIFTS:
        return _gift(reader, letter, key)
    subscription = db.session.get(Subscription, letter.about)
    if subscription is None or subscription.reader_id != reader.id:
        raise Conflict("The membership that this letter is about is no longer this reader's.")
    if letter.kind == "welcome":
        return membership_letters.welcome_again(subscription, key)
    if letter.text:
        return _copy(reader, letter, key)
    return billing_letters.write_again(letter, key)


def _key_letter(reader: Reader, letter: Letter, key: str) -> bool:
    cause = mail.again(f"{letter.kind}:{letter.id}", key)
    if db.session.scalar(select(Letter.id).where(Letter.cause == cause)):
        return False
    account_letters.with_proof("sign_in", reader.email, proofs.begin(reader.email), cause=cause)
    return True


def _gift(reader: Reader, letter: Letter, key: str) -> bool:
    gift = db.session.get(Gift, letter.about, with_for_update=True)
    if gift is None or gift.state is not GiftState.PAID:
        raise Conflict("This gift has no code to send any more: it was redeemed, or is void.")
    cause = mail.again(f"{letter.kind}:{gift.id}", key)
    if db.session.scalar(select(Letter.id).where(Letter.cause == cause)):
        return False
    gift_letters.again(letter.kind, gift, reader.email, cause)
    return True


_WAYS: dict[How, Callable[[Reader, Letter, str], bool]] = {
    How.NOW: _hurry,
    How.COPY: _copy,
    How.ANEW: _anew,
}
