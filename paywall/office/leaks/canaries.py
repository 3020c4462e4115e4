"""Articles that hold a word nobody may read, and readers who ask for them: planted, then pulled up."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask, current_app
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import delete, select

from paywall import clock
from paywall.accounts import sessions, staff
from paywall.accounts.models import Reader, StaffRole, reader_role
from paywall.articles import gates
from paywall.articles.models import Article, Section
from paywall.articles.render import render
from paywall.config import Settings
from paywall.db import db
from paywall.errors import NotFound

PREFIX = "leaktest-"
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
KINDS: dict[str, dict[str, object]] = {
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

    def is_for(self, who: str) -> bool:
        """Whether this visitor may read it."""
        return who == STAFF or (who == READER and self.kind == "registered")


STRANGER, READER, STAFF = "stranger", "reader", "staff"


@dataclass(frozen=True, slots=True)
class Planted:
    """What is asked for, and the cookie of each who asks; "" is none."""

    canaries: tuple[Canary, ...]
    section: str
    cookies: dict[str, str]


@contextmanager
def planted() -> Iterator[Planted]:
    """Plant one canary of each kind and the readers who ask for them; all are gone afterwards. Commits."""
    pull_up()
    try:
        section = _section()
        canaries = tuple(_plant(kind, section) for kind in ("tomorrow", *KINDS, "draft"))
        cookies = {STRANGER: "", READER: _sign_in(None), STAFF: _sign_in(StaffRole.EDITOR)}
        done = Planted(canaries, section.slug, cookies)
        db.session.commit()
        yield done
    finally:
        db.session.rollback()
        pull_up()


def pull_up() -> None:
    """Delete what a test left, one that was killed too. Commits."""
    mine = select(Reader.id).where(Reader.email.like(f"{PREFIX}%@{DOMAIN}"))
    db.session.execute(delete(reader_role).where(reader_role.c.reader_id.in_(mine)))
    db.session.execute(delete(Reader).where(Reader.id.in_(mine)))
    db.session.execute(delete(Article).where(Article.slug.like(f"{PREFIX}%")))
    db.session.commit()


def _section() -> Section:
    found = db.session.scalar(select(Section).order_by(Section.position).limit(1))
    if found is None:
        raise NotFound("There is no section yet: import an article first.")
    return found


def _plant(kind: str, section: Section) -> Canary:
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
        is_metered=False,
        **KINDS.get(kind, {"gate": "public"}),
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


def _sign_in(role: StaffRole | None) -> str:
    """The session of a new reader who has no password and no address that exists."""
    reader = Reader(email=f"{PREFIX}{secrets.token_hex(8)}@{DOMAIN}", confirmed_at=clock.now())
    if role:
        reader.roles.append(staff.row(role))
    db.session.add(reader)
    db.session.flush()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the app behind the proxy
    interface = app.session_interface
    assert isinstance(interface, SecureCookieSessionInterface)
    signer = interface.get_signing_serializer(app)
    assert signer is not None
    since = int(clock.now().timestamp())
    session = {"_user_id": reader.fs_uniquifier, "_fresh": True, sessions.SINCE: since}
    return f"{interface.get_cookie_name(app)}={signer.dumps(session)}"
