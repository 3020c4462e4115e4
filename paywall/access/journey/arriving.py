"""At the door and on our own pages: what is counted of a visit, and what the browser is told to remember."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from flask import Flask, Response, after_this_request, has_request_context, request
from flask_login import user_logged_out
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import dump_cookie

from paywall import clock
from paywall.access import tally
from paywall.access.arrivals import VALUE
from paywall.access.decision import Reason
from paywall.access.journey import counting, touches
from paywall.access.journey.steps import TOUCHING, UNCOUNTED, Seen, Step
from paywall.access.journey.touches import Memory, Touches
from paywall.access.tally import Tally
from paywall.accounts.models import Reader
from paywall.accounts.readers import account_made
from paywall.accounts.sessions import cookie_in
from paywall.behind import Behind
from paywall.config import Settings
from paywall.db import db

Headers = tuple[tuple[str, str], ...]
NOTHING: Headers = ()

log = structlog.get_logger()


class Journey:
    """Counts visits and steps, and has browsers remember which gated articles they saw; one for each app."""

    def __init__(self, app: Flask, settings: Settings, pages: Mapping[str, Step]) -> None:
        self._zone = ZoneInfo(settings.timezone)
        self._remembers = settings.journey_days > 0
        self._memory = Memory(settings.secret_key.get_secret_value())
        self._pages = pages
        self._tally = Tally(app, counting.add)
        self._set_cookie = dump_cookie(
            touches.COOKIE,
            VALUE,
            max_age=touches.WINDOW,
            httponly=True,
            secure=settings.https,
            samesite="Lax",
            sync_expires=False,
        )
        self._secure = settings.https
        # Many come for the first time, or come again, to the same article on the same day.
        self._headers = lru_cache(maxsize=touches.REMEMBERED)(self._new_headers)
        self._today = (clock.now(), clock.now(), date.min)

    def arrived(
        self, reason: Reason, environ: Mapping[str, Any], key: str, now: datetime, path: str = ""
    ) -> Headers:
        """Count that somebody reads, whom the door told this; what goes with the answer besides.

        That is the cookie of touches, if there is a new one: then the answer is for this browser alone. Asks
        no database, never waits, never raises.
        """
        if reason in UNCOUNTED or not tally.is_asked_by_someone(environ):
            return NOTHING
        today = self.day(now)
        # A HEAD is no visit, but is told what a GET would be: a cache may ask the one for the other.
        if environ["REQUEST_METHOD"] == "GET":
            _counted.add((self._tally, today, reason, key, path))
        if reason not in TOUCHING or not self._remembers or refuses(environ):
            return NOTHING
        return self._headers(cookie_in(environ, touches.COOKIE), key, today)

    def brought(self, environ: Mapping[str, Any], now: datetime) -> Touches:
        """The gated articles that a browser saw in the last days; none if it says that it minds."""
        if not self._remembers or refuses(environ):
            return ()
        return touches.within(self._memory.read(cookie_in(environ, touches.COOKIE)), self.day(now))

    def day(self, now: datetime) -> date:
        """The day of the paper's zone in which `now` lies."""
        since, until, today = self._today
        if not since <= now < until:
            today = now.astimezone(self._zone).date()
            since, until = (_midnight(day, self._zone) for day in (today, today + timedelta(days=1)))
            self._today = (since, until, today)
        return today

    def _new_headers(self, value: str, key: str, today: date) -> Headers:
        """What a browser with this cookie is told after it saw an article; nothing that it knows already."""
        known = self._memory.read(value)
        after = touches.seen(known, key, today)
        if after == known:
            return NOTHING
        return (("Set-Cookie", self._set_cookie.replace(VALUE, self._memory.write(after))),)

    def look_at(self, response: Response) -> Response:
        """Count a page of ours that is a step of the path."""
        step = self._pages.get(request.endpoint or "")
        if step and response.status_code == 200 and tally.is_read_by_someone(request.environ):
            _counted.add((self._tally, self.day(clock.now()), step, "", ""))
        return response

    def forget(self, response: Response) -> Response:
        """Have the browser forget the touches: who sits there next did not see them."""
        if touches.COOKIE in request.cookies:
            response.delete_cookie(touches.COOKIE, httponly=True, secure=self._secure, samesite="Lax")
        return response


def refuses(environ: Mapping[str, Any]) -> bool:
    """Whether a browser says that its reader does not want to be followed."""
    return environ.get("HTTP_SEC_GPC") == "1" or environ.get("HTTP_DNT") == "1"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _count(waiting: list[tuple[Tally, date, str, str, str]]) -> None:
    for (counted, day, word, key, path), times in Counter(waiting).items():
        counted.add(Seen(day, word, key, path), times)
    for counted in {one[0] for one in waiting}:
        counted.write_when_due()


_counted = Behind(_count)


def init_app(app: Flask, settings: Settings, pages: Mapping[str, Step]) -> None:
    """Let app.extensions["journey"] know it; `pages` are those endpoints of ours that are steps."""
    journey = app.extensions["journey"] = Journey(app, settings, pages)
    app.after_request(journey.look_at)

    def made(_app: Flask, *, reader: Reader) -> None:
        now = clock.now()
        brought = journey.brought(request.environ, now) if has_request_context() else ()
        seen = Seen(journey.day(now), Step.ACCOUNT, brought[-1].key if brought else "")
        try:
            # Part of the sign-up's own transaction, which must not fail for it.
            with db.session.begin_nested():
                counting.add(db.session.connection(), {seen: 1})
        except SQLAlchemyError:
            log.exception("account_not_counted")

    def part(_app: Flask, **_facts: object) -> None:
        if has_request_context():
            after_this_request(journey.forget)

    # The signals hold them weakly, the app as long as it lives.
    app.extensions["journey_signals"] = made, part
    account_made.connect(made, app)
    user_logged_out.connect(part, app)
