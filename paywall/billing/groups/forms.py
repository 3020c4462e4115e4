"""The form by which an owner invites: one address a line."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length

from paywall.accounts import addresses

LONGEST = 50_000
SHOWN = 3


class InviteForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """After validation `found` are the normalised addresses, each once, in their order."""

    addresses = TextAreaField(
        _("E-mail addresses, one a line"),
        [InputRequired(_("Please give an address.")), Length(max=LONGEST)],
    )

    def validate_addresses(self, field: Field) -> None:
        """Each line is an address; the first few that are none are named."""
        lines = lines_of(field.data or "")
        known = {line: addresses.normalise(line) for line in lines}
        wrong = [line for line, found in known.items() if found is None]
        if wrong:
            named = ", ".join(line[:60] for line in wrong[:SHOWN])
            raise ValidationError(
                gettext("Nobody was invited, for this does not look like an address: %(lines)s", lines=named)
            )
        self.found = list(dict.fromkeys(found for found in known.values() if found))


def lines_of(text: str) -> list[str]:
    """The lines that say something; commas and semicolons part them too, as address books write them."""
    parts = text.replace(",", "\n").replace(";", "\n").splitlines()
    return [part.strip() for part in parts if part.strip()]
