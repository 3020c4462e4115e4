"""The code of a gift, and the letters that carry it: a receipt to the buyer, the gift to the recipient."""

import hashlib
import hmac

from flask import current_app
from sqlalchemy import select

from paywall import clock, jobs, mail
from paywall.accounts.letters import outside
from paywall.billing.gifts import rules
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState
from paywall.db import db
from paywall.mail import Letter

# In which state of the gift a letter about it is true.
TRUE_IN = {
    "gift": GiftState.PAID,
    "gift_started": GiftState.REDEEMED,
    "gift_ending": GiftState.REDEEMED,
    "gift_ended": GiftState.ENDED,
}


def receipt(gift: Gift) -> None:
    """Write to the buyer, once; the caller commits."""
    _write("gift_receipt", gift.buyer_email, gift, cause=f"gift_receipt:{gift.id}")


def deliver(gift: Gift) -> None:
    """Write to the recipient, once, if there is an address and the day has come; the caller commits."""
    if gift.recipient_email and gift.delivered_at is None and gift.deliver_at <= clock.now():
        gift.delivered_at = clock.now()
        _write("gift", gift.recipient_email, gift, cause=f"gift:{gift.id}")


def resend(gift: Gift, to: str | None = None) -> str:
    """Write again, to the recipient (now at `to`) once they were written to, else to the buyer; to whom."""
    if to:
        gift.recipient_email, gift.delivered_at = to, clock.now()
    kind, address = (
        ("gift", gift.recipient_email) if gift.delivered_at else ("gift_receipt", gift.buyer_email)
    )
    _write(kind, address or gift.buyer_email, gift)
    return address or gift.buyer_email


def again(kind: str, gift: Gift, to: str, cause: str) -> None:
    """Write one of the letters with the code once more; the caller commits."""
    _write(kind, to, gift, cause)


@jobs.every(minute="*/10")
def deliver_due() -> None:
    """Write to the recipients whose day has come."""
    due = select(Gift).where(
        Gift.state == GiftState.PAID,
        Gift.deliver_at <= clock.now(),
        Gift.delivered_at.is_(None),
        Gift.recipient_email.is_not(None),
    )
    for gift in db.session.scalars(due.limit(500)):
        deliver(gift)
    db.session.commit()


def hashed(typed: str) -> str | None:
    """How a typed code is kept; None for what cannot be a code. It is too long to be guessed from this."""
    letters = rules.read(typed)
    return hashlib.sha256(letters.encode()).hexdigest() if letters else None


def code(salt: str) -> str:
    """The code of a gift with this salt, made again for each letter: a copy of the table opens nothing."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return rules.spell(hmac.new(key, f"gift:{salt}".encode(), hashlib.sha256).digest())


@mail.holds(*TRUE_IN)
def still_true(letter: Letter) -> bool:
    """Whether the gift is still where the letter says: it may have been taken back, or used, meanwhile."""
    gift = db.session.get(Gift, letter.about)
    return gift is not None and gift.state is TRUE_IN[letter.kind]


def _write(kind: str, to: str, gift: Gift, cause: str | None = None) -> None:
    letters = code(gift.salt)
    # With another secret key than when the gift was made this is a new code, and now the only one.
    gift.code_hash = hashed(letters) or ""
    link = outside("gifts.redeem", code=letters)
    mail.write(kind, to, cause=cause, about=gift.id, gift=gift, code=letters, redeem_url=link)
