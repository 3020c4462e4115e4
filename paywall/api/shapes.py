"""What the API answers, field by field: these models write it and document it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from paywall.access import decision, words
from paywall.access.decision import Level, Reason, Show
from paywall.articles.typesetting import Kept
from paywall.membership.rules import Interval


class Shape(BaseModel):
    """What they have in common: no other fields, and no value taken for one of another type."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, use_attribute_docstrings=True
    )


class SectionName(Shape):
    """A section of the paper."""

    slug: str
    name: str


class Picture(Shape):
    """A picture beside an article; its size is in pixels."""

    url: str
    width: int | None
    height: int | None
    alt: str
    credit: str


class Access(Shape):
    """What the door says to whoever asks."""

    show: Show
    reason: Reason
    gate: Level
    """What the gate that stands now asks for."""
    offer: tuple[str, ...]
    """Slugs of plans that would open it; empty where any plan does."""
    until: datetime | None
    """When it will be another answer, as far as is known now."""


class Article(Shape):
    """An article as far as whoever asks may read it."""

    slug: str
    url: str
    """The page on the site."""
    title: str
    standfirst: str
    byline: str
    section: SectionName
    tags: tuple[str, ...]
    published_at: datetime | None
    updated_at: datetime
    version: int
    """Grows with every change."""
    picture: Picture | None
    access: Access
    teaser_html: str
    words: int
    """Words of the whole article."""
    words_left: int
    """Words that this answer leaves out."""


class WholeArticle(Article):
    """An article with its text: only where `access.show` is full."""

    html: str


class ArticlePage(Shape):
    """Some articles, newest first."""

    articles: tuple[WholeArticle | Article, ...]
    next: str | None
    """Where the next older ones are; null if there are none."""


class Tried(Shape):
    """One rule that was asked on the way to the decision."""

    rule: str
    says: str
    answer: Reason | None
    """Null: the rule had nothing to say, and the next one was asked."""

    @classmethod
    def of(cls, tried: decision.Tried) -> "Tried":
        """A rule and its answer in words."""
        return cls(
            rule=tried.rule, says=words.tried(tried), answer=tried.answer.reason if tried.answer else None
        )


class AccessAnswer(Shape):
    """Whether a reader may read an article, and by which rule."""

    article: str
    reader: str
    is_known: bool
    """Whether there is an account with this address; without one the answer is that for any visitor."""
    access: Access
    trace: tuple[Tried, ...]
    """The rules in the order in which they were asked; the last one decided."""


class Price(Shape):
    """What a plan costs each month or year, or one seat of it."""

    amount: int
    """In minor units: 500 is 5 euro."""
    currency: str
    interval: Interval


class Seats(Shape):
    """How many seats can be bought."""

    least: int
    most: int


class Plan(Shape):
    """A plan that anyone can join."""

    slug: str
    name: str
    description: str
    trial_days: int
    seats: Seats | None
    """Null: for one reader. Otherwise prices are those of one seat."""
    prices: tuple[Price, ...]
    join_url: str


class Plans(Shape):
    """The plans in their order."""

    plans: tuple[Plan, ...]


class KeptArticle(Shape):
    """What became of an article that was handed in."""

    slug: str
    url: str
    version: int
    outcome: Kept
    published_at: datetime | None


class KeptPicture(Shape):
    """A picture that articles can show from now on, by its name."""

    name: str
    url: str
    width: int
    height: int


class ProblemField(Shape):
    """One wrong field: of the body (`pointer`) or of the query (`parameter`)."""

    detail: str
    pointer: str = ""
    parameter: str = ""


class Problem(Shape):
    """An error, after RFC 9457."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    errors: tuple[ProblemField, ...] = ()
