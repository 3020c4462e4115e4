"""The forms of the reader's own pages."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, TextAreaField
from wtforms.validators import Length

from paywall.billing.selfcare.rules import Said

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
