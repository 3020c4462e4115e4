"""Why a reader can, or cannot, read an article: each rule that was asked, and what it went by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import select

from paywall.access import free_reads
from paywall.access.decision import Decision, Gate, Meter, Tried, Visitor, trace
from paywall.access.institutions.reading import by_address
from paywall.access.visitors import Readers
from paywall.accounts import addresses
from paywall.accounts.models import Reader
from paywall.articles import gates
from paywall.articles.models import Article, Section
from paywall.articles.terms import House, Rule
from paywall.config import Settings
from paywall.db import db
from paywall.errors import BadInput, NotFound
from paywall.membership import applied
from paywall.membership.models import Plan, PlanState, Subscription
from paywall.office.simulator import Newsroom


@dataclass(frozen=True, slots=True)
class Before:
    """An article's gate, and where it comes from. `rule`: the first for it; its own gate may overrule it."""

    slug: str
    title: str
    published_at: datetime | None
    own_gate: str
    rule: Rule | None
    gate: Gate
    key: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision with all that it went by; `reader` is None for a visitor who is not signed in."""

    article: Before
    reader: Reader | None
    visitor: Visitor
    held: Sequence[Subscription]
    tried: tuple[Tried, ...]
    now: datetime

    @property
    def decision(self) -> Decision:
        """What the door says."""
        last = self.tried[-1].answer
        assert last is not None
        return last


def explain(email: str | None, slug: str, now: datetime) -> Explained:
    """The trace for the reader with this address, or a visitor who has read nothing yet; raises NotFound."""
    article = before(slug, now)
    reader = _reader(email) if email else None
    visitor = _visitor(reader, article.key, now)
    held: Sequence[Subscription] = ()
    if reader:
        query = select(Subscription).where(Subscription.reader_id == reader.id)
        held = db.session.scalars(query.order_by(Subscription.id.desc())).all()
    return Explained(article, reader, visitor, held, trace(article.gate, visitor, now), now)


def before(slug: str, now: datetime) -> Before:
    """The gate of an article that need not be out yet; raises NotFound."""
    query = select(*gates.COLUMNS, Article.title).join(Section, Article.section_id == Section.id)
    row = db.session.execute(query.where(Article.slug == slug)).first()
    if row is None:
        raise NotFound(f"There is no article {slug!r}.")
    house: House = gates.house_now(now)
    rule = house.rule(gates.about(row))
    return Before(slug, row.title, row.out_at, row.gate, rule, gates.of(row, house), str(row.article_id))


def newsroom() -> Newsroom:
    """What the simulator goes by: plans that are not hidden, the policy and the free reads in force."""
    settings: Settings = current_app.extensions["settings"]
    query = select(Plan.slug).where(Plan.state != PlanState.HIDDEN).order_by(Plan.position, Plan.id)
    return Newsroom(tuple(db.session.scalars(query)), applied.in_force(), free_reads.allowed(settings))


def _reader(email: str) -> Reader:
    address = addresses.normalise(email)
    if address is None:
        raise BadInput(f"{email!r} is not an address.")
    reader = db.session.scalar(select(Reader).where(Reader.email == address))
    if reader is None:
        raise NotFound(f"No reader has the address {address}.")
    return reader


def _visitor(reader: Reader | None, key: str, now: datetime) -> Visitor:
    settings: Settings = current_app.extensions["settings"]
    allowance = free_reads.allowed(settings)
    if reader is None:
        return Visitor(meter=Meter(allowance.visitor) if allowance.visitor else None)
    known = Readers(allowance).by_email(db.session, reader.email, key, now)
    # An account that was closed is nobody at the door.
    return by_address(known, now)
