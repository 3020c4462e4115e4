"""A door that asks for gift links and institutions, as the product's own is to do."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from paywall.access.arrivals import Arrival, Arrivals
from paywall.access.decision import Gate, Reason, Visitor
from paywall.access.gift_links import opening
from paywall.access.gift_links.opening import OPENING, GiftLinks, Opening
from paywall.access.institutions.reading import Institutions
from paywall.access.institutions.reading import Reading as ByInstitution
from paywall.access.meter import Read
from paywall.access.middleware import Door
from paywall.access.visitors import Known
from paywall.accounts.sessions import SessionFacts


class AskingDoor(Door):
    """The door, and what it has to do more; taken out again once the product's own does it."""

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        is_ours = environ.get("PATH_INFO", "").startswith(self._prefix)
        if is_ours and opening.token_in(environ) is not None:
            start_response = opening.unshared(start_response)
        return super().__call__(environ, start_response)


class AskingArrivals(Arrivals):
    """Likewise for what it is asked; one request at a time."""

    links: GiftLinks
    institutions: Institutions
    environ: Any
    found: Opening | None
    by_institution: ByInstitution | None

    def decide(self, environ: Mapping[str, Any], gate: Gate, key: str, now: datetime) -> Arrival:
        self.environ, self.found = environ, None
        token = opening.token_in(environ)
        if token is not None:
            with self._reading().connect() as connection:
                self.found = self.links.look(connection, token, key, now)
        arrival = super().decide(environ, gate, key, now)
        if self.by_institution and arrival.decision.reason is Reason.INSTITUTION:
            self.institutions.count(self.by_institution, key, environ, now)
        if self.found is None:
            return arrival
        self.environ[OPENING] = self.found
        return replace(arrival, has_flashes=True)

    def _known(self, session: SessionFacts, key: str, now: datetime) -> Known | None:
        known = super()._known(session, key, now)
        if known is None:
            return None
        return Known(self._with_passes(known.visitor, known.email, now), known.email)

    def _stranger(self, gate: Gate, key: str, reads: tuple[Read, ...] | None, now: datetime) -> Visitor:
        return self._with_passes(super()._stranger(gate, key, reads, now), None, now)

    def _with_passes(self, visitor: Visitor, email: str | None, now: datetime) -> Visitor:
        if self.found:
            self.links.opened(self.found, self.environ, visitor.reader_id)
        self.by_institution = self.institutions.holding(self.environ["REMOTE_ADDR"], email, now)
        return replace(
            visitor,
            has_gift=bool(self.found and self.found.is_good),
            institution=self.by_institution.holding if self.by_institution else None,
        )


@pytest.fixture
def asking_door(app: Flask) -> None:
    """Let the product's door ask."""
    let_it_ask(app)


def let_it_ask(app: Flask) -> None:
    """Let the door of an app ask."""
    door = app.extensions["door"]
    door.__class__, door._arrivals.__class__ = AskingDoor, AskingArrivals
    door._arrivals.links = app.extensions["gift_links"]
    door._arrivals.institutions = app.extensions["institutions"]
