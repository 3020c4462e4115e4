"""Acts at once and deaths of processes, reproducibly.

Threads that run at once here hand over to one another at the turnstile only: before and after each question to
Stripe, before a letter is posted, and after each transaction. Which of them goes on is drawn from the schedule.
No transaction is open there, so nobody waits for a lock that a sleeper holds.
"""

import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence

Act = Callable[[], None]
PATIENCE = 60


class Turnstile:
    """Of several threads it lets exactly one go on."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._waiting: dict[int, threading.Semaphore] = {}
        self._done = threading.Event()
        self.errors: list[BaseException] = []

    def run(self, acts: Sequence[Act]) -> None:
        """Run all acts, each in a thread, to their end; raises the first error that one raised."""
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
        """Let another go on, or the same one; called by the thread whose turn it is."""
        mine = self._waiting.get(id(threading.current_thread()))
        if mine is not None and len(self._waiting) > 1:
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
        if self._waiting:
            self._chance.choice(list(self._waiting.values())).release()
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


def killed(act: Act, *, after: int) -> bool:
    """Run an act in a process of its own that is killed after so many places; False if it ended before."""
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
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        raise AssertionError("an act in a process of its own failed; its traceback stands above")
    return False
