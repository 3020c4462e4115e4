"""The stand-in as one thing: a file, a clock, the API, and the pages' side of Checkout and the portal."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stripe import HTTPClient

from paywall.sandbox import (
    bulk,
    collection,
    destinations,
    disputes,
    lifecycle,
    payouts,
    terms,
    test_clocks,
    webhooks,
)
from paywall.sandbox.api import API_KEY, Api, Response
from paywall.sandbox.books import Books, Origin
from paywall.sandbox.checkout import Checkout
from paywall.sandbox.clock import Clock
from paywall.sandbox.collection import Dunning
from paywall.sandbox.deliveries import Deliveries
from paywall.sandbox.destinations import Destination
from paywall.sandbox.errors import Doc
from paywall.sandbox.faults import Faults
from paywall.sandbox.hosted import HostedInvoices
from paywall.sandbox.ids import Ids
from paywall.sandbox.ledger import Ledger
from paywall.sandbox.payouts import Rhythm
from paywall.sandbox.portal import Portal
from paywall.sandbox.store import Store
from paywall.sandbox.transport import SandboxClient, SandboxWsgi


class Sandbox:
    """Stripe, as far as we model it. Any number of threads and processes may open the same file.

    `public_url` is where the hosted pages are served; `on_event` is called after a commit with deliveries.
    """

    api_key = API_KEY

    def __init__(
        self,
        path: Path,
        *,
        public_url: str,
        on_event: Callable[[], None] | None = None,
        seed: int | None = None,
    ) -> None:
        self.on_event = on_event
        self._public_url = public_url.rstrip("/")
        self._ids = Ids(seed)
        self._store = Store(path)
        self._clock = Clock(self._store)
        self.faults = Faults(self._store)
        self.deliveries = Deliveries(self._store, self._clock, self.faults, self._books)
        self.checkout = Checkout(self._work, self._look)
        self.portal = Portal(self._work)
        self.invoices = HostedInvoices(self._work, self._look)
        self.disputes = Disputes(self._work)
        self.bank = Bank(self._work, self._look)
        self.ledger = Ledger(self._work, self._look, self.deliveries)
        self._api = Api(self._store, self._clock, self._ids, self.faults, self._work, self._look)
        self.wsgi = SandboxWsgi(self.handle)

    def http_client(self, timeout: float = 80) -> HTTPClient:
        """For `stripe.StripeClient(sandbox.api_key, http_client=...)`; `timeout` in seconds."""
        return SandboxClient(self.handle, timeout)

    def handle(self, method: str, path: str, form: bytes | str, headers: Mapping[str, str]) -> Response:
        """One API request; `form` is the body of a POST, the query string of a GET or DELETE."""
        answer = self._api.handle(method, path, form, headers)
        if path.endswith("/advance"):
            self._follow_test_clock()
        return answer

    def webhook_secrets(self) -> list[str]:
        """The signing secret of each webhook endpoint and destination, as the dashboard would show it."""
        with self._look() as books:
            listening = [*books.all("webhook_endpoint"), *books.all(destinations.KIND)]
            return [endpoint["_secret"] for endpoint in listening]

    def send_thin(self, url: str, types: Sequence[str]) -> Destination:
        """Set up an event destination: thin events of such types (v1.invoice.paid) go to an address."""
        with self._work() as books:
            return destinations.create(books, url, types)

    def roll_secret(self, endpoint_id: str, overlap: timedelta = timedelta(days=1)) -> str:
        """A new secret for an endpoint; until the overlap ends, deliveries are signed with both."""
        with self._work() as books:
            return webhooks.roll_secret(books, endpoint_id, int(overlap.total_seconds()))

    def now(self) -> datetime:
        """The sandbox's time, aware UTC; costs microseconds."""
        return self._clock.now()

    def begin(self, at: datetime) -> None:
        """Let time begin at an instant, which may be past. Raises ValueError once anything has happened."""
        with self._store.write() as db:
            if db.execute("SELECT 1 FROM objects LIMIT 1").fetchone():
                raise ValueError("the sandbox's clock has begun already")
            self._clock.begin(at.timestamp())

    def advance(
        self, *, to: datetime | None = None, by: timedelta | None = None, months: int = 0
    ) -> datetime:
        """Move the clock forward and play everything that falls due, in order. Returns the new time.

        Killed half way, the clock stands at the last instant played. Raises ValueError for a time gone by.
        """
        target = (to or self.now()).timestamp() + (by or timedelta()).total_seconds()
        if months:
            target = terms.plus(int(target), "month", months)
        if target < self._clock.timestamp() - 1:
            raise ValueError("the sandbox's clock only moves forward")
        while not self._play(int(target)):
            pass
        with self._open(Origin()) as books:
            self._clock.forward(target)
            books.now = int(target)
            lifecycle.tidy(books)
        return self.now()

    def copy(self, subscription: str, count: int, *, first_reader: int) -> None:
        """Copy a subscription with its customer `count` times, for an account as large as there is none.

        The copies are `sub_copy1` of `cus_copy1` and so on, and stand still whatever the clock says.
        """
        with self._work() as books:
            bulk.copy(books, subscription, count, first_reader=first_reader)

    @property
    def dunning(self) -> Dunning:
        """When failed payments are tried again, and what comes after the last retry."""
        with self._look() as books:
            return collection.dunning(books)

    @dunning.setter
    def dunning(self, wanted: Dunning) -> None:
        with self._work() as books:
            collection.set_dunning(books, wanted)

    def _follow_test_clock(self) -> None:
        with self._look() as books:
            clock = test_clocks.waiting(books)
        if clock is None:
            return
        target = clock["status_details"]["advancing"]["target_frozen_time"]
        self.advance(to=max(self.now(), datetime.fromtimestamp(target, UTC)))
        with self._work() as books:
            test_clocks.arrive(books, clock)

    @contextmanager
    def _work(self, origin: Origin | None = None) -> Iterator[Books]:
        """The books, for a change; what fell due in the meantime is played first."""
        self._catch_up()
        with self._open(origin or Origin()) as books:
            yield books

    @contextmanager
    def _look(self, origin: Origin | None = None) -> Iterator[Books]:
        """The books, for reading."""
        self._catch_up()
        with self._store.read() as db:
            yield self._books(db)

    @contextmanager
    def _open(self, origin: Origin) -> Iterator[Books]:
        with self._store.write() as db:
            books = self._books(db, origin)
            yield books
        if books.rang and self.on_event:
            self.on_event()

    def _books(self, db: sqlite3.Connection, origin: Origin | None = None) -> Books:
        return Books(db, int(self._clock.timestamp()), self._ids, self._public_url, origin or Origin())

    def _catch_up(self) -> None:
        now = int(self._clock.timestamp())
        sql = "SELECT 1 FROM timers WHERE at <= ? LIMIT 1"
        while self._store.connection().execute(sql, (now,)).fetchone():
            self._play(now)

    def _play(self, until: int) -> bool:
        with self._open(Origin()) as books:
            done = lifecycle.play(books, until)
            self._clock.forward(books.now)
            return done


class Disputes:
    """What a card holder's bank does."""

    def __init__(self, work: Callable[[], AbstractContextManager[Books]]) -> None:
        self._work = work

    def open(self, charge_id: str, reason: str = "fraudulent", *, inquiry: bool = False) -> Doc:
        """Take the money of a charge back, or only ask. Raises `SandboxError` for one that was not paid."""
        with self._work() as books:
            return books.render(disputes.open_dispute(books, charge_id, reason, inquiry=inquiry))

    def close(self, dispute_id: str, *, won: bool) -> Doc:
        """Decide a dispute."""
        with self._work() as books:
            return books.render(disputes.close_dispute(books, dispute_id, won=won))


class Bank:
    """Where our payouts go."""

    def __init__(
        self,
        work: Callable[[], AbstractContextManager[Books]],
        look: Callable[[], AbstractContextManager[Books]],
    ) -> None:
        self._work = work
        self._look = look

    @property
    def rhythm(self) -> Rhythm:
        """When money is paid out by itself."""
        with self._look() as books:
            return payouts.rhythm(books)

    @rhythm.setter
    def rhythm(self, wanted: Rhythm) -> None:
        with self._work() as books:
            payouts.set_rhythm(books, wanted)

    def send_back(self, payout_id: str) -> Doc:
        """Let a payout fail."""
        with self._work() as books:
            return books.render(payouts.fail(books, payout_id))
