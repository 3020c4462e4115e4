"""`flask paywall inbox ...`: what Stripe told us, how it was handled, and handling it again."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import select

from paywall.accounts.reasons import WHY
from paywall.billing import claims, replaying
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db
from paywall.errors import BadInput, NotFound

COLUMNS = (
    "id",
    "event_id",
    "type",
    "customer",
    "state",
    "attempts",
    "received_at",
    "handled_at",
    "try_at",
    "claimed_until",
)

inbox = AppGroup("inbox", help="Stripe's events: stored, handled, and those that failed.")


@inbox.command("list")
@click.option("--state", type=click.Choice([state.value for state in EventState]), help="Only such.")
@click.option("--customer", help="Only of this customer (cus_...).")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each.")
def show_all(*, state: str | None, customer: str | None, limit: int, as_json: bool) -> None:
    """The newest events, newest first."""
    query = select(StripeEvent).order_by(StripeEvent.id.desc()).limit(limit)
    if state:
        query = query.where(StripeEvent.state == EventState(state))
    if customer:
        query = query.where(StripeEvent.customer == customer)
    found = [_plain(event) for event in db.session.scalars(query)]
    db.session.rollback()
    for event in found:
        click.echo(json.dumps(event) if as_json else _line(event))
    if not found and not as_json:
        click.echo("There are no such events.")


@inbox.command("show")
@click.argument("event")
@click.option("--json", "as_json", is_flag=True, help="All of it as one line of JSON.")
def show(event: str, *, as_json: bool) -> None:
    """One event with its last error and all that Stripe sent. EVENT is our number or Stripe's evt_..."""
    found = db.session.scalar(select(StripeEvent).where(replaying.named(event)))
    if found is None:
        raise NotFound(f"There is no event {event} in the inbox.")
    plain, error, payload = _plain(found), found.error, json.loads(found.payload)
    db.session.rollback()
    if as_json:
        click.echo(json.dumps({**plain, "error": error, "payload": payload}))
    else:
        click.echo("\n".join(_page(plain, error, payload)))


@inbox.command("replay")
@click.argument("events", nargs=-1)
@click.option("--failed", is_flag=True, help="All that have failed, given up or not.")
@click.option("--why", required=True, help=WHY)
def replay(events: tuple[str, ...], *, failed: bool, why: str) -> None:
    """Let events be handled again: those named by our number or Stripe's evt_..., or all that failed.

    The worker does it. As an event only says whose books to read again, this is safe at any time.
    """
    if failed == bool(events):
        raise BadInput("Name the events to be handled again, or give --failed, one of them.")
    if failed:
        replayed = replaying.again(StripeEvent.state == EventState.FAILED, "all that failed", why)
    else:
        replayed = [row_id for event in events for row_id in _again_or_refuse(event, why)]
    db.session.commit()
    click.echo(f"To be handled again by the worker: {len(replayed)}.")


def _again_or_refuse(event: str, why: str) -> list[int]:
    found = replaying.again(replaying.named(event), f"event {event}", why)
    if not found:
        db.session.rollback()
        raise NotFound(f"There is no event {event} in the inbox; nothing was replayed.")
    return found


def _plain(event: StripeEvent) -> dict[str, Any]:
    told = {name: getattr(event, name) for name in COLUMNS}
    return {
        name: f"{one:%Y-%m-%dT%H:%M:%SZ}" if isinstance(one, datetime) else one for name, one in told.items()
    }


def _line(event: dict[str, Any]) -> str:
    tries = f"{event['attempts']} of {claims.ATTEMPTS}"
    return (
        f"{event['id']:>8}  {event['received_at']}  {_state(event):<10}{tries:<8}  "
        f"{event['type']:<40}  {event['customer'] or '-':<20}  {event['event_id']}"
    )


def _state(event: dict[str, Any]) -> str:
    """The state, and whether a failed one will be tried again."""
    is_given_up = event["state"] == EventState.FAILED and event["try_at"] is None
    return "given up" if is_given_up else str(event["state"])


def _page(event: dict[str, Any], error: str | None, payload: Any) -> Iterator[str]:
    for name in COLUMNS:
        if event[name] is not None:
            yield f"{name:<14}{_state(event) if name == 'state' else event[name]}"
    if error:
        yield f"\nThe last error:\n{error.rstrip()}"
    yield f"\nWhat Stripe sent:\n{json.dumps(payload, indent=2, ensure_ascii=False)}"
