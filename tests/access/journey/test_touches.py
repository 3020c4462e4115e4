"""What a browser remembers of gated articles: bounded, each once, and nothing that we did not write."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paywall.access.journey import touches
from paywall.access.journey.touches import MOST, Memory, Touch, Touches, seen, within

TODAY = date(2026, 11, 26)
keys = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
days = st.integers(0, 4000).map(lambda passed: date(2020, 1, 1) + timedelta(days=passed))
some = st.lists(st.builds(Touch, keys, days), max_size=MOST).map(tuple)


@settings(max_examples=30)
@given(some)
def test_a_cookie_reads_as_it_was_written(made: Touches) -> None:
    memory = Memory("a key")
    value = memory.write(made)
    assert memory.read(value) == made
    assert all(character not in value for character in ' ",;\\')
    assert Memory("another key").read(value) == ()


@settings(max_examples=50)
@given(some, st.integers(0, 200), st.characters(codec="ascii"))
def test_one_that_was_tampered_with_is_nothing(made: Touches, at: int, other: str) -> None:
    value = Memory("a key").write(made)
    at %= len(value)
    forged = value[:at] + other + value[at + 1 :]
    assert Memory("a key").read(forged) == (made if forged == value else ())


@pytest.mark.parametrize("value", ["", ".", "a:1", "a:1.", "1:x.c2ln", "\x00", "a" * 5000])
def test_what_is_no_cookie_of_ours_is_nothing(value: str) -> None:
    assert Memory("a key").read(value) == ()


@pytest.mark.parametrize(("age", "is_kept"), [(-1, False), (0, True), (7, True), (8, False)], ids=str)
def test_a_touch_counts_today_and_the_seven_days_after(age: int, *, is_kept: bool) -> None:
    touch = Touch("a", TODAY - timedelta(days=age))
    assert bool(within([touch], TODAY)) is is_kept


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), st.integers(0, 3)), max_size=60))
def test_each_article_is_there_once_the_last_seen_at_the_end(walk: list[tuple[str, int]]) -> None:
    today, found = TODAY, tuple[Touch, ...]()
    for key, passed in walk:
        today += timedelta(days=passed)
        found = seen(found, key, today)
        assert found[-1] == Touch(key, today)
    assert len({one.key for one in found}) == len(found) <= MOST
    assert list(found) == sorted(found, key=lambda one: one.day)
    assert within(found, today) == found


def test_a_cookie_is_never_too_long_for_a_browser() -> None:
    value = Memory("a key").write(tuple(Touch("x" * 64, TODAY) for _ in range(MOST)))
    assert len(touches.COOKIE) + len(value) < 4096
