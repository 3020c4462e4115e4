"""Rendered pages kept in memory, bounded in bytes: nothing personal is ever among them."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

from paywall import metrics


@dataclass(frozen=True, slots=True)
class Page:
    """A whole response as it goes out: status line, headers, body, and the tag that names its content."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    etag: str

    @classmethod
    def of(cls, status: str, headers: Iterable[tuple[str, str]], body: bytes) -> "Page":
        """A page with its tag made from the body."""
        return cls(status, tuple(headers), body, f'"{blake2b(body, digest_size=12).hexdigest()}"')


class PageStore:
    """The pages used last, up to `limit` bytes of body; each worker process has its own."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pages: OrderedDict[Hashable, Page] = OrderedDict()
        self._lock = Lock()
        self.size = 0

    def get(self, key: Hashable) -> Page | None:
        """The page kept under `key`, or None."""
        with self._lock:
            page = self._pages.get(key)
            if page is not None:
                self._pages.move_to_end(key)
            return page

    def put(self, key: Hashable, page: Page) -> None:
        """Keep a page, and drop those not used for longest if that is too much."""
        with self._lock:
            self._drop(key)
            self._pages[key] = page
            self.size += len(page.body)
            while self.size > self._limit and self._pages:
                self._drop(next(iter(self._pages)))
            metrics.stored_pages(self.size)

    def clear(self) -> None:
        """Drop every page."""
        with self._lock:
            self._pages.clear()
            self.size = 0
            metrics.stored_pages(self.size)

    def _drop(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self.size -= len(page.body)
