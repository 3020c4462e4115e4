"""Whether the DNS says that an address is an engine's: asked in the background, never waited for."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from paywall.access.crawlers.engines import Address, Engine, read

DAY = 24 * 3600.0
HOUR = 3600.0
# How long somebody who was verified is believed while the DNS does not answer, and when it is asked again.
BELIEVED = 3 * DAY
AGAIN = 300.0
# Those verified and those refused are kept apart: no flood of liars can push a real crawler out.
REMEMBERED = 10_000
WAITING = 200
THREADS = 4
# Of so many names one is enough; who has more of them is no crawler of an engine.
MOST_NAMES = 5
# netdb.h: the host is not known; the host has no name. Anything else is the DNS in trouble.
NO_SUCH_HOST = frozenset({1, 4})
NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})

Key = tuple[Address, Engine]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Finding:
    """What the DNS said: the name of the host, and whether it is the engine's. None: it gave no answer."""

    host: str
    is_theirs: bool | None


def look_up(address: Address, engine: Engine) -> Finding:
    """The way the engines document: the address's name must be theirs, and lead back to the address."""
    if not address.is_global or not engine.domains:
        return Finding("", is_theirs=False)
    try:
        name, others, _ = socket.gethostbyaddr(str(address))
    except UnicodeError:
        return Finding("", is_theirs=False)
    except OSError as failure:
        return Finding("", is_theirs=False if failure.errno in NO_SUCH_HOST else None)
    names = [one.rstrip(".").lower() for one in (name, *others[: MOST_NAMES - 1])]
    host = next((one for one in names if engine.owns(one)), None)
    if host is None:
        return Finding(names[0], is_theirs=False)
    try:
        # The dot at the end: what resolv.conf searches in is not asked.
        found = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    except OSError as failure:
        return Finding(host, is_theirs=False if failure.errno in NO_SUCH_NAME else None)
    return Finding(host, is_theirs=address in {read(str(one[4][0])) for one in found})


@dataclass(frozen=True, slots=True)
class Known:
    """An answer that is remembered: asked anew after `fresh_until`, worth nothing after `good_until`."""

    fresh_until: float
    good_until: float


class Names:
    """What the DNS said lately. To ask costs a look into a dict; the looking up is done by threads."""

    def __init__(
        self,
        look_up: Callable[[Address, Engine], Finding] = look_up,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._now = now
        self._theirs: dict[Key, Known] = {}
        self._others: dict[Key, Known] = {}
        self._waiting: deque[Key] = deque()
        self._asked: set[Key] = set()
        self._running = 0
        self._lock = threading.Lock()

    def is_theirs(self, address: Address, engine: Engine) -> bool:
        """Whether the address was verified as the engine's; if that is not known, it soon will be."""
        key, now = (address, engine), self._now()
        theirs = self._theirs.get(key)
        known = theirs or self._others.get(key)
        if known is None or known.fresh_until <= now:
            self._ask(key)
        return theirs is not None and now < theirs.good_until

    def _ask(self, key: Key) -> None:
        with self._lock:
            if key in self._asked or len(self._waiting) >= WAITING:
                return
            self._asked.add(key)
            self._waiting.append(key)
            is_enough = self._running >= THREADS
            self._running += not is_enough
        if not is_enough:
            self._start()

    def _start(self) -> None:
        try:
            threading.Thread(target=self._work, name="crawler-names", daemon=True).start()
        except RuntimeError:
            log.warning("crawler_names_not_asked")
            with self._lock:
                self._running -= 1

    def _work(self) -> None:
        while (key := self._next()) is not None:
            try:
                is_theirs = self._look_up(*key).is_theirs
            except Exception:
                log.exception("crawler_name_unknown", address=str(key[0]))
                is_theirs = None
            self._remember(key, is_theirs=is_theirs)

    def _next(self) -> Key | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._running -= 1
            return None

    def _remember(self, key: Key, *, is_theirs: bool | None) -> None:
        now = self._now()
        with self._lock:
            self._asked.discard(key)
            before = self._theirs.pop(key, None)
            self._others.pop(key, None)
            if is_theirs:
                _keep(self._theirs, key, Known(now + DAY, now + BELIEVED))
            elif is_theirs is None and before is not None and now < before.good_until:
                _keep(self._theirs, key, Known(now + AGAIN, before.good_until))
            else:
                until = now + (AGAIN if is_theirs is None else HOUR)
                _keep(self._others, key, Known(until, until))


def _keep(those: dict[Key, Known], key: Key, known: Known) -> None:
    """Remember one more, and forget the one that was learned first if they are too many."""
    those[key] = known
    if len(those) > REMEMBERED:
        del those[next(iter(those))]
