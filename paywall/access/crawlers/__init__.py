"""Who comes as a search engine's crawler and is one: by its address, never by its User-Agent."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from flask import Flask

from paywall import clock
from paywall.access.crawlers import lists
from paywall.access.crawlers.engines import claimed, read
from paywall.access.crawlers.names import Names
from paywall.access.crawlers.ranges import Ranges
from paywall.config import Settings

FULL = "full"
# So often the lists are read anew from their folder, if any crawler comes.
READ_AGAIN = 600.0


class Crawlers:
    """Says of a request whether a verified crawler sends it that may see full texts; made once per app."""

    def __init__(
        self, settings: Settings, names: Names | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._lets_in = settings.crawlers == FULL
        self._folder = lists.folder(settings)
        self._engines = tuple(lists.wanted(settings.crawler_lists))
        self._names = names or Names()
        self._now = now
        self._ranges: dict[str, Ranges] = {}
        self._read_at = now()
        if self._lets_in:
            self._read()

    def claims(self, user_agent: str) -> bool:
        """Whether this is what an engine's crawler calls itself. It proves nothing, and opens nothing."""
        return claimed(user_agent) is not None

    def is_verified(self, address: str, user_agent: str) -> bool:
        """Whether this is an engine's crawler and those are let in; asks nobody and waits for nothing.

        An address that no list has is looked up in the background: until then it is an ordinary visitor.
        """
        engine = claimed(user_agent) if self._lets_in else None
        found = read(address) if engine else None
        if engine is None or found is None:
            return False
        if self._now() - self._read_at >= READ_AGAIN:
            self._read_at = self._now()
            with suppress(RuntimeError):  # no more threads: the lists that we have do
                threading.Thread(target=self._read, name="crawler-lists", daemon=True).start()
        ranges = self._ranges.get(engine.name)
        return (ranges is not None and found in ranges) or self._names.is_theirs(found, engine)

    def _read(self) -> None:
        now = clock.wall()
        held = {name: lists.kept(self._folder, name, now) for name in self._engines}
        self._ranges = {name: one.ranges for name, one in held.items() if one is not None}


def init_app(app: Flask, settings: Settings) -> None:
    """Make the app's crawlers; raises WrongSetting for a list of an engine that we do not know."""
    app.extensions["crawlers"] = Crawlers(settings)
