"""Which acts of staff need a reason, which may have one, and which have none, and why not."""

from flask import request

from paywall.errors import BadInput

# What a command says of its option.
WHY = "Why; it is written into the trail."
LONGEST = 500
SAY_WHY = "Say why: it is written into the trail."

# About people, money, prices and roles: what somebody will ask about later.
REQUIRED = frozenset(
    {
        "role given",
        "roles changed",
        "staff ended",
        "second factor reset",
        "plan written",
        "price changed",
        "event replayed",
        "unlock opened",
        "access given",
        "access moved",
        "access ended",
        "grace changed",
        "name changed",
        "e-mail changed",
        "signed out",
        "accounts joined",
        "letter sent again",
        "invoice sent",
        "refund asked",
        "refund",
        "membership cancelled asked",
        "membership cancelled",
        "cancellation undone asked",
        "cancellation undone",
    }
)

# A newsroom's daily work, and what a program may do in its place: a word where it is worth one.
OPTIONAL = frozenset(
    {
        "article saved",
        "article published",
        "article unpublished",
        "publication moved",
        "article gate changed",
        "article deleted",
        "articles imported",
        "gate rule set",
        "gate rule dropped",
        "unlock closed",
        "token made",
        "token revoked",
        "institution added",
        "institution changed",
        "institution ended",
        "promotion code made",
        "promotion code ended",
        "gift voided",
        "gift link taken back",
    }
)

NONE = {
    "synced": "it reads Stripe's books, which are right whatever the reason",
    "reconcile begun": "it does what is done each night in any case",
    "cash walk begun": "it does what is done each hour in any case",
    "seen as reader": "it changes nothing: that somebody looked is all there is to say",
    "second factor set up": "each of the staff does it for themselves, because they must",
    "second factor changed": "each of the staff does it for themselves",
    "recovery code used": "each of the staff does it for themselves, at a sign-in",
    "recovery codes renewed": "each of the staff does it for themselves",
}


def given() -> str:
    """What the form that was sent says in its field for the reason."""
    return request.form.get("reason", "")[:LONGEST]


def check(act: str, reason: str) -> str:
    """The reason as it is kept; raises BadInput if there is none and this act needs one.

    An act that is not in this file is a mistake of ours, and not written down.
    """
    if act not in REQUIRED | OPTIONAL | NONE.keys():
        raise LookupError(f"Nobody has said whether {act!r} needs a reason.")
    if act in REQUIRED and not reason.strip():
        raise BadInput(SAY_WHY)
    return reason.strip()
