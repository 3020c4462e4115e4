"""Acts at once and deaths of processes, reproducibly.

Threads that run at once hand over to one another at the turnstile only: before and after each question to
Stripe, before a letter is posted, and after each transaction. No transaction is open there, so nobody waits
for a lock that a sleeper holds.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Container, Sequence

Act = Callable[[], None]
PATIENCE = 60


class Turnstile:
    """Of several threads it lets exactly one go on.

    They have ranks, and the first in rank goes on until it ends, or until it comes to one of a few places:
    there it falls back behind all others. Faults of order need few changes at the right places, and are found
    so much sooner than by drawing at each step (doi.org/10.1145/1736020.1736040).
    """

    def __init__(self, falls: Container[int]) -> None:
        self._falls = falls
        self._steps = 0
        self._waiting: dict[int, threading.Semaphore] = {}
        self._done = threading.Event()
        self.errors: list[BaseException] = []

    def run(self, acts: Sequence[Act]) -> None:
        """Run all acts, first in rank first, each in a thread, to their end; raises the first error."""
        global _present
        threads = [threading.Thread(target=self._live, args=(act,), daemon=True) for act in acts]
        self._waiting = {id(thread): threading.Semaphore(0) for thread in threads}
        _present = self
        try:
            for thread in threads:
                thread.start()
            self._pass_on()
            if not self._done.wait(PATIENCE):
                raise TimeoutError("a worker hangs")
            for thread in threads:
                thread.join(PATIENCE)
        finally:
            _present = None
        if self.errors:
            raise self.errors[0]

    def step(self) -> None:
        """Go on, or fall back behind the others; called by the thread whose turn it is."""
        me = id(threading.current_thread())
        if me not in self._waiting:
            return
        self._steps += 1
        if self._steps in self._falls and len(self._waiting) > 1:
            mine = self._waiting[me] = self._waiting.pop(me)
            self._pass_on()
            mine.acquire()

    def _live(self, act: Act) -> None:
        me = id(threading.current_thread())
        self._waiting[me].acquire()
        try:
            act()
        except BaseException as error:
            self.errors.append(error)
        finally:
            del self._waiting[me]
            self._pass_on()

    def _pass_on(self) -> None:
        first = next(iter(self._waiting.values()), None)
        if first is not None:
            first.release()
        else:
            self._done.set()


_present: Turnstile | None = None
_left: int | None = None


def passing() -> None:
    """A place where another thread may go on, and where a process may die."""
    mortal()
    if _present is not None:
        _present.step()


def mortal() -> None:
    """A place where a process may die."""
    global _left
    if _left is not None:
        _left -= 1
        if _left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def fork(act: Act, *, after: int | None = None) -> int:
    """Run an act in a process of its own, which is killed after so many places; its number."""
    global _left
    child = os.fork()
    if child == 0:
        try:
            _left = after
            act()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return child


def was_killed(child: int) -> bool:
    """Wait for a process to end; False if it came to the end of its act."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        raise AssertionError("an act in a process of its own failed; its traceback stands above")
    return False
