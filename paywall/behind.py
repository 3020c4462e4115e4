"""What need not be done before an answer goes out: left for a thread that does it for many answers at once.

To write a line lets go of Python's lock, and while other threads wait for that lock, it takes longer to get
it back than to answer. To count a hundred at once costs as much as to count one.
"""

import os
import time
import traceback
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
        self._has_failed = False
        self.forget()
        _all.append(self)

    def add(self, thing: T) -> None:
        """Leave a thing to be taken soon."""
        self._things.append(thing)
        if not _state.has_begun:
            self.catch_up()
        elif len(self._things) >= MOST:
            self.try_to_catch_up()
        elif not _state.has_some.is_set():
            _state.has_some.set()

    def catch_up(self) -> None:
        """Take all that waits now; raises what taking it raises."""
        with self._taking:
            things = [self._things.popleft() for _ in range(len(self._things))]
            if things:
                self._take(things)
                self._has_failed = False

    def try_to_catch_up(self) -> None:
        """The same where nobody can help it: what fails to be taken is lost, and the first failure told."""
        try:
            self.catch_up()
        except Exception:
            # Often it is the log's own disk that is full, and then nothing can be told either.
            with suppress(Exception):
                if not self._has_failed:
                    traceback.print_exc()
            self._has_failed = True

    def forget(self) -> None:
        """Have nothing waiting, whoever was about to take it."""
        self._things: deque[T] = deque()
        self._taking = Lock()


class _State:
    """Of this process; a child that it forks begins anew, with no thread but the one that made it."""

    def __init__(self) -> None:
        self.has_begun = False
        self.beginning, self.has_some = Lock(), Event()


def begin() -> None:
    """Let things wait from now on, in this process, until it ends."""
    if not _state.has_begun:
        with _state.beginning:
            if not _state.has_begun:
                # Not atexit: web processes are children that multiprocessing made, and end without it.
                # Before all that are lower: what waits here may be theirs to write.
                Finalize(None, end, exitpriority=2)
                Thread(target=_now_and_then, args=(_state.has_some,), name="behind", daemon=True).start()
                _state.has_begun = True


def end() -> None:
    """Let nothing wait from now on, and take what does."""
    _state.has_begun = False
    catch_up()


def catch_up() -> None:
    """Take all that waits, of every kind; and then what that has left behind."""
    for one in _all * 2:
        one.try_to_catch_up()


def _now_and_then(has_some: Event) -> None:
    while has_some.wait():
        time.sleep(EVERY)
        has_some.clear()
        catch_up()


def _begin_anew() -> None:
    global _state
    _state = _State()
    for one in _all:
        one.forget()


_all: list[Behind[Any]] = []
_state = _State()
os.register_at_fork(after_in_child=_begin_anew)
