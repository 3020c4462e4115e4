"""What waits is taken soon, together and once; where nothing may wait it is taken at once."""

import subprocess
import sys
from threading import Thread

import pytest

from paywall import behind
from paywall.behind import Behind


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where several threads serve, without the thread that catches up."""
    state = behind._State()
    state.has_begun = True
    monkeypatch.setattr(behind, "_state", state)


def test_where_one_thread_serves_each_thing_is_taken_at_once() -> None:
    taken: list[list[int]] = []
    waiting = Behind(taken.append)
    waiting.add(1)
    waiting.add(2)
    assert taken == [[1], [2]]


def test_things_wait_for_one_another_and_are_taken_once(begun: None) -> None:
    taken: list[list[int]] = []
    waiting = Behind(taken.append)
    waiting.add(1)
    waiting.add(2)
    assert not taken
    waiting.catch_up()
    waiting.catch_up()
    assert taken == [[1, 2]]


def test_no_more_wait_than_may(begun: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "MOST", 3)
    taken: list[list[int]] = []
    waiting = Behind(taken.append)
    for number in range(4):
        waiting.add(number)
    assert taken == [[0, 1, 2]]


def test_of_many_threads_nothing_is_lost_or_taken_twice(begun: None) -> None:
    taken: list[int] = []
    waiting: Behind[int] = Behind(taken.extend)

    def add(first: int) -> None:
        for number in range(first, first + 1000):
            waiting.add(number)
            if number % 7 == 0:
                waiting.catch_up()

    threads = [Thread(target=add, args=(first,)) for first in range(0, 4000, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting.catch_up()
    assert sorted(taken) == list(range(4000))


def test_a_failure_is_told_once_and_keeps_no_other_kind_from_being_taken(
    begun: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behind, "_all", [])

    def fail(_things: list[int]) -> None:
        raise OSError("No space left on device")

    taken: list[list[int]] = []
    broken, sound = Behind(fail), Behind(taken.append)
    for number in (1, 2):
        broken.add(number)
        sound.add(number)
        behind.catch_up()
    assert taken == [[1], [2]]
    assert capsys.readouterr().err.count("\nOSError: ") == 1


PROCESS = """
from multiprocessing import get_context
from paywall import behind
waiting = behind.Behind(lambda lines: print(*lines, sep=chr(10), flush=True))
first = behind.Behind(waiting.add)
def work():
    behind.begin()
    waiting.add("last")
    first.add("words")
behind.begin()
waiting.add("the parent's")
worker = get_context("fork").Process(target=work)
worker.start()
worker.join()
"""


def test_what_waits_at_the_end_of_a_worker_is_taken() -> None:
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == ["['words']", "last", "the parent's"]


SOON = """
from threading import Event
from paywall import behind
got = Event()
def take(things):
    if things == [1]:
        raise OSError("No space left on device")
    got.set()
waiting = behind.Behind(take)
behind.begin()
waiting.add(1)
while waiting._things:
    pass
waiting.add(2)
assert got.wait(30)
"""


def test_what_waits_is_taken_soon_also_after_one_that_failed() -> None:
    subprocess.run([sys.executable, "-c", SOON], check=True)
