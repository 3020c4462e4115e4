"""The console at /sandbox: the clock, the faults, what happened, who holds what, and the letters sent."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import get_timezone
from werkzeug.wrappers import Response

from paywall.accounts.routes import may_enter
from paywall.sandbox import Sandbox, shown, terms, wording
from paywall.sandbox.errors import Doc, SandboxError
from paywall.sandbox.faults import Fault, FaultKind
from paywall.sandbox.ledger import Happened, Holding
from paywall.sandbox.wording import Label, gettext, ngettext

_LATE = 300.0
_STEPS = ("day", "week", "month")
# The letter may bring its own styles, as mail does, and nothing else: no script, no form, no other address.
_LETTER_POLICY = (
    "sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'none'; img-src 'self' data:; "
    "style-src 'unsafe-inline'; frame-ancestors 'self'"
)


class SentLetter(Protocol):
    """A mail that the product wrote. `sent_at` is aware UTC; `unsent` says why it never will be."""

    @property
    def id(self) -> int: ...
    @property
    def to(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def sent_at(self) -> datetime | None: ...
    @property
    def unsent(self) -> str | None: ...


@dataclass(frozen=True)
class Row:
    """One event in the list."""

    id: str
    type: str
    object_id: str
    created: datetime
    label: Label
    attempts: str


@dataclass(frozen=True)
class Switch:
    """One fault that can be switched on."""

    name: FaultKind
    title: str
    effect: str
    on: bool


@dataclass(frozen=True)
class Person:
    """One customer in the list."""

    id: str
    email: str
    labels: list[Label]
    subscriptions: list[str]


class Console:
    """/sandbox. `letters` gives the mails, in any order; `phones` addresses with the code of the moment."""

    def __init__(
        self,
        sandbox: Sandbox,
        letters: Callable[[], Sequence[SentLetter]],
        phones: Callable[[], Sequence[tuple[str, str]]],
    ) -> None:
        self._sandbox = sandbox
        self._letters = letters
        self._phones = phones

    def join(self, pages: Blueprint) -> None:
        """Add the routes."""
        pages.add_url_rule("/", "console", self.show, strict_slashes=False)
        pages.add_url_rule("/clock", "advance", self.advance, methods=["POST"])
        pages.add_url_rule("/faults", "set_faults", self.set_faults, methods=["POST"])
        pages.add_url_rule("/events/<event_id>", "event", self.event)
        pages.add_url_rule("/events/<event_id>/resend", "resend", self.resend, methods=["POST"])
        pages.add_url_rule("/mails", "mails", self.mails)
        pages.add_url_rule("/mails/<int:letter_id>", "mail", self.mail)
        pages.add_url_rule("/mails/<int:letter_id>/html", "mail_html", self.mail_html)
        pages.add_url_rule("/phones", "phones", self.phones)

    @may_enter("public")
    def show(self) -> str:
        """The clock, the faults, customers and events."""
        events, more = self._sandbox.ledger.events(request.args.get("after"))
        now = self._sandbox.now()
        return render_template(
            "sandbox/console.html",
            section="sandbox.console",
            now=now,
            earliest=_local(now).date() + timedelta(days=1),
            faults=_switches({fault.kind for fault in self._sandbox.faults.active()}),
            customers=[_person(holding) for holding in self._sandbox.ledger.customers()],
            events=[_row(happened) for happened in events],
            older=events[-1].event["id"] if more else None,
        )

    @may_enter("public")
    def advance(self) -> Response:
        """Move the clock by a step, or to a date."""
        target = self._target(request.form.get("step", ""))
        if target is None:
            flash(gettext("Choose a date that is still to come."), "sandbox-bad")
        else:
            now = self._sandbox.advance(to=target)
            flash(gettext("It is now %(now)s.", now=wording.minute(now)), "sandbox-good")
        return redirect(url_for("sandbox.console"), 303)

    @may_enter("public")
    def set_faults(self) -> Response:
        """Switch on what is ticked, and off what is not."""
        self._sandbox.faults.clear()
        for name in request.form.getlist("fault"):
            if name in _FAULTS:
                self._sandbox.faults.set(_FAULTS[name])
        flash(gettext("Applied."), "sandbox-good")
        return redirect(url_for("sandbox.console"), 303)

    @may_enter("public")
    def event(self, event_id: str) -> str:
        """One event in full."""
        happened = self._sandbox.ledger.event(event_id)
        body = json.dumps(happened.event, indent=2, ensure_ascii=False)
        return render_template(
            "sandbox/event.html", section="sandbox.console", event=_row(happened), body=body
        )

    @may_enter("public")
    def resend(self, event_id: str) -> Response:
        """Deliver an event once more."""
        wanted = self._sandbox.ledger.resend(event_id)
        if wanted:
            flash(gettext("It is on its way again."), "sandbox-good")
        else:
            flash(gettext("No webhook endpoint wants events of this type."), "sandbox-bad")
        return redirect(url_for("sandbox.event", event_id=event_id), 303)

    @may_enter("public")
    def mails(self) -> str:
        """The letters, newest first."""
        letters = sorted(self._letters(), key=lambda letter: letter.id, reverse=True)
        states = {letter.id: _state(letter) for letter in letters}
        return render_template("sandbox/mails.html", section="sandbox.mails", letters=letters, states=states)

    @may_enter("public")
    def mail(self, letter_id: int) -> str:
        """One letter."""
        letter = self._letter(letter_id)
        return render_template(
            "sandbox/mail.html", section="sandbox.mails", letter=letter, state=_state(letter)
        )

    @may_enter("public")
    def mail_html(self, letter_id: int) -> Response:
        """The letter's HTML, for the frame: its links open in the whole window."""
        html = self._letter(letter_id).html.replace("<head>", '<head><base target="_top">', 1)
        response = make_response(html)
        response.headers["Content-Security-Policy"] = _LETTER_POLICY
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response

    @may_enter("public")
    def phones(self) -> str:
        """What an app on each phone would show now."""
        return render_template("sandbox/phones.html", section="sandbox.phones", phones=self._phones())

    def _letter(self, letter_id: int) -> SentLetter:
        for letter in self._letters():
            if letter.id == letter_id:
                return letter
        raise SandboxError(gettext("There is no such letter."), status=404)

    def _target(self, step: str) -> datetime | None:
        if step in _STEPS:
            return wording.instant(terms.plus(int(self._sandbox.now().timestamp()), step, 1))
        try:
            day = date.fromisoformat(request.form.get("date", ""))
        except ValueError:
            return None
        noon = datetime.combine(day, time(12), ZoneInfo(str(get_timezone())))
        return noon.astimezone(UTC) if noon > self._sandbox.now() else None


_FAULTS = {
    "drop": Fault(FaultKind.DROP, times=None),
    "delay": Fault(FaultKind.DELAY, times=None, seconds=_LATE),
    "duplicate": Fault(FaultKind.DUPLICATE, times=None),
    "reorder": Fault(FaultKind.REORDER, times=None),
    "api_error": Fault(FaultKind.API_ERROR, times=None),
}


def _switches(active: set[FaultKind]) -> list[Switch]:
    words = {
        FaultKind.DROP: (gettext("Webhooks are lost"), gettext("No event reaches the paper.")),
        FaultKind.DELAY: (gettext("Webhooks are late"), gettext("Each event comes five minutes late.")),
        FaultKind.DUPLICATE: (gettext("Webhooks come twice"), gettext("Each event is delivered two times.")),
        FaultKind.REORDER: (gettext("Webhooks come in disorder"), gettext("The latest event comes first.")),
        FaultKind.API_ERROR: (gettext("Stripe is down"), gettext("Each call is answered with an error 500.")),
    }
    return [Switch(kind, title, effect, kind in active) for kind, (title, effect) in words.items()]


def _row(happened: Happened) -> Row:
    event = happened.event
    attempts = sum(delivery.attempts for delivery in happened.deliveries)
    return Row(
        id=event["id"],
        type=event["type"],
        object_id=event["data"]["object"].get("id", ""),
        created=wording.instant(event["created"]),
        label=_label({d.state for d in happened.deliveries}, attempts),
        attempts=ngettext("%(num)d attempt", "%(num)d attempts", attempts) if attempts else "",
    )


def _label(states: set[str], attempts: int) -> Label:
    if "pending" in states:
        return Label(gettext("Failing"), "bad") if attempts else Label(gettext("Waiting"), "warn")
    if "failed" in states:
        return Label(gettext("Given up"), "bad")
    if "delivered" in states:
        return Label(gettext("Delivered"), "good")
    return Label(gettext("Lost"), "bad") if states else Label(gettext("Nobody asked"))


def _state(letter: SentLetter) -> Label:
    if letter.sent_at:
        return Label(gettext("Sent"), "good")
    match letter.unsent:
        case None:
            return Label(gettext("Waiting"), "warn")
        case "untrue":
            return Label(gettext("Not sent: no longer true"))
        case "late":
            return Label(gettext("Not sent: too late"))
    return Label(gettext("Not sent"), "bad")


def _person(holding: Holding) -> Person:
    return Person(
        id=holding.customer["id"],
        email=holding.customer["email"] or gettext("No e-mail"),
        labels=[wording.subscription_label(s) for s in holding.subscriptions],
        subscriptions=[_held(s) for s in holding.subscriptions],
    )


def _held(document: Doc) -> str:
    price = document["items"]["data"][0]["price"]
    return f"{price['product']['name']}, {wording.price_text(price)}. {shown.what_comes(document)}"


def _local(when: datetime) -> datetime:
    return when.astimezone(get_timezone())
