"""`flask paywall gift ...`: what staff do about gifts from a shell."""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from paywall.accounts import addresses
from paywall.accounts.reasons import WHY
from paywall.billing.gifts import letters, redeeming
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound

gift = AppGroup("gift", help="Gifts: who gave what to whom, and what became of it.")


@gift.command("list")
@click.option("--state", type=click.Choice([state.value for state in GiftState]), help="Only these.")
@click.option("--most", default=50, type=click.IntRange(1), help="So many of the newest.")
def show_all(state: str | None, most: int) -> None:
    """The newest gifts."""
    query = select(Gift).order_by(Gift.id.desc()).limit(most)
    if state:
        query = query.where(Gift.state == GiftState(state))
    for one in db.session.scalars(query):
        what = f"{one.months:>3} months of {one.plan.slug}, {one.money.text()}"
        who = f"{one.buyer_email} to {one.recipient_email or one.recipient_name}"
        click.echo(f"{one.id:>6} {one.state.value:<9}{one.made_at:%Y-%m-%d} {what}: {who}")


@gift.command("show")
@click.argument("number", type=int)
def show(number: int) -> None:
    """All that is known of one gift, with where its money is at Stripe."""
    one = _find(number)
    redeemer = one.redeemer.email if one.redeemer else None
    facts = {
        "state": f"{one.state.value}{f' ({one.void_why})' if one.void_why else ''}",
        "gift": f"{one.months} months of {one.plan.slug}, {one.money.text()}",
        "buyer": f"{one.buyer_name} <{one.buyer_email}>",
        "recipient": f"{one.recipient_name} <{one.recipient_email or 'no address'}>",
        "letter": one.delivered_at or f"on {one.deliver_at:%Y-%m-%d}"
        if one.recipient_email
        else "to the buyer only",
        "made, paid": f"{one.made_at:%Y-%m-%d %H:%M}, {one.paid_at or '-'}",
        "redeemed": f"{one.redeemed_at or '-'} by {redeemer or '-'}",
        "runs": f"{one.starts_at or '-'} to {one.ends_at or '-'}",
        "at Stripe": f"{one.session_id or '-'} {one.payment_intent or '-'} {one.charge or '-'}",
    }
    for name, value in facts.items():
        click.echo(f"{name:<11} {value}")


@gift.command("resend")
@click.argument("number", type=int)
@click.option("--to", help="Another address for the one who gets it.")
def resend(number: int, to: str | None) -> None:
    """Send the letter with the code again: to the recipient once theirs has gone out, else to the buyer."""
    one = _find(number)
    if one.state is not GiftState.PAID:
        raise Conflict(f"Gift {number} is {one.state.value}: there is no code to send.")
    address = addresses.normalise(to) if to else None
    if to and address is None:
        raise BadInput(f"{to!r} is not an address.")
    sent = letters.resend(one, address)
    db.session.commit()
    click.echo(f"The code of gift {number} goes to {sent}.")


@gift.command("void")
@click.argument("number", type=int)
@click.option("--why", default="", help=WHY)
def void(number: int, *, why: str) -> None:
    """Make a gift worth nothing: its code is dead, and one that runs ends now. Refunds nothing."""
    one = _find(number)
    if one.state is GiftState.ENDED:
        raise Conflict(f"Gift {number} has run out already.")
    redeeming.void(one, reason=why)
    db.session.commit()
    click.echo(f"Gift {number} is void. Its money is untouched: {one.payment_intent or 'it was never paid'}.")


def _find(number: int) -> Gift:
    found = db.session.get(Gift, number, with_for_update=True)
    if found is None:
        raise NotFound(f"There is no gift {number}.")
    return found
