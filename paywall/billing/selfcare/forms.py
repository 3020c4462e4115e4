"""The forms of the reader's own pages."""

from datetime import UTC, datetime

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from paywall.billing.selfcare.rules import Quote, Said, Shown

# Stripe's own list (gateway/catalogue.py:FEEDBACK), in a reader's words.
REASONS = {
    "too_expensive": _("It costs too much"),
    "unused": _("I do not read it enough"),
    "missing_features": _("I miss something"),
    "low_quality": _("The articles are not good enough"),
    "switched_service": _("I read another paper now"),
    "too_complex": _("It is too complicated to use"),
    "customer_service": _("I was not well looked after"),
    "other": _("Something else"),
}


class CancelForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """Why, if the reader wants to say."""

    feedback = RadioField(
        _("Why do you leave? (if you like)"),
        choices=lambda: list(REASONS.items()),
        validate_choice=False,
    )
    comment = TextAreaField(_("In your own words (if you like)"), [Length(max=500)])

    @property
    def said(self) -> Said:
        """What was given; a reason that is not on the list is none."""
        feedback = self.feedback.data if self.feedback.data in REASONS else None
        return Said(feedback, (self.comment.data or "").strip() or None)


class PlainForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """One button."""


class SwitchForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """What the reader was shown before they agreed: an instant in seconds, and sums in minor units."""

    at = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0, 2**40)])
    total = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(-(2**40), 2**40)])
    due = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0, 2**40)])

    def show(self, quote: Quote) -> None:
        """Carry what is shown."""
        self.at.data = int(quote.at.timestamp())
        self.total.data, self.due.data = quote.total.amount, quote.due.amount

    @property
    def shown(self) -> Shown:
        """What a valid form carried."""
        at = datetime.fromtimestamp(self.at.data or 0, UTC)
        return Shown(at, self.total.data or 0, self.due.data or 0)
