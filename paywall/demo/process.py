"""Keeps several programs running side by side: all run, or none does."""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from queue import Empty, SimpleQueue

from paywall.errors import PaywallError

STOP = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
STOP_SECONDS = 10.0
LOOK_AGAIN = 0.1


class Died(PaywallError):
    """One of the programs ended by itself, so the others were stopped."""


class Program:
    """A running program; `name` is how a person calls it. It is forked: all that we imported is there."""

    def __init__(
        self, name: str, main: Callable[[], object], *, without_us: signal.Signals = signal.SIGTERM
    ) -> None:
        """`without_us` is what the kernel sends to it should we be killed outright."""
        self.name = name
        self._process = get_context("fork").Process(target=_alone, args=(main, without_us))
        # What a signal's handler raises within the hooks of a fork, Python prints and forgets: a Ctrl-C would
        # be lost. So it waits until the fork is done.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._process.exitcode

    def ask_to_stop(self) -> None:
        """Let it finish what it does and end."""
        if self.ended() is None:
            self._process.terminate()

    def make_sure(self, deadline: float) -> None:
        """End it and whatever it has started, by force once `deadline` (monotonic) has passed."""
        self._process.join(max(0.0, deadline - time.monotonic()))
        assert self._process.pid, "it was started"
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()


def keep_running(
    programs: Callable[[], Sequence[Program]],
    *,
    is_ready: Callable[[], bool],
    when_ready: Callable[[], None],
    start_seconds: float,
) -> None:
    """Start the programs, say so when they are ready, and return when Ctrl-C or SIGTERM has stopped them.

    Raises Died when one ends by itself, or when they are not ready in `start_seconds`.
    """
    told: SimpleQueue[int] = SimpleQueue()
    for number in (*STOP, signal.SIGCHLD):
        signal.signal(number, lambda signum, _frame: told.put(signum))
    running = programs()
    try:
        if _wait_for(running, told, is_ready, time.monotonic() + start_seconds):
            when_ready()
            _wait_for(running, told, None, None)
    finally:
        _stop(running)


def _wait_for(
    running: Sequence[Program],
    told: SimpleQueue[int],
    is_ready: Callable[[], bool] | None,
    deadline: float | None,
) -> bool:
    """True when ready; False when told to stop."""
    while True:
        for program in running:
            if (code := program.ended()) is not None:
                raise Died(f"{program.name} has ended with exit code {code}; everything is stopped")
        if is_ready and is_ready():
            return True
        if deadline and time.monotonic() > deadline:
            raise Died("the demo was not ready in time; everything is stopped")
        with suppress(Empty):
            if told.get(timeout=LOOK_AGAIN if is_ready else None) in STOP:
                return False


def _stop(running: Sequence[Program]) -> None:
    for number in STOP:
        signal.signal(number, signal.SIG_IGN)
    for program in running:
        program.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for program in running:
        program.make_sure(deadline)


def _alone(main: Callable[[], object], without_us: signal.Signals) -> None:
    # A process group of its own: Ctrl-C in the terminal reaches us alone, and we stop it in good order.
    os.setpgid(0, 0)
    for number in (*STOP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)
    # prctl(2): PR_SET_PDEATHSIG is 1.
    ctypes.CDLL(None).prctl(1, without_us)
    main()
