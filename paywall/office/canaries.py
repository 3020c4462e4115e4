"""Articles that hold a word not for all, and readers who ask for them: planted, changed, then pulled up."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask, current_app
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import delete, select

from paywall import clock
from paywall.access.gift_links.models import GiftLink
from paywall.accounts import sessions, staff
from paywall.accounts.models import Reader, StaffRole, reader_role
from paywall.api.models import ApiToken
from paywall.articles import gates
from paywall.articles.models import Article, Section
from paywall.articles.render import render
from paywall.config import Settings
from paywall.db import db
from paywall.errors import NotFound
from paywall.membership.models import Plan, PlanState, Subscription
from paywall.membership.rules import Interval, Source, Status

PREFIX = "leaktest-"
WORD = re.compile("canary[0-9a-f]{12}")
DOMAIN = "leaktest.invalid"
# At the far end of the archive, where no front page and no feed looks.
LONG_AGO = timedelta(days=365 * 20)
TEXT = """Everybody may read this of {slug}.

<!-- more -->

## Below {word} begins what is hidden

The {asked} {word} is told to nobody. [It]({link} "{word}") is {word}.

![{word}](/pictures/none.jpg "{word}")
"""

# What an article says of its gate, and what of it must never be seen by a stranger.
Kinds = Mapping[str, Mapping[str, object]]
KINDS: Kinds = {
    "registered": {"gate": "registered"},
    "patrons": {"gate": "patrons"},
    "plan": {"gate": "plan:leaktest-nobody"},
    "unknown gate": {"gate": "leaktest"},
    "patrons first": {"gate": "public", "first_hours": 24 * 365 * 40},
    "archived": {"gate": "public", "archive_days": 1},
    "window that has closed": {"gate": "patrons", "free_until": datetime(2000, 1, 1, tzinfo=UTC)},
}
# Of these not even the title.
NOT_OUT = ("tomorrow", "draft")
OUT: Mapping[str, object] = {"gate": "public"}


@dataclass(frozen=True, slots=True)
class Canary:
    """An article by its kind. `word` is nowhere but in what is hidden, `asked` stands beside it."""

    kind: str
    slug: str
    word: str
    asked: str

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"{gates.ARTICLE_PATH}{self.slug}"


STRANGER, READER, PATRON, STAFF = "stranger", "reader", "patron", "staff"


@dataclass(frozen=True, slots=True)
class Planted:
    """What is asked for, and who asks: the cookie of each ("" is none), and ids of those with an account."""

    canaries: tuple[Canary, ...]
    section: str
    cookies: dict[str, str]
    readers: dict[str, int]


@contextmanager
def planted(
    kinds: Kinds = KINDS, *, patrons: Sequence[str] = (), readers: Sequence[str] = ()
) -> Iterator[Planted]:
    """Plant one canary of each kind and the readers who ask for them; all are gone afterwards. Commits.

    `patrons`: what those are called who hold a plan, if there should be any; `readers`: further ones without.
    """
    pull_up()
    try:
        section = _section()
        terms = {"tomorrow": OUT} | dict(kinds) | {"draft": OUT}
        canaries = tuple(_plant(kind, said, section) for kind, said in terms.items())
        people = {who: _reader() for who in (READER, *readers)} | {STAFF: _reader(StaffRole.EDITOR)}
        people |= dict(zip(patrons, _patrons(len(patrons)), strict=True))
        cookies = {STRANGER: ""} | {who: _sign_in(reader) for who, reader in people.items()}
        ids = {who: reader.id for who, reader in people.items()}
        done = Planted(canaries, section.slug, cookies, ids)
        db.session.commit()
        yield done
    finally:
        db.session.rollback()
        pull_up()


def pull_up() -> None:
    """Delete what a test left, one that was killed too. Commits."""
    mine = select(Reader.id).where(Reader.email.like(f"{PREFIX}%@{DOMAIN}"))
    db.session.execute(delete(reader_role).where(reader_role.c.reader_id.in_(mine)))
    db.session.execute(delete(GiftLink).where(GiftLink.giver_id.in_(mine)))
    db.session.execute(delete(ApiToken).where(ApiToken.name.like(f"{PREFIX}%")))
    db.session.execute(delete(Subscription).where(Subscription.reader_id.in_(mine)))
    db.session.execute(delete(Reader).where(Reader.id.in_(mine)))
    db.session.execute(delete(Article).where(Article.slug.like(f"{PREFIX}%")))
    db.session.execute(delete(Plan).where(Plan.slug.like(f"{PREFIX}%")))
    db.session.commit()


def _section() -> Section:
    found = db.session.scalar(select(Section).order_by(Section.position).limit(1))
    if found is None:
        raise NotFound("There is no section yet: import an article first.")
    return found


def _plant(kind: str, terms: Mapping[str, object], section: Section) -> Canary:
    slug = f"{PREFIX}{secrets.token_hex(4)}"
    canary = Canary(kind, slug, f"canary{secrets.token_hex(6)}", f"asked{secrets.token_hex(6)}")
    is_hidden = kind in NOT_OUT
    article = Article(
        slug=slug,
        title=canary.word if is_hidden else f"Leak test, {kind}",
        standfirst=canary.word if is_hidden else "",
        section=section,
        body=TEXT.format(slug=slug, word=canary.word, asked=canary.asked, link="https://leaktest.invalid/"),
        published_at=_published_at(kind),
        **{"is_metered": False, **terms},
    )
    settings: Settings = current_app.extensions["settings"]
    render(article, words=settings.teaser_words)
    db.session.add(article)
    return canary


def _published_at(kind: str) -> datetime | None:
    match kind:
        case "draft":
            return None
        case "tomorrow":
            return clock.now() + timedelta(days=1)
    return clock.now() - LONG_AGO


def _reader(role: StaffRole | None = None) -> Reader:
    """A new reader without a password, and with an address that does not exist."""
    reader = Reader(email=f"{PREFIX}{secrets.token_hex(8)}@{DOMAIN}", confirmed_at=clock.now())
    if role:
        reader.roles.append(staff.row(role))
    db.session.add(reader)
    db.session.flush()
    return reader


def _patrons(number: int) -> Iterator[Reader]:
    """Readers who hold a plan; without a line in the ledger, which nobody could take out again."""
    plan = Plan(slug=f"{PREFIX}{secrets.token_hex(4)}", name="Leak test", state=PlanState.CLOSED)
    now = clock.now()
    for _ in range(number):
        reader = _reader()
        held = Subscription(
            reader=reader,
            plan=plan,
            source=Source.COMP,
            external_id=f"{PREFIX}{secrets.token_hex(8)}",
            status=Status.ACTIVE,
            amount=0,
            currency="eur",
            interval=Interval.MONTH,
            monthly=0,
            started_at=now,
            access_until=now + timedelta(hours=1),
        )
        db.session.add(held)
        db.session.flush()
        yield reader


def _sign_in(reader: Reader) -> str:
    """The cookie of the session that this reader has begun."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the app behind the proxy
    interface = app.session_interface
    assert isinstance(interface, SecureCookieSessionInterface)
    signer = interface.get_signing_serializer(app)
    assert signer is not None
    since = int(clock.now().timestamp())
    session = {"_user_id": reader.fs_uniquifier, "_fresh": True, sessions.SINCE: since}
    return f"{interface.get_cookie_name(app)}={signer.dumps(session)}"
