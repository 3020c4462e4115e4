"""The forms of the newsroom; what is wrong with an article is told by the importer's rules."""

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import (
    FileField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, DateTimeLocalInput, ListWidget, TextArea

from paywall.access.decision import Gate, Level
from paywall.accounts import reasons
from paywall.articles.manuscript import LIMITS, LONGEST_TAG, NUMBERS, Fault, Manuscript
from paywall.articles.models import Section
from paywall.articles.terms import Terms
from paywall.db import db
from paywall.membership.models import Plan
from paywall.office.newsroom import written
from paywall.office.newsroom.catalogue import State
from paywall.office.newsroom.written import NO_PLAN, PLANS_ONLY

LEVELS = {
    "public": "Open to everyone",
    "registered": "For readers with an account",
    "patrons": "For patrons",
    PLANS_ONLY: "For certain plans only",
}
AS_RULES_SAY = "As the rules say"
METERED = {"": AS_RULES_SAY, "yes": "Yes", "no": "No"}
PLACES = {"text": "Into the text", "lead": "Over the article"}
WHY = "Why, if it is worth a word"
STATES = {"": "All", State.DRAFT: "Drafts", State.AHEAD: "Scheduled", State.OUT: "Out"}


def _up_to(most: int) -> list[Any]:
    """A whole number or none."""
    return [Optional(), NumberRange(1, most)]


class PlansField(SelectMultipleField):
    """Plans to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class MomentField(StringField):
    """A date and a time in the site's own; read by `written`, which says what is wrong with it."""

    widget = DateTimeLocalInput()


class ArticleForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """An article as an editor writes it. `version` is what was read, `caret` where the cursor stood."""

    version = HiddenField(default="0")
    caret = HiddenField()
    title = StringField("Title")
    slug = StringField("Address")
    standfirst = TextAreaField("Summary", widget=TextArea())
    byline = StringField("Byline")
    section = StringField("Section")
    tags = StringField("Tags")
    body = TextAreaField("Text")
    picture = StringField("Picture over the article")
    picture_alt = StringField("What it shows")
    picture_credit = StringField("Credit")
    published_at = MomentField("Comes out")
    gate = SelectField("Who may read it")
    plans = PlansField("Plans")
    is_metered = SelectField("Do free reads open it?", choices=METERED)
    free_until = MomentField("Open to everyone until")
    free_from = MomentField("Open to everyone from")
    first_hours = StringField("For patrons first, hours")
    archive_days = StringField("For patrons again after, days")
    reason = StringField(WHY)
    upload = FileField("Picture file")
    upload_alt = StringField("What it shows")
    upload_place = RadioField("Where it goes", choices=PLACES, default="text")

    @property
    def seen(self) -> int:
        """The version that was read; 0 for none."""
        said = self.version.data or ""
        return int(said) if said.isdecimal() and len(said) < 10 else 0

    def offer(self, rules_say: str, gate: str) -> None:
        """Let the gates and plans be chosen that there are, and the one that the article has."""
        own = Gate.parse(gate or "public")
        plans = db.session.execute(select(Plan.slug, Plan.name).order_by(Plan.position, Plan.id))
        unknown = {gate: f"{gate}: unknown, for staff only"} if own.level is Level.UNKNOWN else {}
        self.gate.choices = {"": f"{AS_RULES_SAY}: {rules_say}"} | LEVELS | unknown
        there = {row.slug: row.name for row in plans}
        self.plans.choices = {slug: slug for slug in sorted(own.plans)} | there

    def tell(self, faults: Iterable[Fault]) -> int:
        """Put what is wrong beside its field; how much that is."""
        told = list(faults)
        for fault in told:
            field = self[fault.field]
            line = f"Line {fault.line}: " if fault.line else ""
            field.errors = [*field.errors, f"{line}{fault.message}."]
        return len(told)

    def say(self, given: Manuscript, zone: Any) -> None:
        """Fill the fields with a manuscript."""
        for name, value in written.fields(given, zone).items():
            self[name].data = value


class ListForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """Which articles the list shows; it is part of the address, so it needs no token."""

    class Meta:
        """How WTForms is told so."""

        csrf = False

    q = StringField("Words of the title")
    state = SelectField("State", choices=STATES)
    section = SelectField("Section", validate_choice=False)
    tag = StringField("Tag")


class RuleForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """A rule for the gates of a section, of a tag, or of all articles."""

    section = SelectField("For the section")
    tag = StringField("or for the tag", [Length(max=LONGEST_TAG)])
    gate = SelectField("Who may read", choices=LEVELS)
    plans = PlansField("Plans")
    first_hours = IntegerField("For patrons first, hours", _up_to(NUMBERS["first_hours"]))
    archive_days = IntegerField("For patrons again after, days", _up_to(NUMBERS["archive_days"]))
    is_metered = SelectField("Do free reads open it?", choices=METERED)
    position = IntegerField("Place in the order", _up_to(1000))
    reason = StringField(WHY, [Length(max=reasons.LONGEST)])

    def offer(self) -> None:
        """Let the sections and plans be chosen that there are."""
        sections = db.session.execute(select(Section.slug, Section.name).order_by(Section.position))
        plans = db.session.execute(select(Plan.slug, Plan.name).order_by(Plan.position, Plan.id))
        self.section.choices = {"": "All"} | {row.slug: row.name for row in sections}
        self.plans.choices = {row.slug: row.name for row in plans}

    def validate_gate(self, field: SelectField) -> None:
        """A gate for plans needs one."""
        if field.data == PLANS_ONLY and not self.plans.data:
            raise ValidationError(f"{NO_PLAN.capitalize()}.")

    def terms(self) -> Terms:
        """What the rule says."""
        return Terms(
            written.gate_of(self.gate.data, list(self.plans.data or ())),
            first_hours=self.first_hours.data,
            archive_days=self.archive_days.data,
            is_metered=written.METERED[self.is_metered.data],
        )


class UnlockForm(FlaskForm):  # type: ignore[misc]  # the library is untyped
    """Opens an article, or all with a tag, to everyone for a time."""

    article = StringField("Article", [Length(max=LIMITS["slug"])])
    tag = StringField("or all with the tag", [Length(max=LONGEST_TAG)])
    until = MomentField("Until", [InputRequired("Say until when: it closes by itself.")])
    why = StringField("Why", [InputRequired("Say why: it stays on record."), Length(max=400)])
