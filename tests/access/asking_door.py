"""A door that asks for gift links and institutions, as the product's own is to do."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from paywall import clock
from paywall.access.decision import Decision, Reason, decide
from paywall.access.gift_links import opening
from paywall.access.gift_links.opening import OPENING, GiftLinks, Opening
from paywall.access.institutions.reading import Institutions
from paywall.access.middleware import DECISION, SIGNED_IN, Door, Gated
from paywall.access.visitors import NOBODY, visitor
from paywall.accounts.models import Reader
from paywall.accounts.sessions import SessionFacts
from paywall.articles.models import Article
from paywall.db import db


class AskingDoor(Door):
    """The door, and what it has to do more; taken out again once the product's own does it."""

    app: Flask

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        token = opening.token_in(environ)
        is_ours = environ.get("PATH_INFO", "").startswith(self._prefix)
        if token is not None and is_ours:
            start_response = opening.unshared(start_response)
        return super().__call__(environ, start_response)

    def _answer(self, path: str, gated: Gated, environ: Any, start_response: Any) -> Iterable[bytes]:
        key, now = self._key(path), clock.now()
        links: GiftLinks = self.app.extensions["gift_links"]
        institutions: Institutions = self.app.extensions["institutions"]
        session, token = self._sessions(environ), opening.token_in(environ)
        with self._engine().connect() as connection:
            who = visitor(connection, session.uniquifier, now) if session.uniquifier else NOBODY
            found = links.look(connection, token, key, now) if token is not None else None
        reading = institutions.holding(environ["REMOTE_ADDR"], self._email(session), now)
        who = replace(
            who, institution=reading.holding if reading else None, has_gift=bool(found and found.is_good)
        )
        decision = decide(gated.gate, who, now)
        if found:
            links.opened(found, environ, who.reader_id)
        if reading and decision.reason is Reason.INSTITUTION:
            institutions.count(reading, key, environ, now)
        return self._shown(environ, start_response, decision, found, signed_in=who.reader_id is not None)

    def _shown(
        self, environ: Any, start: Any, decision: Decision, found: Opening | None, *, signed_in: bool
    ) -> Iterable[bytes]:
        environ[DECISION], environ[SIGNED_IN], environ[OPENING] = decision, signed_in, found
        return self._app(environ, start)

    def _key(self, path: str) -> str:
        with self.app.app_context():
            slug = path.removeprefix(self._prefix)
            return str(db.session.query(Article.id).filter_by(slug=slug).scalar())

    def _email(self, session: SessionFacts) -> str | None:
        if session.uniquifier is None:
            return None
        with self.app.app_context():
            reader = db.session.query(Reader).filter_by(fs_uniquifier=session.uniquifier).one_or_none()
            return reader.email if reader and reader.confirmed_at else None


@pytest.fixture
def asking_door(app: Flask) -> None:
    """Let the product's door ask."""
    door = app.extensions["door"]
    door.__class__ = AskingDoor
    door.app = app
