"""Secret addresses that are kept nowhere: make(secret, purpose, row_id, nonce) and back. Pure.

A token is the id of a row and a seal over it: "17-5f0c...". The row holds a nonce, the app its secret; only
both make the seal. So a copy of the database opens nothing, and a new nonce ends the old token at once.
"""

import enum
import hashlib
import hmac
import re
import secrets

TOKEN = re.compile(r"([1-9][0-9]{0,9})-[0-9a-f]{40}", re.ASCII)
# The most that an id's column holds: PostgreSQL answers a larger one with an error.
LARGEST_ID = 2**31 - 1


class Purpose(enum.StrEnum):
    """What a token opens: one made for one purpose is no good for another."""

    FEED = "feed"
    GIFT = "gift"


def new_nonce() -> str:
    """A nonce for a row, 32 characters; change it, and the tokens made of the old one are dead."""
    return secrets.token_hex(16)


def make(secret: str, purpose: Purpose, row_id: int, nonce: str) -> str:
    """The token of a row; the same row, nonce and secret give the same one each time."""
    message = "\0".join(("paywall.token", purpose, str(row_id), nonce))
    seal = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()[:40]
    return f"{row_id}-{seal}"


def read(token: str) -> int | None:
    """The id of the row that a token names, None for what is no token. It proves nothing yet: ask fits."""
    found = TOKEN.fullmatch(token)
    row_id = int(found[1]) if found else 0
    return row_id if 0 < row_id <= LARGEST_ID else None


def fits(token: str, secret: str, purpose: Purpose, row_id: int, nonce: str) -> bool:
    """Whether it is this row's token, compared in constant time."""
    return hmac.compare_digest(token.encode(), make(secret, purpose, row_id, nonce).encode())
