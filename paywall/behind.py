"""What need not be done before an answer goes out: left for a thread that does it for many answers at once.

To write a line lets go of Python's lock, and while other threads wait for that lock, it takes longer to get
it back than to answer. To count a hundred at once costs as much as to count one.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.util import Finalize
from threading import Event, Lock, Thread
from typing import Any, Generic, TypeVar

EVERY = 0.05
MOST = 10_000

T = TypeVar("T")


class Behind(Generic[T]):
    """Things of one kind that wait to be taken together: `EVERY` seconds at most, and at most `MOST` things.

    Only where several threads serve (`begin` was called); elsewhere each is taken at once.
    """

    def __init__(self, take: Callable[[list[T]], None]) -> None:
        self._take = take
        self._things: deque[T] = deque()
        self._taking = Lock()
        _all.append(self)

    def add(self, thing: T) -> None:
        """Leave a thing to be taken soon."""
        self._things.append(thing)
        if not _begun.is_set() or len(self._things) >= MOST:
            self.catch_up()
        elif not _has_some.is_set():
            _has_some.set()

    def catch_up(self) -> None:
        """Take all that waits now."""
        with self._taking:
            things = [self._things.popleft() for _ in range(len(self._things))]
            if things:
                self._take(things)


def begin() -> None:
    """Let things wait from now on, in this process; at its end the last ones are taken."""
    if not _begun.is_set():
        with _beginning:
            if not _begun.is_set():
                # Not atexit: web processes are children that multiprocessing made, and end without it.
                Finalize(None, catch_up, exitpriority=0)
                Thread(target=_now_and_then, name="behind", daemon=True).start()
                _begun.set()


def catch_up() -> None:
    """Take all that waits, of every kind; and then what that has left behind."""
    for one in _all * 2:
        one.catch_up()


def _now_and_then() -> None:
    while _has_some.wait():
        time.sleep(EVERY)
        _has_some.clear()
        # Mostly it is the log's own disk that is full: nothing can be said of it, and it may have room again.
        with suppress(Exception):
            catch_up()


_all: list[Behind[Any]] = []
_beginning, _begun, _has_some = Lock(), Event(), Event()
# A child has no thread but the one that made it.
os.register_at_fork(after_in_child=_begun.clear)
