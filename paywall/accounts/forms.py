"""The forms about an account that Flask-Security lacks, and its sign-in form without a second cookie."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from flask_security import LoginForm, verify_password
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, PasswordField, StringField, ValidationError
from wtforms.validators import InputRequired, Length

from paywall.accounts import addresses, passwords
from paywall.accounts.returning import safe_next


class SignInForm(LoginForm):
    """E-mail and password; the session lasts long enough, so there is no remember cookie."""

    remember = None  # type: ignore[assignment]  # how WTForms drops an inherited field

    def validate_next(self, field: Field) -> None:
        """Forget a path that is not ours instead of refusing the password with it."""
        field.data = safe_next(field.data)


class AddressForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """One e-mail address; after validation `email.data` is normalised."""

    email = EmailField(_("E-mail address"), [InputRequired(_("Please give your e-mail address."))])

    def validate_email(self, field: EmailField) -> None:
        """Put the address in our one spelling, or say that it is none."""
        known = addresses.normalise(field.data or "")
        if known is None:
            raise ValidationError(gettext("This does not look like an e-mail address."))
        field.data = known

    @property
    def address(self) -> str:
        """The normalised address of a valid form."""
        assert self.email.data is not None
        return self.email.data


class SignUpForm(AddressForm):
    """An address and, for who wants one, a password."""

    password = PasswordField(_("Password"))

    def validate_password(self, field: PasswordField) -> None:
        """Empty, or a password that we take."""
        wrong = passwords.wrong_with(field.data, self.email.data or "") if field.data else None
        if wrong:
            raise ValidationError(wrong)


class CodeForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """The six digits of a letter; after validation `code.data` is digits only."""

    code = StringField(_("Six-digit code"), [InputRequired(_("Please give the code from the letter."))])

    def validate_code(self, field: StringField) -> None:
        """Drop the space that the letter prints between the digits."""
        field.data = "".join((field.data or "").split())


class FactorForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """What the app shows, or a recovery code."""

    code = StringField("Code", [InputRequired("Please give the code."), Length(max=40)])


class NewAddressForm(AddressForm):
    """Another address for this account, and the password of who has one."""

    password = PasswordField(_("Your password"))

    def validate_password(self, field: PasswordField) -> None:
        """Who finds a browser left open must not be able to take the account along."""
        if current_user.password:
            _must_be_present(field)


class PresentPasswordForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """The password once more; who has none cannot give it."""

    password = PasswordField(_("Your password"), [InputRequired(_("Please give your password."))])

    def validate_password(self, field: PasswordField) -> None:
        """As at sign-in."""
        _must_be_present(field)


class PressForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """A form that is one button."""


def _must_be_present(field: PasswordField) -> None:
    if not current_user.password or not verify_password(field.data or "", current_user.password):
        raise ValidationError(gettext("This is not your present password."))
