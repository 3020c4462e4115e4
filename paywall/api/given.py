"""What is asked of the API and handed in, field by field: these models check it and document it."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field

from paywall.api.shapes import Shape
from paywall.articles.manuscript import LIMITS, NUMBERS

MOST = 100


def _in_utc(given: datetime) -> datetime:
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise ValueError("this instant lies outside of the calendar") from None


def _written_out(given: Any) -> Any:
    # Otherwise a bare number would be taken for seconds since 1970.
    if not isinstance(given, str) or "T" not in given.upper():
        raise ValueError("write it out, like 2026-11-24T06:00:00Z")
    return given


Instant = Annotated[
    AwareDatetime, Field(strict=False), AfterValidator(_in_utc), BeforeValidator(_written_out)
]


class ArticlesAsked(Shape):
    """Which articles are wanted."""

    section: Annotated[str, Field(max_length=60)] = ""
    """Only those of this section, by its slug."""
    tag: Annotated[str, Field(max_length=60)] = ""
    """Only those with this tag."""
    since: Instant | None = None
    """Only those published at this instant or later, like 2026-11-24T06:00:00Z."""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20
    """So many at once."""
    cursor: Annotated[str, Field(max_length=100)] = ""
    """Where to go on: follow `next`, which has it in it."""


class AccessAsked(Shape):
    """Who wants to read what."""

    article: Annotated[str, Field(min_length=1)]
    """The article's slug."""
    reader: Annotated[str, Field(max_length=320)] = ""
    """The reader's e-mail address; a reader's own token stands for themself."""


class PictureAsked(Shape):
    """Under which name a picture is kept."""

    name: str
    """A file name in small letters, like stair.jpg."""


def _told(name: str, **more: Any) -> Any:
    # Length and range are checked with everything else (articles/manuscript); here they are only told.
    return Field(json_schema_extra={"maxLength": LIMITS[name], **more})


def _counted(name: str) -> Any:
    return Field(json_schema_extra={"minimum": 0, "maximum": NUMBERS[name]})


class ArticleChange(Shape):
    """Those fields of an article that change; the others stay as they are."""

    model_config = ConfigDict(strict=True)

    title: Annotated[str, _told("title")] = ""
    section: Annotated[str, _told("section")] = ""
    """The section's name, like City; one that is new is made."""
    body_markdown: str | None = None
    """The text in Markdown. <!-- more --> ends the teaser."""
    body_html: str | None = None
    """The text in HTML instead; what is not on our list of tags is taken out."""
    standfirst: Annotated[str, _told("standfirst")] = ""
    byline: Annotated[str, _told("byline")] = ""
    picture: Annotated[str, _told("picture")] = ""
    """The name of a picture that was handed in before."""
    picture_alt: Annotated[str, _told("picture_alt")] = ""
    picture_credit: Annotated[str, _told("picture_credit")] = ""
    tags: tuple[str, ...] = ()
    published_at: Instant | None = None
    """When it is out; null keeps it unseen."""
    gate: Annotated[str, _told("gate")] = ""
    """public, registered, patrons, plan:<slug>[,<slug>]; empty: as the newsroom's rules say."""
    free_until: Instant | None = None
    free_from: Instant | None = None
    first_hours: Annotated[int | None, _counted("first_hours")] = None
    """For patrons first, for so many hours."""
    archive_days: Annotated[int | None, _counted("archive_days")] = None
    """For patrons again after so many days."""
    metered: bool | None = None
    """Whether free reads open it; null: as the rules say."""


class ArticleGiven(ArticleChange):
    """A whole article: what is left out is empty. Give one of body_markdown and body_html."""

    title: Annotated[str, _told("title")]
    section: Annotated[str, _told("section")]
    """The section's name, like City; one that is new is made."""
