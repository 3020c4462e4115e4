"""The form of a gift: what, for whom, by whom, when."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, EmailField, Field, RadioField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from paywall.accounts import addresses
from paywall.billing.gifts.giving import Order
from paywall.billing.gifts.rules import Present

# Nobody wants a letter in the night.
HOUR = time(9)
FARTHEST = timedelta(days=365)


class GiftForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """After validation the addresses are normalised and names are one line each."""

    present = RadioField(_("What do you want to give?"), validate_choice=True)
    recipient_name = StringField(
        _("Name of the person who gets it"), [InputRequired(_("Please give a name.")), Length(max=100)]
    )
    recipient_email = EmailField(_("Their e-mail address (if we are to write to them)"), [Optional()])
    message = TextAreaField(_("Your message to them (if you like)"), [Length(max=1000)])
    deliver_on = DateField(_("When shall we write to them?"), [Optional()])
    buyer_name = StringField(_("Your name"), [InputRequired(_("Please give your name.")), Length(max=100)])
    buyer_email = EmailField(_("Your e-mail address"), [InputRequired(_("Please give your e-mail address."))])

    def offer(self, presents: Iterable[tuple[str, str]], today: date, buyer_email: str | None) -> None:
        """What can be chosen, and from which day on; a signed-in buyer has given an address already."""
        self.present.choices = list(presents)
        self.today = today
        if buyer_email is not None:
            self.buyer_email.data = buyer_email

    def validate_recipient_name(self, field: Field) -> None:
        """One line."""
        field.data = _one_line(field)

    def validate_buyer_name(self, field: Field) -> None:
        """One line."""
        field.data = _one_line(field)

    def validate_recipient_email(self, field: Field) -> None:
        """An address, if any."""
        field.data = _address(field)

    def validate_buyer_email(self, field: Field) -> None:
        """An address."""
        field.data = _address(field)

    def validate_deliver_on(self, field: DateField) -> None:
        """Today or later, within a year."""
        if field.data and not self.today <= field.data <= self.today + FARTHEST:
            raise ValidationError(gettext("Please choose a day between today and a year from now."))

    def order(self, present: Present, now: datetime, timezone: str) -> Order:
        """The order of a valid form; today means at once."""
        day = self.deliver_on.data or self.today
        at = datetime.combine(day, HOUR, ZoneInfo(timezone)) if day > self.today else now
        return Order(
            present=present,
            buyer_name=str(self.buyer_name.data),
            buyer_email=str(self.buyer_email.data),
            recipient_name=str(self.recipient_name.data),
            recipient_email=self.recipient_email.data or None,
            message=(self.message.data or "").strip(),
            deliver_at=at,
        )


def _one_line(field: Field) -> str:
    found = " ".join((field.data or "").split())
    if not found.isprintable() or not found:
        raise ValidationError(gettext("Please give a name."))
    return found


def _address(field: Field) -> str:
    known = addresses.normalise(field.data or "")
    if known is None:
        raise ValidationError(gettext("This does not look like an e-mail address."))
    return known
