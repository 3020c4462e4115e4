"""What Flask-Security says to our readers, in our words."""

from flask_babel import lazy_gettext as _

MESSAGES = {
    "GENERIC_AUTHN_FAILED": (_("This e-mail address and this password do not belong together."), "error"),
    "INVALID_EMAIL_ADDRESS": (_("This does not look like an e-mail address."), "error"),
    "EMAIL_NOT_PROVIDED": (_("Please give your e-mail address."), "error"),
    "PASSWORD_NOT_PROVIDED": (_("Please give your password."), "error"),
    "INVALID_PASSWORD": (_("This is not your present password."), "error"),
    "PASSWORD_IS_THE_SAME": (_("This is the password that you have already."), "error"),
    "RETYPE_PASSWORD_MISMATCH": (_("The two passwords differ."), "error"),
    "DISABLED_ACCOUNT": (_("This account is closed. Write to us if you think it should not be."), "error"),
    "PASSWORD_RESET_EXPIRED": (_("This link has expired. Ask for a new one."), "warning"),
    "INVALID_RESET_PASSWORD_TOKEN": (
        _("This link has been used, or is not whole. Ask for a new one."),
        "warning",
    ),
    "PASSWORD_RESET_NO_LOGIN": (_("Your new password is set. Sign in with it."), "success"),
    "PASSWORD_CHANGE": (_("Your password is changed, and every other browser is signed out."), "success"),
    "UNAUTHENTICATED": (_("Please sign in first."), "info"),
}
