"""The forms of the desk: each with a reason, and a key by which a second click is known as one."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional, Regexp
from wtforms.widgets import HiddenInput

from paywall.accounts import addresses
from paywall.errors import BadInput
from paywall.membership.comps import Kind
from paywall.money import Money
from paywall.office.desk.leaving import When
from paywall.reports.rollup import zone

WHEN = {
    When.LATER: "When what is paid for is over",
    When.NOW: "Now, at once",
}
KINDS = {
    Kind.COMP: "Complimentary: a colleague, a source, the press",
    Kind.HARDSHIP: "Hardship: who cannot pay",
    Kind.AMENDS: "To make good for a fault of ours",
}


class ActForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """What every act has. `is_confirmed`: whoever sends it has seen what will happen."""

    key = StringField(
        widget=HiddenInput(),
        validators=[InputRequired(), Regexp(r"[0-9a-f]{16}\Z")],
        default=lambda: secrets.token_hex(8),
    )
    reason = TextAreaField("Reason, for the trail", [DataRequired("Say why."), Length(3, 500)])

    @property
    def is_confirmed(self) -> bool:
        """Whether the button of the page that says what will happen was pressed."""
        return request.form.get("confirmed") == "yes"

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What was filled in, for the page that asks whether it is right."""
        mine = self._fields.keys() - {"csrf_token"}
        return [(name, value) for name, value in request.form.items(multi=True) if name in mine]

    @property
    def once(self) -> str:
        """What names this very form: sent twice, it is one wish."""
        return str(self.key.data)

    @property
    def why(self) -> str:
        """The reason."""
        return str(self.reason.data).strip()


class AccessForm(ActForm):
    """Which plan, until when, and why for nothing."""

    plan = SelectField("Plan", coerce=int)
    kind = RadioField("Why for nothing?", choices=lambda: _choices(KINDS), default=Kind.COMP.value)
    until = DateField("Reads up to and including", [InputRequired("Choose a day.")])

    def offer(self, plans: Mapping[int, str]) -> None:
        """Let one of these plans be chosen: by id, their names."""
        self.plan.choices = list(plans.items())


class EndForm(ActForm):
    """Another last day, or the end now."""

    until = DateField("Reads up to and including", [Optional()])
    now = BooleanField("End it now")

    def validate_until(self, field: DateField) -> None:
        """One of the two is needed."""
        if field.data is None and not self.now.data:
            raise ValidationError("Choose a day, or end it now.")


class GraceForm(EndForm):
    """Another end of the time to pay, none, or the policy's."""

    policy = BooleanField("Back to what the policy says")

    def validate_until(self, field: DateField) -> None:
        """One of the three is needed."""
        if field.data is None and not self.now.data and not self.policy.data:
            raise ValidationError("Choose a day, or one of the two boxes.")


class CancelForm(ActForm):
    """When it ends, and whether the last payment goes back with it."""

    when = RadioField("When does it end?", choices=lambda: _choices(WHEN))
    refunds = BooleanField("Give the last payment back, whole")
    given = StringField(widget=HiddenInput(), validators=[Optional(), Regexp(r"\d{1,12}\Z")])
    payment = StringField(widget=HiddenInput(), validators=[Optional(), Regexp(r"\d{1,9}\Z")])

    def offer(self, possible: Sequence[When]) -> None:
        """Let it end at one of these times, the first unless another is chosen."""
        self.when.choices = _choices({when: WHEN[when] for when in possible})
        if not self.is_submitted():
            self.when.data = possible[0].value

    def offer_refund(self, left: Money | None) -> None:
        """Say what could be given back; None: nothing."""
        if left is None:
            del self.refunds
        else:
            self.refunds.label.text = f"Give the last payment back, whole: {left.text()}"


class RefundForm(ActForm):
    """How much of a payment; `given` is what had been given back when the form was made."""

    amount = StringField("How much", [InputRequired("Say how much."), Length(max=20)])
    given = StringField(widget=HiddenInput(), validators=[InputRequired(), Regexp(r"\d{1,12}\Z")])

    def money(self, currency: str) -> Money | None:
        """What was asked for; None, with a word beside the field, if it is no sum."""
        try:
            return Money.read(str(self.amount.data).strip(), currency)
        except BadInput as wrong:
            self.amount.errors = [wrong.message]
            return None


class AddressForm(ActForm):
    """A new address."""

    email = StringField("New e-mail address", [InputRequired("Say which.")])

    def validate_email(self, field: StringField) -> None:
        """It must be one."""
        if addresses.normalise(str(field.data)) is None:
            raise ValidationError("This does not look like an e-mail address.")

    @property
    def address(self) -> str:
        """The address, normalised."""
        return addresses.normalise(str(self.email.data)) or ""


class NameForm(ActForm):
    """What the reader is called."""

    name = StringField("Name (empty: none)", [Length(max=100)])


class JoinForm(ActForm):
    """Which account is to be joined to this one."""

    other = StringField("The other account: its e-mail address, or anything that finds it", [InputRequired()])


class SignOutForm(ActForm):
    """`seen`: the sessions that there were when the form was made."""

    seen = StringField(widget=HiddenInput(), validators=[InputRequired(), Length(8, 8)])


def end_of(day: date | None) -> datetime:
    """The end of a day in the time of the site; aware UTC. Raises BadInput for what no calendar has."""
    if day is None or day.year > 9000:
        raise BadInput("Choose a day that is not too far ahead.")
    return datetime.combine(day + timedelta(days=1), time(), zone()).astimezone(UTC)


def _choices(words: Mapping[Any, str]) -> list[tuple[str, str]]:
    return [(str(value), label) for value, label in words.items()]
