"""The world of a schedule: the product with its database, a stand-in for Stripe, a few readers, a clock.

One world serves thousands of schedules. `begin()` puts the database and the stand-in back to what they were
when the newsroom opened: plans on sale, nobody there. Time stands still but for `pass_time`.
"""

import logging
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from flask.sessions import SecureCookieSessionInterface
from huey.signals import SIGNAL_ERROR
from sqlalchemy import func, make_url, select, text
from werkzeug.test import TestResponse

from paywall import clock, create_app, jobs
from paywall.accounts.models import Reader
from paywall.billing import gateway
from paywall.billing.models import StripeEvent
from paywall.config import Settings
from paywall.db import db
from paywall.errors import PaywallError
from paywall.mail import Letter
from paywall.post import HandOver
from paywall.sandbox import Sandbox, SandboxError
from paywall.sandbox.books import Books
from tests.torture import hooks, newsroom, turnstile
from tests.torture.oracle import Oracle, Policy, Told
from tests.torture.schedule import PEOPLE

T = TypeVar("T")
SHELF = ("plan", "price", "stripe_twin", "ticket_roll", "applied_policy", "role")
TIMEOUT = 0.001
BETWEEN_TRUNCATES = 50
LONGEST_HOP = timedelta(days=31)


class World:
    """Everything that a step acts on.

    `posted` is every body that was sent to us, oldest first; `told` every event that we are to hear of, by
    its id; `done` those that were seen done with, also if the inbox has forgotten them since.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._patch = pytest.MonkeyPatch()
        self._logs = structlog.get_config()
        hooks.quicken(self._patch, self._wall)
        self.app = create_app(settings)
        self.app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
        hooks.be_silent()
        self.sandbox: Sandbox = self.app.extensions["sandbox"]
        self._schedules = 0
        self._stand_in = settings.data_dir / "sandbox.sqlite3"
        self._is_sqlite = settings.database_url.startswith("sqlite")
        self._database = Path(make_url(settings.database_url).database or "")
        self._browser = self.app.test_client(use_cookies=False)
        self._mail = settings.data_dir / "posted.txt"
        self._original = settings.data_dir / "original"
        self.app.extensions["post"] = self._post
        self.app.extensions["jobs"].signal(SIGNAL_ERROR)(self._job_failed)
        self._forget()
        with self.app.app_context():
            hooks.watch(db.engine)
        self._open_stand_in()
        with self.app.app_context():
            newsroom.open_shop()
        self._keep_original()

    def begin(self) -> None:
        """Begin anew: as on the newsroom's first day, with readers who hold nothing."""
        self._put_back()
        self._open_stand_in()
        self.app.extensions["jobs"].flush()
        self._forget()
        with self.app.app_context():
            made = [Reader(email=f"reader{i}@example.org", confirmed_at=clock.now()) for i in range(PEOPLE)]
            db.session.add_all(made)
            db.session.commit()
            self.readers += [reader.id for reader in made]
            self._cookies += [self._signed_in(reader) for reader in made]

    def close(self) -> None:
        """Put back what was changed in the whole process."""
        self.close_doors()
        self._patch.undo()
        clock.use(None)
        logging.disable(logging.NOTSET)
        structlog.configure(**self._logs)

    @property
    def now(self) -> int:
        """The instant at which all of this world stands, in Unix seconds."""
        return int(self.sandbox.now().timestamp())

    def oracle(self) -> Oracle:
        """The truth at this instant."""
        return Oracle(self._stand_in, self.now, Policy())

    def remember(self) -> Oracle:
        """The truth at this instant; its events are kept, for Stripe forgets them after a while."""
        seen = self.oracle()
        self.told.update({event.id: event for event in seen.told})
        return seen

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, in spans within which no event is forgotten."""
        while span:
            hop = min(span, LONGEST_HOP)
            self.sandbox.advance(by=hop)
            self.remember()
            span -= hop

    def visit(self, who: int | None, path: str, **form: Any) -> str:
        """Let a reader go somewhere at our site: where they are sent on to; nothing if they are not."""
        return self.open(who, path, **form).location or ""

    def open(self, who: int | None, path: str, **form: Any) -> TestResponse:
        """Let a reader (None: a guest) send a form to our site, or without one open a page."""
        browser = self.app.test_client()
        if who is not None:
            browser.set_cookie(self.app.config["SESSION_COOKIE_NAME"], self._cookies[who])
        answer = browser.post(path, data=form) if form else browser.get(path)
        if answer.status_code == 500:
            self.crashes.append(f"{path} answered 500")
        return answer

    @contextmanager
    def job(self) -> Iterator[None]:
        """Within a job of the product; what it cannot do now ends there, as it does in the worker."""
        with self.app.app_context(), suppress(PaywallError):
            yield

    def in_dashboard(self, action: Callable[[Books, str, Any], T], id: str, **params: Any) -> T | None:
        """Do something in Stripe's dashboard, which knows no faults of the API; None if Stripe refuses."""
        with suppress(SandboxError), self.sandbox._work() as books:
            return action(books, id, params)
        return None

    def deliver(self) -> None:
        """Let Stripe send what is due to our webhook."""
        self.sandbox.deliveries.deliver_due(self._receive, limit=100)

    def work(self) -> None:
        """Run the jobs that wait."""
        jobs.drain(self.app)

    def send_again(self, place: int) -> None:
        """Let Stripe send once more what it has sent before."""
        if self.posted:
            self._send(*self.posted[place % len(self.posted)])

    def waits_until(self) -> datetime | None:
        """Until when something waits: a delivery, an event, a letter; None if nothing does."""
        with self.app.app_context():
            events = [max(filter(None, row)) for row in db.session.execute(_EVENTS_THAT_WAIT)]
            letters = db.session.scalar(select(func.min(Letter.try_at)).where(Letter.sent_at.is_(None)))
        sent = self.sandbox._store.connection().execute(_NEXT_DELIVERY).fetchone()[0]
        delivery = None if sent is None else datetime.fromtimestamp(sent, UTC)
        return min(filter(None, (*events, letters, delivery)), default=None)

    def close_doors(self) -> None:
        """Let go of all connections to our database, so that a process of its own can be made."""
        with self.app.app_context():
            db.engine.dispose()

    def lose_queue(self) -> None:
        """The jobs that waited in a process die with it."""
        self.app.extensions["jobs"].flush()

    def letters_posted(self) -> Counter[str]:
        """How often each letter (by its message id) was handed to the mail server, in whatever process."""
        return Counter(self._mail.read_text().split())

    def _receive(self, _url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.posted.append((body, dict(headers)))
        return self._send(body, dict(headers))

    def _send(self, body: bytes, headers: dict[str, str]) -> int:
        status = self._browser.post("/webhooks/stripe", data=body, headers=headers).status_code
        if status >= 500:
            self.crashes.append(f"the webhook answered {status}")
        return status

    @contextmanager
    def _post(self) -> Iterator[HandOver]:
        turnstile.passing()
        yield self._take_letter
        turnstile.passing()

    def _take_letter(self, message: EmailMessage) -> None:
        turnstile.mortal()
        with self._mail.open("a") as file:
            file.write(f"{message['Message-ID']}\n")
        turnstile.mortal()

    def _job_failed(self, _signal: str, task: Any, error: BaseException | None = None) -> None:
        if not isinstance(error, PaywallError):
            self.crashes.append(f"the job {task.name} failed: {error!r}")

    def _forget(self) -> None:
        self.readers: list[int] = []
        self._cookies: list[str] = []
        self.posted: list[tuple[bytes, dict[str, str]]] = []
        self.told: dict[str, Told] = {}
        self.done: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.crashes: list[str] = []
        self._mail.write_text("")

    def _signed_in(self, reader: Reader) -> str:
        signer = SecureCookieSessionInterface().get_signing_serializer(self.app)
        assert signer is not None
        return str(signer.dumps({"_user_id": reader.fs_uniquifier, "_fresh": True}))

    def _wall(self) -> datetime:
        return self.sandbox.now()

    def _open_stand_in(self) -> None:
        self.sandbox = Sandbox(self._stand_in, public_url=newsroom.SITE)
        self.app.extensions["sandbox"] = self.sandbox
        clock.use(self.sandbox.now)
        gateway.init_app(
            self.app,
            self.settings,
            api_key=self.sandbox.api_key,
            http_client=hooks.Line(self.sandbox.handle, TIMEOUT),
            secrets=self.sandbox.webhook_secrets,
        )

    def _keep_original(self) -> None:
        self._original.mkdir()
        _copy(self._stand_in, self._original / "sandbox")
        if self._is_sqlite:
            _copy(self._database, self._original / "paywall")

    def _put_back(self) -> None:
        # A file of its own for each schedule: a killed process may have left locks on the last one.
        for left in self.settings.data_dir.glob("sandbox*"):
            left.unlink()
        self._schedules += 1
        self._stand_in = self.settings.data_dir / f"sandbox-{self._schedules}.sqlite3"
        shutil.copyfile(self._original / "sandbox", self._stand_in)
        if self._is_sqlite:
            _copy(self._original / "paywall", self._database)
        else:
            self._empty_tables()

    def _empty_tables(self) -> None:
        names = [f'"{name}"' for name in db.metadata.tables if name not in SHELF]
        # To truncate so many tables takes long; to delete leaves dead rows behind.
        if self._schedules % BETWEEN_TRUNCATES == 0:
            # With what hangs on them and has no model: the index of words.
            words = f"TRUNCATE {', '.join(names)} CASCADE"
        else:
            words = "; ".join(f"DELETE FROM {name}" for name in names)
        with self.app.app_context(), db.engine.begin() as connection:
            # Neither the ledger's triggers nor foreign keys object.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(words))


_EVENTS_THAT_WAIT = select(StripeEvent.try_at, StripeEvent.claimed_until).where(
    StripeEvent.try_at.is_not(None)
)
_NEXT_DELIVERY = "SELECT min(max(due, claimed_until)) FROM deliveries WHERE state = 'pending'"


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
